"""Segmentation: what each pixel of a picture belongs to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zerolite.tasks.decoding.masks import MaskHead
from zerolite.tasks.drawing import color_of, draw_legend
from zerolite.tasks.image_input import Placement
from zerolite.tasks.image_task import DrawnTask
from zerolite.tasks.picture import PictureSource
from zerolite.vision import OnCorrupt, check_labels
from zerolite.vision.image import pillow

if TYPE_CHECKING:
    from PIL.Image import Image

    from zerolite.tasks.task_model import Outputs, TaskModel

__all__ = ["Area", "Segmentation", "Segmenter"]

# What label files call class 0 where it stands for no thing.
_GROUND_NAMES = ("background", "_background_", "ground", "other", "void", "unlabeled", "???")
_OPACITY = 0.55


@dataclass(frozen=True, slots=True)
class Area:
    """How much of a picture belongs to one class.

    Attributes:
        class_number: the number of the class.
        label: the name of the class; the number as text where there is no name.
        pixels: how many pixels of the picture.
        share: which part of the picture, above 0 and up to 1.
        is_ground: whether the class stands for no thing.
    """

    class_number: int
    label: str
    pixels: int
    share: float
    is_ground: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "class_number": self.class_number,
            "label": self.label,
            "pixels": self.pixels,
            "share": self.share,
            "is_ground": self.is_ground,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """What the pixels of one picture belong to.

    Attributes:
        areas: how much there is of each class that occurs, the largest first.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        mask: the number of each pixel's class: uint8, or int32 where numbers need it, shape (height, width).
        path: the picture's file; None where it came from memory.
    """

    areas: tuple[Area, ...]
    width: int
    height: int
    mask: NDArray[Any] = field(repr=False)
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the mask."""
        return {
            "path": None if self.path is None else str(self.path),
            "width": self.width,
            "height": self.height,
            "areas": [one.to_dict() for one in self.areas],
        }


class _Choice(NamedTuple):
    threshold: float


class Segmenter(DrawnTask[Segmentation, _Choice]):
    """A model that tells the class of each pixel: by scores, by numbers of classes, or by one mask.

    Attributes:
        class_names: the names of the classes, by their numbers; empty where nobody told them.
    """

    name = "segment"

    def __init__(self, model: TaskModel, *, class_names: Sequence[str] | None, preprocessing: str | None) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model does not tell classes of pixels, or an option does not fit it.
        """
        head = MaskHead.recognize(model)
        if head is None:
            raise ValueError(
                f"{model.name} does not tell classes of pixels: its outputs are {model.described_outputs()}; known are "
                "one output of scores (1, height, width, classes), one of numbers of classes (1, height, width), and "
                "one mask (1, height, width, 1)"
            )
        self._head = head
        names = list(class_names) if class_names is not None else model.labels(head.output)
        if head.class_count == 2 and len(names) == 1:  # noqa: PLR2004 - a mask of the one thing that has a name
            names = [_GROUND_NAMES[0], *names]
        if class_names is not None and head.class_count is not None:
            check_labels(names, head.class_count)
        self.class_names = tuple(names)
        super().__init__(model, head.framing, preprocessing=preprocessing)

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model's output is that of a segmentation, and is surely no picture or feature."""
        head = MaskHead.recognize(model) if model.takes_a_picture else None
        return head is not None and (head.is_sure or bool(model.labels(head.output)))

    def __call__(self, picture: PictureSource, *, threshold: float = 0.5) -> Segmentation:
        """Say of each pixel of a picture what it belongs to.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).
            threshold: of a model with one mask, the probability above which a pixel belongs to the thing.

        Returns:
            The classes of all pixels: each has that of the model's cell that it lies in.

        Raises:
            ImageError: it is no sound image.
            OSError: the file can't be read.
            TypeError, ValueError: the picture is none of these, or `threshold` is not from 0 to 1.
            Error: the model fails or is closed.
        """
        return self._answer(picture, _checked(threshold))

    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        *,
        threshold: float = 0.5,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Segmentation]:
        """Say of the pixels of many pictures what they belong to.

        Args:
            pictures: as for `ImageTask.map`.
            threshold: as for a call.
            on_corrupt: as for `ImageTask.map`.
            progress: as for `ImageTask.map`.

        Returns:
            An iterator in the order of the pictures.
        """
        return self._answers(pictures, _checked(threshold), on_corrupt, progress)

    def _decode(self, outputs: Outputs, placement: Placement, path: Path | None, options: _Choice) -> Segmentation:
        cells = self._head.classes(outputs, threshold=options.threshold)
        columns, rows = placement.cells(cells.shape[1], cells.shape[0])
        mask = cells[rows[:, np.newaxis], columns]
        numbers, pixels = np.unique(mask, return_counts=True)
        areas = [
            Area(
                int(number), self._label(int(number)), int(count), int(count) / mask.size, self._is_ground(int(number))
            )
            for number, count in zip(numbers, pixels, strict=True)
        ]
        areas.sort(key=lambda area: -area.pixels)
        return Segmentation(tuple(areas), *placement.picture, mask, path)

    def _label(self, number: int) -> str:
        return self.class_names[number] if 0 <= number < len(self.class_names) else str(number)

    def _is_ground(self, number: int) -> bool:
        return number == 0 and (not self.class_names or self.class_names[0].lower() in _GROUND_NAMES)

    def _draw(self, image: Image, result: Segmentation) -> Image:
        from PIL import ImageDraw

        pixels = np.asarray(image).copy()
        things = [area for area in result.areas if not area.is_ground]
        for area in things:
            chosen = result.mask == area.class_number
            color = np.array(color_of(area.class_number), np.float32)
            pixels[chosen] = pixels[chosen] * (1 - _OPACITY) + color * _OPACITY
        drawn: Image = pillow().fromarray(pixels)
        entries = [(f"{area.label} {100 * area.share:.1f} %", color_of(area.class_number)) for area in things]
        draw_legend(ImageDraw.Draw(drawn), entries, drawn.size)
        return drawn


def _checked(threshold: float) -> _Choice:
    if math.isnan(threshold) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1; came {threshold}")
    return _Choice(threshold)
