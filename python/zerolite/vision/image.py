"""One image file, decoded and resized to what a model takes."""

from __future__ import annotations

import io
import os
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from zerolite._platform.files import read_file

if TYPE_CHECKING:
    from zerolite._runners import TensorSpec

__all__ = [
    "Color",
    "ImageError",
    "ImageForm",
    "Resampling",
    "decode_image",
    "image_form",
    "pillow",
    "read_image",
    "upright_image",
]

Color = Literal["rgb", "grayscale", "rgba"]
#: Height and width, None for those of each picture, and the channels.
ImageForm: TypeAlias = tuple[tuple[int, int] | None, Color]
Resampling = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]

_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
# In these, Pillow widens 16 bits to its mode of 32.
_SIXTEEN_BIT_FORMATS = ("PNG", "PPM")
# EXIF's field, and what makes a picture of each of its values upright.
_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_SIDEWAYS = ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
# What Pillow's decoders raise on broken files.
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, OverflowError, struct.error)
_COLORS: dict[int, Color] = {1: "grayscale", 3: "rgb", 4: "rgba"}
_IMAGE_AXES = 4


class _PillowIsQuiet:
    """Passes over what Pillow and its plug-ins warn of, while at least one thread is in the block.

    `warnings.catch_warnings` is for one thread: where two overlap, the filters of one would stay behind.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._filter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                warnings.filterwarnings("ignore", module=r"(PIL|pillow)[._]")
                self._filter = warnings.filters[0]

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            # Whoever has put other filters in their place meanwhile has taken this one away.
            if self._inside == 0 and self._filter in warnings.filters:
                warnings.filters.remove(self._filter)  # type: ignore[attr-defined] # a list, whatever its type says


_PILLOW_IS_QUIET = _PillowIsQuiet()


class ImageError(ValueError):
    """A file can't be decoded as an image; the cause is what the decoder said.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, reason: str, advice: str = "mend or remove it, or skip corrupt images") -> None:
        """Name the file, what is wrong with it and what can be done."""
        super().__init__(f"{path} can't be decoded as an image: {reason}; {advice}")
        self.path = path
        self._words = (reason, advice)

    def __reduce__(self) -> tuple[type, tuple[Path, str, str]]:
        """Pickle the path and the words, so that the error can go to another process."""
        return type(self), (self.path, *self._words)


