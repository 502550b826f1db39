"""Items from a folder of images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.evaluation.item_block import ItemBlock
from zerolite.runners import TensorSpec
from zerolite.vision.image_size import image_size

if TYPE_CHECKING:
    from zerolite.vision import ImageError, OnCorrupt, Resampling

__all__ = ["ImageItems"]


class ImageItems:
    """The images of a folder with one folder for each class, decoded as they are needed."""

    repeatable = True
    in_memory = False

    def __init__(
        self,
        folder: str | os.PathLike[str],
        specs: Sequence[TensorSpec],
        *,
        preprocessing: str = "none",
        resampling: Resampling = "nearest",
        on_corrupt: OnCorrupt = "raise",
        class_names: Sequence[str] | None = None,
    ) -> None:
        """Find the images, for a model with one input like `specs`.

        Raises:
            ValueError: the model does not take images, there are none, or an option is wrong.
            NotADirectoryError: there is no such folder.
            ImportError: Pillow is not installed (extra "vision").
        """
        from zerolite.vision.image_file import pillow
        from zerolite.vision.image_folder import ImageFolder
        from zerolite.vision.loading import check_on_corrupt
        from zerolite.vision.preprocessing import check_preprocessing

        pillow()
        check_preprocessing(preprocessing)
        check_on_corrupt(on_corrupt)
        self._size, self._color = image_size(specs)
        self._spec = specs[0]
        self._preprocessing = preprocessing
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

    def blocks(self, size: int) -> Iterator[ItemBlock]:
        """Decode `size` images at a time.

        Raises:
            ImageError: a file is no sound image, and none is to be skipped.
            ValueError: none of them can be decoded.
        """
        from zerolite.vision.loading import sound_images

        images: list[NDArray[Any]] = []
        labels: list[int] = []
        names: list[str] = []
        start = 0
        files = self._folder.files
        for position, image in sound_images(files, self._load, "raise" if self._on_corrupt == "raise" else self._skip):
            images.append(image)
            labels.append(self._folder.labels[position])
            names.append(str(files[position]))
            if len(images) == size:
                yield ItemBlock(start, (np.concatenate(images),), np.array(labels), tuple(names))
                start += size
                images, labels, names = [], [], []
        if images:
            yield ItemBlock(start, (np.concatenate(images),), np.array(labels), tuple(names))
        elif start == 0:
            raise ValueError(f"none of the {len(self._folder.files)} images in {self._folder.path} can be decoded")

    def _skip(self, error: ImageError) -> None:
        file = str(error.path)
        if callable(self._on_corrupt) and file not in self._skipped:
            self._on_corrupt(error)
        self._skipped[file] = error

    def _load(self, file: os.PathLike[str]) -> NDArray[Any]:
        from zerolite.vision.loading import load_image

        image = load_image(
            file,
            size=self._size,
            preprocessing=self._preprocessing,
            color=self._color,
            resampling=self._resampling,
        )
        # Real numbers stay as they are, for models with other scales to quantize them.
        counts_wanted = self._spec.dtype.kind in "iu" and self._spec.quantization is None
        return self._spec.store_image(image) if counts_wanted else image
