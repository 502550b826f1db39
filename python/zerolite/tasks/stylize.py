"""Style transfer: a picture in the style of another one, by a pair of models."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._inference.model import Verify
from zerolite._inference.source import ModelSource
from zerolite._platform.ordered_work import in_order
from zerolite.tasks.image_input import Framing, ImageInput
from zerolite.tasks.image_task import kept_results
from zerolite.tasks.picture import Picture, PictureSource, pictures_of
from zerolite.tasks.task_model import TaskModel, TaskTensor
from zerolite.vision import OnCorrupt
from zerolite.vision.image import pillow
from zerolite.vision.loading import check_on_corrupt

if TYPE_CHECKING:
    from PIL.Image import Image

    from zerolite._runners import Delegates
    from zerolite.operators import CustomOps

__all__ = ["Stylized", "Stylizer", "load_stylizer"]

_AXES, _COLORS = 4, 3
_FRAMING = Framing("stretch", preprocessing="unit")


@dataclass(frozen=True, slots=True, eq=False)
class Stylized:
    """A picture in the style of another one.

    Attributes:
        image: a Pillow image in RGB, of the picture's own size.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        path: the picture's file; None where it came from memory.
    """

    image: Image = field(repr=False)
    width: int
    height: int
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the image."""
        return {"path": None if self.path is None else str(self.path), "width": self.width, "height": self.height}


def load_stylizer(
    predict: ModelSource,
    transform: ModelSource,
    *,
    preprocessing: str | None = None,
    delegates: Delegates | None = None,
    threads: int | None = None,
    fallback: bool = True,
    verify: Verify | None = None,
    workers: int | None = None,
    custom_ops: CustomOps | None = None,
) -> Stylizer:
    """Load the pair of models for style transfer.

    Args:
        predict: the path or the bytes of the .tflite file that makes a vector of a style.
        transform: those of the one that makes a picture of a picture and such a vector.
        preprocessing: a name of `vision.PREPROCESSINGS`; None is what the metadata says, or 0 to 1.
        delegates: where the models run, as for `zerolite.load`.
        threads: how many threads a run uses on the CPU; in a pool, of each replica.
        fallback: whether operators that no delegate of the list takes run on the CPU.
        verify: how closely the files are looked at, as for `zerolite.load`.
        workers: run the second model in a pool of so many replicas; then `map` works at several pictures at once.
        custom_ops: kernels for custom operators, as for `zerolite.load`.

    Raises:
        ValueError: the models are no such pair, or an option is wrong.
        OSError, InvalidModelError, Error, DelegateError: as `zerolite.load` raises them.
        ImportError: Pillow is not installed (extra "vision").
    """

    def opened(source: ModelSource, replicas: int | None) -> TaskModel:
        return TaskModel(
            source,
            delegates=delegates,
            threads=threads,
            fallback=fallback,
            verify=verify,
            tuned=None,
            workers=replicas,
            custom_ops=custom_ops,
        )

    first = opened(predict, None)
    try:
        second = opened(transform, workers)
    except BaseException:
        first.close()
        raise
    try:
        return Stylizer(first, second, preprocessing=preprocessing)
    except BaseException:
        first.close()
        second.close()
        raise