def pillow() -> ModuleType:
    """Pillow's module Image.

    Raises:
        ImportError: Pillow is not installed (extra "vision").
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images need Pillow, which is not installed; pip install 'zerolite[vision]'") from error
    return Image


def decode_image(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    color: Color = "rgb",
    resampling: Resampling = "nearest",
    keep_aspect_ratio: bool = False,
    scaled_decoding: bool = False,
) -> NDArray[np.float32]:
    """Decode and resize an image as `keras.utils.load_img` and `img_to_array` do, with the same defaults.

    Other than there, a photo is turned as its EXIF orientation says, and 16-bit greys are counts from 0 to 255 as well.

    Args:
        path: a file in any format that Pillow reads.
        size: height and width in pixels to resize to; None keeps the image's own.
        color: the channels to convert to: 3, 1 or 4.
        resampling: how to resize; "nearest" is Keras's default, the others average when they make an image smaller.
        keep_aspect_ratio: whether to cut the middle out rather than to distort.
        scaled_decoding: whether a JPEG file that is much larger than `size` is decoded at a half, a quarter or an
            eighth of its size, which still covers `size`: faster, with slightly other numbers.

    Returns:
        Counts from 0 to 255, float32 of shape (height, width, channels).

    Raises:
        ImageError: the file is no sound image.
        OSError: the file can't be read.
        ValueError: an option is not one of those above.
        ImportError: Pillow is not installed (extra "vision").
    """
    if color not in _MODES:
        raise ValueError(f"color must be one of {', '.join(_MODES)}; came {color!r}")
    if resampling not in get_args(Resampling):
        raise ValueError(f"resampling must be one of {', '.join(get_args(Resampling))}; came {resampling!r}")
    if size is not None and not _is_height_and_width(size):
        raise ValueError(f"size must be a height and a width of at least 1 pixel; came {size}")
    place = Path(path)
    covered = None
    if size is not None and scaled_decoding:
        wanted = size

        def covered(whole: tuple[int, int]) -> tuple[int, int]:
            kept = _kept(whole, wanted) if keep_aspect_ratio else whole
            return -(-whole[0] * wanted[1] // kept[0]), -(-whole[1] * wanted[0] // kept[1])

    image, _ = read_image(read_file(place), place, color, covered=covered)
    if size is not None:
        image = _resized(pillow(), image, size, resampling, keep_aspect_ratio=keep_aspect_ratio)
    values = np.asarray(image, dtype=np.float32)
    return values if values.ndim == 3 else values[..., np.newaxis]  # noqa: PLR2004 - grey images have two axes


def read_image(
    content: bytes, place: Path, color: Color, *, covered: Callable[[tuple[int, int]], tuple[int, int]] | None = None
) -> tuple[Any, tuple[int, int]]:
    """A Pillow image of the bytes of a file: decoded, turned upright, and with the channels of `color`; and its size.

    Args:
        content: the bytes of a file in any format that Pillow reads.
        place: the file, for errors.
        color: the channels to convert to.
        covered: of the width and height of a picture, those that it is to have at least: a JPEG file is then decoded at
            a half, a quarter or an eighth of its size where that is enough. None decodes all of it.

    Returns:
        The image, and width and height of the picture in the file, upright.

    Raises:
        ImageError: the bytes are no sound image.
        ImportError: Pillow is not installed (extra "vision").
    """
    images = pillow()
    with _decoder_errors(place, content), images.open(io.BytesIO(content)) as opened:
        turn = _turn(opened)
        order = -1 if turn in _SIDEWAYS else 1
        size = opened.size[::order]
        if covered is not None:
            opened.draft(opened.mode, covered(size)[::order])
        opened.load()
        upright = opened if turn is None else opened.transpose(images.Transpose[turn])
        return _converted(images, upright, color), size


def upright_image(image: Any, place: Path, color: Color) -> Any:
    """A Pillow image, turned upright and with the channels of `color`; `place` is what errors call it.

    Raises:
        ImageError: its file, which Pillow decodes late, is broken, or its numbers have 32 bits.
    """
    images = pillow()
    with _decoder_errors(place, b"?"):
        image.load()
        turn = _turn(image)
        return _converted(images, image if turn is None else image.transpose(images.Transpose[turn]), color)


@contextmanager
def _decoder_errors(place: Path, content: bytes) -> Iterator[None]:
    """Whatever a decoder raises, as `ImageError` of the file."""
    images = pillow()
    try:
        # Pillow warns of odd but sound files (transparent palettes) and of large ones; it refuses huge ones itself.
        with _PILLOW_IS_QUIET:
            yield
    except images.DecompressionBombError as error:
        advice = "shrink it before, or set PIL.Image.MAX_IMAGE_PIXELS higher if you trust it"
        raise ImageError(place, f"it is too large ({error})", advice) from error
    except images.UnidentifiedImageError as error:
        raise ImageError(place, "it is empty" if not content else "its format is unknown") from error
    except _DECODER_ERRORS as error:
        raise ImageError(place, str(error) or type(error).__name__) from error


def image_form(specs: Sequence[TensorSpec], size: tuple[int, int] | None = None) -> ImageForm:
    """Height and width, and the channels, of the images that a model with inputs like `specs` takes.

    Args:
        specs: the inputs.
        size: height and width to use where the model leaves them open. Without it, such a model takes each picture in
            its own size, unless it was resized before: a size of 1 x 1 stands for any.

    Returns:
        Height and width, None for those of the picture, and the channels.

    Raises:
        ValueError: the model does not take images, or not of this size.
    """
    shape = specs[0].shape if len(specs) == 1 else ()
    if len(shape) != _IMAGE_AXES or shape[-1] not in _COLORS:
        shapes = ", ".join(f"'{spec.name}' of shape {spec.shape}" for spec in specs)
        raise ValueError(
            f"images need a model with one input of shape (1, height, width, channels), with 1, 3 or 4 channels; this "
            f"one has {shapes}"
        )
    color = _COLORS[shape[-1]]
    stored = (shape[1], shape[2])
    is_open = [axis in specs[0].open_axes for axis in (1, 2)]
    if size is not None:
        if not _is_height_and_width(size):
            raise ValueError(f"size must be a height and a width of at least 1 pixel; came {size}")
        if any(not free and asked != now for free, asked, now in zip(is_open, size, stored, strict=True)):
            raise ValueError(
                f"input '{specs[0].name}' takes images of {shape[1]} x {shape[2]} pixels and no others; came "
                f"size={size}, which is for models that leave height and width open; leave it out"
            )
        return tuple(size), color  # type: ignore[return-value] # two numbers, as was checked
    return (None if all(is_open) and stored == (1, 1) else stored), color


def _is_height_and_width(size: Sequence[int]) -> bool:
    return len(size) == 2 and min(size) >= 1  # noqa: PLR2004 - two numbers


def _turn(image: Any) -> str | None:
    """What makes the image as a viewer shows it: cameras store how they were held, and not a turned picture."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION))
    except _DECODER_ERRORS:  # what the camera noted is broken, the picture is not
        return None


def _converted(images: Any, image: Any, color: Color) -> Any:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in _SIXTEEN_BIT_FORMATS):
        # The upper half of the 16 bits, as TensorFlow decodes them; Pillow would make nearly all of them white.
        image = images.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(
            f"its numbers have 32 bits (mode {image.mode}), and nothing tells which of them is white; "
            "save it with 8 or 16 bits"
        )
    return image if image.mode == _MODES[color] else image.convert(_MODES[color])


def _resized(images: Any, image: Any, size: tuple[int, int], resampling: Resampling, *, keep_aspect_ratio: bool) -> Any:
    height, width = size
    if image.size == (width, height):
        return image
    box = None
    if keep_aspect_ratio:
        kept_width, kept_height = _kept(image.size, size)
        left, top = (image.width - kept_width) // 2, (image.height - kept_height) // 2
        box = (left, top, left + kept_width, top + kept_height)
    return image.resize((width, height), images.Resampling[resampling.upper()], box=box)


def _kept(whole: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the largest part that has the proportions of a height and width, rounded down as by Keras."""
    (width, height), (target_height, target_width) = whole, size
    return min(width, height * target_width // target_height), min(height, width * target_height // target_width)
