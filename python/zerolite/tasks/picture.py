"""The pictures that callers give, in whatever form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zerolite._platform.files import read_file
from zerolite.vision import ImageFolder
from zerolite.vision.image import Color, pillow, read_image, upright_image

__all__ = ["Picture", "PictureSource", "pictures_of"]


class PillowImage(Protocol):
    """An image of Pillow, which need not be installed to name it."""

    def getexif(self) -> Any:
        """What its file says besides."""

    def load(self) -> Any:
        """Decode it."""


#: A file's path, its bytes, a Pillow image, or an array of counts: uint8 of shape (height, width[, 1, 3 or 4]).
PictureSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | PillowImage | NDArray[np.uint8]

_CHANNELS = (1, 3, 4)
_GREY_AXES, _COLOR_AXES, _BATCH_AXES = 2, 3, 4
_IN_MEMORY = Path("the picture in memory")


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        image: a Pillow image, upright, in the colours that were asked for.
        size: width and height of the picture; the image may be smaller where it was decoded so.
        path: the file; None for what was in memory.
    """

    image: Any
    size: tuple[int, int]
    path: Path | None = None

    @classmethod
    def open(
        cls,
        source: PictureSource,
        color: Color = "rgb",
        *,
        covered: Callable[[tuple[int, int]], tuple[int, int]] | None = None,
    ) -> Picture:
        """Decode what a caller gave.

        Args:
            source: the picture.
            color: the channels that it shall have.
            covered: what of a large JPEG file is enough, as for `read_image`.

        Raises:
            ImageError: it is no sound image.
            OSError: the file can't be read.
            TypeError: it is neither a path nor bytes nor an image nor an array of uint8.
            ValueError: an array is of no shape that pictures have.
            ImportError: Pillow is not installed (extra "vision").
        """
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            return cls(*read_image(read_file(path), path, color, covered=covered), path)
        if isinstance(source, bytes | bytearray | memoryview):
            return cls(*read_image(bytes(source), _IN_MEMORY, color, covered=covered))
        images = pillow()
        image = source if isinstance(source, images.Image) else _of_array(images, source)
        upright = upright_image(image, _IN_MEMORY, color)
        return cls(upright, upright.size)


def pictures_of(
    sources: PictureSource | Iterable[PictureSource],
) -> tuple[Iterator[PictureSource], int | None]:
    """The pictures of a folder, of a list or an iterator, of an array with one more axis, or a single one.

    Returns:
        The pictures, and how many there are; None where nobody knows.

    Raises:
        ValueError: there is no image in the folder.
        FileNotFoundError: there is no such file or folder.
    """
    if isinstance(sources, str | os.PathLike):
        path = Path(sources)
        if path.is_dir():
            files = ImageFolder.open(path).files
            return iter(files), len(files)
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {path}")
        return iter([path]), 1
    is_one = isinstance(sources, bytes | bytearray | memoryview) or hasattr(sources, "getexif")
    if is_one or (isinstance(sources, np.ndarray) and sources.ndim != _BATCH_AXES):
        return iter([sources]), 1  # type: ignore[list-item] # one picture, as was just found
    return iter(sources), len(sources) if hasattr(sources, "__len__") else None  # type: ignore[arg-type]


def _of_array(images: Any, source: Any) -> Any:
    array = np.asarray(source) if hasattr(source, "__array__") else None
    if array is None:
        raise TypeError(
            f"a picture is a path, bytes, a Pillow image or an array of uint8; came {type(source).__name__}"
        )
    if array.dtype != np.uint8:
        raise TypeError(
            f"an array of a picture has counts from 0 to 255 as uint8; came {array.dtype}; convert it before, as with "
            "(255 * array).astype(numpy.uint8) for numbers from 0 to 1"
        )
    is_grey = array.ndim == _GREY_AXES
    is_color = array.ndim == _COLOR_AXES and array.shape[-1] in _CHANNELS
    if not (is_grey or is_color) or 0 in array.shape:
        raise ValueError(
            f"an array of a picture has the shape (height, width, 3), with 1 or 4 channels or none possible as well; "
            f"came {array.shape}; give several pictures to map"
        )
    if array.shape[-1] == 1 and not is_grey:
        array = array[..., 0]
    return images.fromarray(np.ascontiguousarray(array))
