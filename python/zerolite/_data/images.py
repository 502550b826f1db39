"""Samples from a folder of images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import ImageBlock
from zerolite._runners import TensorSpec
from zerolite.vision.image import image_form

if TYPE_CHECKING:
    from zerolite.vision import ImageError, OnCorrupt, Resampling

__all__ = ["ImageSamples"]


class ImageSamples:
    """The images of a folder with one folder for each class, decoded as they are needed."""

    repeatable = True
    in_memory = False

    def __init__(
        self,
        folder: str | os.PathLike[str],
        models: Sequence[Sequence[TensorSpec]],
        *,
        size: tuple[int, int] | None = None,
        preprocessing: str | None = None,
        resampling: Resampling = "nearest",
        on_corrupt: OnCorrupt = "raise",
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Find the images, for models with these inputs.

        Raises:
            ValueError: a model does not take images, there are none, or an option is wrong.
            NotADirectoryError: there is no such folder.
            ImportError: Pillow is not installed (extra "vision").
        """
        from zerolite.vision.feeding import Feeding
        from zerolite.vision.image import pillow
        from zerolite.vision.image_folder import ImageFolder
        from zerolite.vision.loading import check_on_corrupt

        pillow()
        check_on_corrupt(on_corrupt)
        self._forms = tuple(dict.fromkeys(image_form(specs, size) for specs in models))
        self._size = size
        # Pictures of their own sizes make no array together.
        self._most_per_block = 1 if any(form is None for form, _ in self._forms) else None
        self._feeding = Feeding(preprocessing)
        self._resampling = resampling
        self._on_corrupt = on_corrupt
        self._folder = ImageFolder.by_class(folder, class_names)
        self._skipped: dict[str, ImageError] = {}
        self.class_names = self._folder.class_names

    @property
    def total(self) -> int:
        """How many images there are, less those that were skipped so far."""
        return len(self._folder.files) - len(self._skipped)

    @property
    def skipped(self) -> Sequence[ImageError]:
        """The files that were left out because they are corrupt."""
        return tuple(self._skipped.values())

    def blocks(self, size: int) -> Iterator[ImageBlock]:
        """Decode `size` images at a time.

        Raises:
            ImageError: a file is no sound image, and none is to be skipped.
            ValueError: none of them can be decoded.
        """
        from zerolite.vision.loading import sound_images

        waiting: list[tuple[int, tuple[NDArray[Any], ...]]] = []
        start = 0
        size = self._most_per_block or size
        files = self._folder.files
        on_corrupt: OnCorrupt = "raise" if self._on_corrupt == "raise" else self._skip
        position = 0
        while position < len(files):
            # On all cores, but nothing beyond this block: the next one would be decoded while models are timed.
            part = files[position : position + size - len(waiting)]
            waiting += [(position + place, found) for place, found in sound_images(part, self._load, on_corrupt)]
            position += len(part)
            if len(waiting) == size:
                yield self._block(start, waiting)
                start += size
                waiting = []
        if waiting:
            yield self._block(start, waiting)
        elif start == 0:
            raise ValueError(f"none of the {len(files)} images in {self._folder.path} can be decoded")

    def _block(self, start: int, found: Sequence[tuple[int, tuple[NDArray[Any], ...]]]) -> ImageBlock:
        forms = zip(self._forms, zip(*(images for _, images in found), strict=True), strict=True)
        images = {form: np.concatenate(of_form) for form, of_form in forms}
        positions = [position for position, _ in found]
        return ImageBlock(
            start,
            (images[self._forms[0]],),
            np.array([self._folder.labels[position] for position in positions]),
            tuple(str(self._folder.files[position]) for position in positions),
            images=images,
            feeding=self._feeding,
            size=self._size,
        )

    def _skip(self, error: ImageError) -> None:
        file = str(error.path)
        if callable(self._on_corrupt) and file not in self._skipped:
            self._on_corrupt(error)
        self._skipped[file] = error

    def _load(self, file: os.PathLike[str]) -> tuple[NDArray[Any], ...]:
        from zerolite.vision.image import decode_image

        # Real numbers, which each model then stores in its own type and scale.
        return tuple(
            self._feeding.prepare(decode_image(file, size=size, color=color, resampling=self._resampling)[np.newaxis])
            for size, color in self._forms
        )
