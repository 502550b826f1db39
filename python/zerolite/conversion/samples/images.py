"""A folder of images as representative data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zerolite.vision.image import Color
from zerolite.vision.image_folder import ImageFolder
from zerolite.vision.loading import RaiseOrSkip, load_image

__all__ = ["Preprocessing", "find_images", "named_preprocessing", "read_images"]

#: A name that `zerolite.vision` knows, as "mobilenet_v2", or a function from an image's path to one sample, shape
#: (height, width, channels) or (1, height, width, channels).
Preprocessing: TypeAlias = str | Callable[[Path], NDArray[Any]]


def find_images(folder: Path) -> list[Path]:
    """The images in a folder and in those below it, in the order of their names.

    Raises:
        ValueError: there are none.
    """
    try:
        return list(ImageFolder.open(folder).files)
    except ValueError as error:
        raise ValueError(f"representative_data is empty: {error}") from error


def read_images(
    folder: Path, read: Callable[[Path], NDArray[Any]], on_corrupt: RaiseOrSkip
) -> Iterator[list[NDArray[Any]]]:
    """One sample for each image, with its batch axis.

    Raises:
        ValueError: an image can't be read, and `on_corrupt` is "raise"; or none could.
    """
    count = 0
    for path in find_images(folder):
        try:
            image = np.asarray(read(path), dtype=np.float32)
        except (OSError, ValueError) as error:
            if on_corrupt == "skip":
                continue
            raise ValueError(
                f"the image {path} can't be used: {error}; mend or remove it, or leave such images out with "
                "on_corrupt='skip' (--skip-corrupt)"
            ) from error
        count += 1
        yield [image[np.newaxis] if image.ndim == 3 else image]  # noqa: PLR2004 - height, width, channels
    if count == 0:
        raise ValueError(f"representative_data is empty: no image in the folder {folder} could be read")


def named_preprocessing(name: str, shape: tuple[int | None, ...]) -> Callable[[Path], NDArray[Any]]:
    """What reads an image as the Keras application that `name` stands for is fed.

    Args:
        name: a name that `zerolite.vision` knows, as "mobilenet_v2".
        shape: the input's shape, (batch, height, width, channels).

    Raises:
        ValueError: the input is no image of a known size.
    """
    if len(shape) != 4 or shape[1] is None or shape[2] is None:  # noqa: PLR2004 - batch, height, width, channels
        raise ValueError(
            "a folder of images needs a model whose input is an image of known height and width; this one's "
            f"shape is {shape}; fix it with input_shapes={{...}}"
        )
    size = (shape[1], shape[2])
    colors: dict[int | None, Color] = {1: "grayscale", 4: "rgba"}
    color = colors.get(shape[3], "rgb")

    def read(path: Path) -> NDArray[Any]:
        return load_image(path, size=size, preprocessing=name, color=color)

    return read
