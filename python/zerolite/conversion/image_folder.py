"""A folder of images as representative data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BadImages", "Preprocess", "find_images", "named_preprocess", "read_images"]

#: A name that `zerolite.vision.preprocess` knows, or a function from an image's path to one sample, shape
#: (height, width, channels) or (1, height, width, channels).
Preprocess: TypeAlias = str | Callable[[Path], NDArray[Any]]

#: Whether an image that can't be read ends the conversion or is left out.
BadImages = Literal["fail", "skip"]

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def find_images(folder: Path) -> list[Path]:
    """The images in a folder and in those below it, in the order of their names.

    Raises:
        ValueError: there are none.
    """
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not images:
        raise ValueError(
            f"representative_data is empty: there are no images ({', '.join(_SUFFIXES)}) in the folder {folder}"
        )
    return images


def read_images(
    folder: Path, preprocess: Callable[[Path], NDArray[Any]], bad_images: BadImages
) -> Iterator[list[NDArray[Any]]]:
    """One sample for each image, with its batch axis.

    Raises:
        ValueError: an image can't be read, and `bad_images` is "fail"; or none could.
    """
    count = 0
    for path in find_images(folder):
        try:
            image = np.asarray(preprocess(path), dtype=np.float32)
        except (OSError, ValueError) as error:
            if bad_images == "skip":
                continue
            raise ValueError(
                f"the image {path} can't be used: {error}; mend or remove it, or leave such images out with "
                "bad_images='skip' (--bad-images skip)"
            ) from error
        count += 1
        yield [image[np.newaxis] if image.ndim == 3 else image]  # noqa: PLR2004 - height, width, channels
    if count == 0:
        raise ValueError(f"representative_data is empty: no image in the folder {folder} could be read")


def named_preprocess(name: str, shape: tuple[int | None, ...]) -> Callable[[Path], NDArray[Any]]:
    """How images become the input of the Keras application that `name` stands for.

    Args:
        name: a name that `zerolite.vision.preprocess` knows, as "mobilenet_v2".
        shape: the input's shape, (batch, height, width, channels).

    Raises:
        ImportError: there is no `zerolite.vision`, or it lacks a package.
        ValueError: the input is no image of a known size.
    """
    if len(shape) != 4 or shape[1] is None or shape[2] is None:  # noqa: PLR2004 - batch, height, width, channels
        raise ValueError(
            "a folder of images needs a model whose input is an image of known height and width; this one's "
            f"shape is {shape}; fix it with inputs={{...}}"
        )
    size = (shape[1], shape[2])
    if find_spec("zerolite.vision") is None:
        raise ImportError("preprocess by name needs zerolite.vision, which this installation does not have")
    from importlib import import_module

    vision: Any = import_module("zerolite.vision")

    def preprocess(path: Path) -> NDArray[Any]:
        result: NDArray[Any] = vision.preprocess(os.fspath(path), name, size=size)
        return result

    return preprocess