class Stylizer:
    """A pair of models for style transfer, as Magenta's arbitrary image stylization has them.

    It may be called from several threads. Close it, or use it in a with statement, when it is done.
    """

    #: The task's name.
    name = "stylize"

    def __init__(self, predictor: TaskModel, transformer: TaskModel, *, preprocessing: str | None) -> None:
        """Take the two models, of which the task becomes the owner; see `load_stylizer`.

        Raises:
            ValueError: the models are no such pair.
        """
        self._predict, self._transform = predictor, transformer
        if len(predictor.outputs) != 1:
            raise ValueError(
                f"{predictor.name} must make one vector of a style; it has {predictor.described_outputs()}"
            )
        predictor.fit_picture(None)
        numbers = math.prod(predictor.outputs[0].spec.shape)
        self._content, self._vector = _inputs_of(transformer, numbers, predictor.name)
        self._style_input = ImageInput(predictor.picture_input.spec, _FRAMING, preprocessing=preprocessing)
        self._content_input = ImageInput(self._content.spec, _FRAMING, preprocessing=preprocessing)

    def __call__(self, picture: PictureSource, style: PictureSource, *, strength: float = 1.0) -> Stylized:
        """Give a picture the style of another one.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).
            style: the picture whose style it gets.
            strength: how much of the style, from 0 to 1; the rest is the picture's own.

        Raises:
            ImageError: one of them is no sound image.
            OSError: a file can't be read.
            TypeError, ValueError: a picture is none of these, or `strength` is not from 0 to 1.
            Error: a model fails or is closed.
        """
        _check_strength(strength)
        return self._answer(picture, self._style_of(Picture.open(style)), strength)

    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        style: PictureSource,
        *,
        strength: float = 1.0,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Stylized]:
        """Give many pictures the style of one, which is looked at once.

        Args:
            pictures: as for `ImageTask.map`.
            style: as for a call.
            strength: as for a call.
            on_corrupt: as for `ImageTask.map`, of the pictures.
            progress: as for `ImageTask.map`.

        Returns:
            An iterator in the order of the pictures.
        """
        _check_strength(strength)
        check_on_corrupt(on_corrupt)
        sources, total = pictures_of(pictures)
        vector = self._style_of(Picture.open(style))
        threads = self._transform.threads if total != 1 else 1
        answers = in_order(lambda one: self._answer(one, vector, strength), sources, threads=threads)
        return kept_results(answers, total, on_corrupt, progress)

    def _style_of(self, picture: Picture) -> NDArray[np.float32]:
        image, _ = self._style_input.place(picture.image)
        (vector,) = self._predict.run({self._style_input.name: image}).values()
        return np.asarray(vector, np.float32).reshape(-1)

    def _answer(self, source: PictureSource, style: NDArray[np.float32], strength: float) -> Stylized:
        picture = Picture.open(source)
        if strength < 1:
            style = strength * style + (1 - strength) * self._style_of(picture)
        image, placement = self._content_input.place(picture.image)
        vector = self._vector.spec.store(style.reshape(self._vector.spec.shape))
        (made,) = self._transform.run({self._content.spec.name: image, self._vector.spec.name: vector}).values()
        # Real numbers go from 0 to 1; a byte that stands for itself is a count.
        counts = made[0] if made.dtype.kind in "iu" else 255 * np.nan_to_num(made[0])
        pixels = np.clip(np.rint(counts), 0, 255).astype(np.uint8)
        width, height = placement.picture
        images = pillow()
        drawn = images.fromarray(pixels).resize((width, height), images.Resampling.BILINEAR)
        return Stylized(drawn, width, height, picture.path)

    def close(self) -> None:
        """Give back the models. Closing twice does nothing."""
        self._predict.close()
        self._transform.close()

    def __enter__(self) -> Stylizer:
        """Close the models at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the models."""
        self.close()

    def __repr__(self) -> str:
        """The two models."""
        return f"Stylizer({self._predict!r}, {self._transform!r})"


def _inputs_of(model: TaskModel, numbers: int, predict: str | os.PathLike[str]) -> tuple[TaskTensor, TaskTensor]:
    """The input for a picture and that for a vector of so many numbers."""
    pictures = [
        one
        for one in model.inputs
        if len(one.spec.shape) == _AXES and one.spec.shape[-1] == _COLORS and math.prod(one.spec.shape) > _COLORS
    ]
    vectors = [one for one in model.inputs if math.prod(one.spec.shape) == numbers and one not in pictures]
    outputs = [one.spec.shape for one in model.outputs]
    is_picture = len(outputs) == 1 and len(outputs[0]) == _AXES and outputs[0][-1] == _COLORS
    if len(model.inputs) != 2 or len(pictures) != 1 or len(vectors) != 1 or not is_picture:  # noqa: PLR2004 - two inputs
        inputs = ", ".join(f"'{one.spec.name}' of shape {one.spec.shape}" for one in model.inputs)
        raise ValueError(
            f"{model.name} must make a picture of a picture (1, height, width, 3) and of the {numbers} numbers that "
            f"{predict} makes of a style; its inputs are {inputs}, and its outputs {model.described_outputs()}"
        )
    return pictures[0], vectors[0]


def _check_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be from 0 to 1; came {strength}")
