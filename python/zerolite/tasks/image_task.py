"""What all tasks on pictures have in common: one picture, many pictures, and drawing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from zerolite._platform.ordered_work import in_order
from zerolite.tasks.image_input import Framing, ImageInput, Placement
from zerolite.tasks.picture import Picture, PictureSource, pictures_of
from zerolite.tasks.task_model import ModelTask
from zerolite.vision import ImageError, OnCorrupt
from zerolite.vision.loading import check_on_corrupt

if TYPE_CHECKING:
    from PIL.Image import Image

    from zerolite.tasks.task_model import Outputs, TaskModel

__all__ = ["DrawnTask", "ImageTask", "kept_results"]

_Result = TypeVar("_Result")
_Options = TypeVar("_Options")


class ImageTask(ModelTask, ABC, Generic[_Result, _Options]):
    """A model that answers a question about pictures; `zerolite.tasks.load` makes them.

    It may be called from several threads. Close it, or use it in a with statement, when it is done.
    """

    def __init__(self, model: TaskModel, framing: Framing, *, preprocessing: str | None) -> None:
        """Take a model, of which the task becomes the owner.

        Args:
            model: a model with one input, which has the size that pictures shall have.
            framing: how models of this kind are fed.
            preprocessing: a name of `vision.PREPROCESSINGS`; None leaves it to the model's file.

        Raises:
            ValueError: the model takes no images, or `preprocessing` is no such name.
        """
        super().__init__(model)
        self._input = ImageInput(model.picture_input.spec, framing, preprocessing=preprocessing)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the pictures that the model sees, in pixels."""
        return self._input.size

    @abstractmethod
    def __call__(self, picture: PictureSource, /) -> _Result:
        """Answer for one picture; the tasks have options of their own.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).
        """

    @abstractmethod
    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        /,
        *,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[_Result]:
        """Answer for many pictures, on all cores: while the model runs, the next ones are decoded.

        Args:
            pictures: a folder, a list or an iterator of what a call takes. A few are taken ahead of the results, and
                no more are held than these, however many there are.
            on_corrupt: what to do with a picture that can't be decoded: "raise", "skip", or a function that is called
                with the `ImageError` of each one that is skipped.
            progress: is called after each picture with how many are done and how many there are, None for not known.

        Returns:
            An iterator in the order of the pictures. A model with variables takes them one by one.
        """

    @abstractmethod
    def _decode(self, outputs: Outputs, placement: Placement, path: Path | None, options: _Options) -> _Result:
        """The result that a run's outputs stand for."""

    def _answer(self, source: PictureSource, options: _Options) -> _Result:
        covered = self._input.shown if self._model.scaled_decoding else None
        picture = Picture.open(source, self._input.color, covered=covered)
        image, placement = self._input.place(picture.image, picture.size)
        outputs = self._model.run({self._input.name: image})
        # What is infinite or NaN is sorted out by the values; the arithmetic before that need not warn.
        with np.errstate(all="ignore"):
            return self._decode(outputs, placement, picture.path, options)

    def _answers(
        self,
        sources: PictureSource | Iterable[PictureSource],
        options: _Options,
        on_corrupt: OnCorrupt,
        progress: Callable[[int, int | None], None] | None,
    ) -> Iterator[_Result]:
        check_on_corrupt(on_corrupt)
        pictures, total = pictures_of(sources)
        threads = self._model.threads if total != 1 else 1
        answers = in_order(lambda one: self._answer(one, options), pictures, threads=threads)
        return kept_results(answers, total, on_corrupt, progress)


class DrawnTask(ImageTask[_Result, _Options]):
    """A task whose results are drawn on the pictures that they are about."""

    @abstractmethod
    def _draw(self, image: Image, result: _Result) -> Image:
        """The result, drawn on an RGB image that may be changed."""

    def draw(self, picture: PictureSource, result: _Result, /) -> Image:
        """Draw a result on its picture.

        Args:
            picture: the picture, as it was given to the task.
            result: what the task said of it.

        Returns:
            A Pillow image in RGB, of the picture's size.

        Raises:
            ImageError, OSError, TypeError, ValueError: as a call raises them for `picture`; or the result is one of a
                picture of another size.
        """
        image = Picture.open(picture).image.copy()
        size = getattr(result, "width", image.width), getattr(result, "height", image.height)
        if image.size != size:
            raise ValueError(
                f"the result is one of a picture of {size[0]} x {size[1]} pixels, and this one has {image.width} x "
                f"{image.height}; draw it on the picture that it was found in"
            )
        return self._draw(image, result)


def kept_results(
    answers: Iterator[Callable[[], _Result]],
    total: int | None,
    on_corrupt: OnCorrupt,
    progress: Callable[[int, int | None], None] | None,
) -> Iterator[_Result]:
    """The results of those pictures that can be decoded, with progress after each picture."""
    for done, answer in enumerate(answers, 1):
        try:
            result = answer()
        except ImageError as error:
            if on_corrupt == "raise":
                raise
            if callable(on_corrupt):
                on_corrupt(error)
            continue
        finally:
            if progress is not None:
                progress(done, total)
        yield result
