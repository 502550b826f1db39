"""Images as a model takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from zerolite._platform.ordered_work import in_order, overlapping_threads
from zerolite.vision.image import Color, ImageError, Resampling, decode_image, pillow
from zerolite.vision.image_folder import ImageFolder
from zerolite.vision.preprocessing import check_preprocessing, preprocess

__all__ = ["OnCorrupt", "RaiseOrSkip", "check_on_corrupt", "load_image", "load_images", "sound_images"]

_Loaded = TypeVar("_Loaded")

#: Whether a file that can't be decoded is an error or is left out.
RaiseOrSkip = Literal["raise", "skip"]

#: What to do with a file that can't be decoded: raise its `ImageError`, leave it out, or leave it out and call this.
OnCorrupt = RaiseOrSkip | Callable[[ImageError], Any]


def load_image(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    preprocessing: str = "none",
    color: Color = "rgb",
    resampling: Resampling = "nearest",
    keep_aspect_ratio: bool = False,
) -> NDArray[np.float32]:
    """Decode, resize and preprocess one image, as the Keras application of that name is fed.

    Args:
        path: as for `decode_image`.
        size: as for `decode_image`.
        preprocessing: a name of `PREPROCESSINGS`, such as "resnet50".
        color: as for `decode_image`.
        resampling: as for `decode_image`.
        keep_aspect_ratio: as for `decode_image`.

    Returns:
        float32 of shape (1, height, width, channels).

    Raises:
        ImageError: the file is no sound image.
        OSError: the file can't be read.
        ValueError: an option is not one of those above.
        ImportError: Pillow is not installed (extra "vision").
    """
    check_preprocessing(preprocessing)
    counts = decode_image(path, size=size, color=color, resampling=resampling, keep_aspect_ratio=keep_aspect_ratio)
    return preprocess(counts[np.newaxis], preprocessing)


def load_images(
    folder: str | os.PathLike[str],
    *,
    size: tuple[int, int],
    preprocessing: str = "none",
    color: Color = "rgb",
    resampling: Resampling = "nearest",
    keep_aspect_ratio: bool = False,
    on_corrupt: OnCorrupt = "raise",
) -> Iterator[NDArray[np.float32]]:
    """Load every image of a folder, on all cores and in the order of their paths; a few are decoded ahead.

    Args:
        folder: images in it and in folders below it count.
        size: height and width in pixels.
        preprocessing: as for `load_image`.
        color: as for `decode_image`.
        resampling: as for `decode_image`.
        keep_aspect_ratio: as for `decode_image`.
        on_corrupt: what to do with a file that can't be decoded: "raise", "skip", or a function that is called with
            the `ImageError` of each file that is skipped.

    Returns:
        An iterator over arrays of shape (1, height, width, channels), float32. The folder and the options are checked
        at once, the images one by one.

    Raises:
        ImageError: a file is no sound image.
        NotADirectoryError: there is no such folder.
        ValueError: there is no image in the folder, or, at the end, none that could be decoded; or an option is wrong.
        ImportError: Pillow is not installed (extra "vision").
    """
    check_preprocessing(preprocessing)
    check_on_corrupt(on_corrupt)
    pillow()
    files = ImageFolder.open(folder)

    def load(file: Path) -> NDArray[np.float32]:
        return load_image(
            file,
            size=size,
            preprocessing=preprocessing,
            color=color,
            resampling=resampling,
            keep_aspect_ratio=keep_aspect_ratio,
        )

    def images() -> Iterator[NDArray[np.float32]]:
        loaded = 0
        for _, image in sound_images(files.files, load, on_corrupt):
            loaded += 1
            yield image
        if loaded == 0:
            raise ValueError(f"none of the {len(files.files)} images in {files.path} can be decoded")

    return images()


def sound_images(
    files: Sequence[Path], load: Callable[[Path], _Loaded], on_corrupt: OnCorrupt, *, replicas: int = 1
) -> Iterator[tuple[int, _Loaded]]:
    """Load files on all cores: the position of each that can be decoded, and what `load` makes of it, in their order.

    Args:
        files: the files.
        load: is called from several threads.
        on_corrupt: as for `load_images`.
        replicas: how many items `load` can run through a model at once, where it does so.

    Raises:
        ImageError: a file is no sound image, and `on_corrupt` is "raise".
    """
    threads = min(overlapping_threads(replicas), len(files)) or 1
    for position, loaded in enumerate(in_order(load, files, threads=threads)):
        try:
            image = loaded()
        except ImageError as error:
            if on_corrupt == "raise":
                raise
            if callable(on_corrupt):
                on_corrupt(error)
            continue
        yield position, image


def check_on_corrupt(choice: OnCorrupt) -> None:
    """Refuse a choice for corrupt images that does not exist.

    Raises:
        ValueError: it is neither "raise" nor "skip" nor a function.
    """
    if choice not in ("raise", "skip") and not callable(choice):
        raise ValueError(f"on_corrupt must be 'raise', 'skip' or a function; came {choice!r}")
