"""From a picture to a model's input, and from places in the input back to the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite.vision.feeding import Feeding
from zerolite.vision.image import image_form, pillow

if TYPE_CHECKING:
    from zerolite._runners import TensorSpec

__all__ = ["Framing", "ImageInput", "Placement", "image_size"]


@dataclass(frozen=True, slots=True)
class Framing:
    """How the trainers of a kind of model put pictures into its input.

    Attributes:
        fit: "stretch" fills the input, whatever becomes of the proportions; "letterbox" keeps them, and puts bars at
            the sides.
        bars: the count of the bars, 0 to 255.
        preprocessing: a name of `vision.PREPROCESSINGS`, for real inputs of which the model's file does not tell; None
            where models of this kind are fed in several ways.
    """

    fit: Literal["stretch", "letterbox"] = "stretch"
    bars: int = 0
    preprocessing: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies in a model's input.

    Attributes:
        picture: width and height of the picture, in pixels.
        input: width and height of the input, in pixels.
        corner: where the picture's left upper corner is in the input, x and y in pixels.
        shown: width and height that the picture has in the input, in pixels.
    """

    picture: tuple[int, int]
    input: tuple[int, int]
    corner: tuple[int, int]
    shown: tuple[int, int]

    def to_picture(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points in the picture, x and y in pixels.

        Args:
            points: x and y as parts of the input's width and height, shape (..., 2).
        """
        in_input = np.asarray(points, np.float64) * self.input
        return (in_input - self.corner) * (np.asarray(self.picture) / self.shown)

    def cells(self, columns: int, rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each pixel of the picture lies in a grid over the whole input.

        Args:
            columns: of the grid.
            rows: of the grid.

        Returns:
            For each column of the picture that of the grid, and for each row that of the grid.
        """
        found = []
        for side, count in enumerate((columns, rows)):
            middles = (np.arange(self.picture[side]) + 0.5) * self.shown[side] / self.picture[side] + self.corner[side]
            found.append(np.clip(middles * count / self.input[side], 0, count - 1).astype(np.int64))
        return found[0], found[1]


class ImageInput:
    """A model's input for pictures.

    Attributes:
        name: the input's name.
        size: height and width of the input, in pixels.
        color: its channels.
    """

    def __init__(self, spec: TensorSpec, framing: Framing, *, preprocessing: str | None) -> None:
        """Look at the input.

        Args:
            spec: the input, as it is after it was resized.
            framing: what is usual for the kind of model.
            preprocessing: a name of `vision.PREPROCESSINGS` that goes before all else.

        Raises:
            ValueError: the input takes no images, or `preprocessing` is no such name.
        """
        _, self.color = image_form([spec])
        self.name = spec.name
        self.size: tuple[int, int] = (spec.shape[1], spec.shape[2])
        self._spec = spec
        self._framing = framing
        self._feeding = Feeding(preprocessing, usual=framing.preprocessing)

    def shown(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height that a picture of that width and height has in the input, in pixels."""
        return self._placement(*size).shown

    def place(self, image: Any, size: tuple[int, int] | None = None) -> tuple[NDArray[Any], Placement]:
        """A Pillow image as the input takes it, and where it is there.

        Args:
            image: the image.
            size: width and height of the picture, where the image was decoded at a smaller size.

        Returns:
            An array of the input's shape and dtype, and the placement.
        """
        height, width = self.size
        placement = self._placement(*(size or image.size))
        shown = _resized(image, placement.shown)
        if placement.shown != (width, height):
            bars = pillow().new(image.mode, (width, height), (self._framing.bars,) * len(image.getbands()))
            bars.paste(shown, placement.corner)
            shown = bars
        counts = np.asarray(shown, np.float32).reshape(1, height, width, -1)
        return self._feeding.store(self._spec, self._feeding.prepare(counts)), placement

    def _placement(self, width: int, height: int) -> Placement:
        input_height, input_width = self.size
        size = (input_width, input_height)
        if self._framing.fit == "stretch":
            return Placement((width, height), size, (0, 0), size)
        # As Ultralytics' LetterBox rounds: bars of an odd number of pixels are narrower at the left and at the top.
        scale = min(input_width / width, input_height / height)
        shown = max(1, round(width * scale)), max(1, round(height * scale))
        corner = round((input_width - shown[0]) / 2 - 0.1), round((input_height - shown[1]) / 2 - 0.1)
        return Placement((width, height), size, corner, shown)


def image_size(spec: TensorSpec, size: tuple[int, int] | None, default: tuple[int, int] | None) -> tuple[int, int]:
    """Height and width that a model's input shall have.

    Args:
        spec: the input, as it is before it is resized.
        size: what the caller asked for.
        default: what the metadata tells, for an input that leaves them open.

    Raises:
        ValueError: the input takes no images, or none of this size, or nothing tells the size.
    """
    form, _ = image_form([spec], size)
    if form is None and default is not None:
        form, _ = image_form([spec], default)
    if form is None:
        raise ValueError(
            f"input '{spec.name}' leaves height and width open, and nothing tells them; give size=(height, width)"
        )
    return form


def _resized(image: Any, size: tuple[int, int]) -> Any:
    """Resized by the plain bilinear rule, as OpenCV and TensorFlow do for training: pixels are not averaged."""
    if image.size == size:
        return image
    images = pillow()
    factors = image.width / size[0], image.height / size[1]
    return image.transform(
        size, images.Transform.AFFINE, (factors[0], 0, 0, 0, factors[1], 0), images.Resampling.BILINEAR
    )
