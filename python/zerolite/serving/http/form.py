"""What comes from the form of the page: fields, and pictures for inputs that pictures fit into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import numpy as np
import numpy.typing as npt

from zerolite.serving.errors import InvalidRequestError
from zerolite.serving.protocol import TensorMetadata

__all__ = ["SCALES", "Form", "picture_values", "read_form", "takes_pictures"]

_MOST_FIELDS = 1000
_PICTURE_AXES = 4
_HIGHEST = 255
#: What a picture's counts from 0 to 255 become for real inputs: the lowest and the highest value.
SCALES: Mapping[str, tuple[float, float]] = {"0 to 1": (0, 1), "-1 to 1": (-1, 1), "0 to 255": (0, 255)}


class Form(NamedTuple):
    """A form that was sent.

    Attributes:
        fields: texts by name.
        files: the bytes of files that were chosen, by name.
    """

    fields: Mapping[str, str]
    files: Mapping[str, bytes]


def read_form(body: bytes, content_type: str) -> Form:
    """The fields and files of a form, of either kind that browsers send.

    Raises:
        InvalidRequestError: it is no form.
    """
    if not content_type.startswith("multipart/form-data"):
        try:
            found = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        except ValueError as error:  # bytes that are no text, too many fields
            raise InvalidRequestError("the form could not be read") from error
        return Form({name: values[-1] for name, values in found.items()}, {})
    boundary = re.search(r'boundary="?([^";,]{1,70})', content_type)
    parts = [] if boundary is None else body.split(b"--" + boundary[1].encode(errors="replace"))
    fields, files = {}, {}
    for part in parts[1:-1]:
        head, gap, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([\w-]*)"', head)
        if not gap or name is None or not content.endswith(b"\r\n") or len(parts) > _MOST_FIELDS:
            raise InvalidRequestError("the form could not be read")
        if re.search(rb"[; ]filename\*?=", head):
            files[name[1].decode()] = content[:-2]
        else:
            fields[name[1].decode()] = content[:-2].decode(errors="replace")
    if len(parts) < 2:  # noqa: PLR2004 - a form without fields has its end
        raise InvalidRequestError("the form could not be read")
    return Form(fields, {key: content for key, content in files.items() if content})


def takes_pictures(tensor: TensorMetadata) -> bool:
    """Whether an input has the shape of pictures of a fixed size, grey or in colour, and a dtype for them."""
    return (
        len(tensor.shape) == _PICTURE_AXES
        and tensor.shape[0] in (-1, 1)
        and min(tensor.shape[1:]) > 0
        and tensor.shape[3] in (1, 3)
        and tensor.datatype in ("FP32", "UINT8")
    )


def picture_values(content: bytes, tensor: TensorMetadata, scale: str) -> npt.NDArray[Any]:
    """A picture as an input of one item takes it; takes as long as it takes, and so is not for the event loop.

    Raises:
        InvalidRequestError: the bytes are no picture, or nothing here can read pictures.
    """
    from zerolite.vision.image import ImageError, pillow, read_image

    _, height, width, channels = tensor.shape
    try:
        image, _ = read_image(content, Path("the file"), "rgb" if channels == 3 else "grayscale")  # noqa: PLR2004
        counts = np.asarray(image.resize((width, height), pillow().Resampling.BILINEAR)).reshape(
            1, height, width, channels
        )
    except ImageError as error:
        raise InvalidRequestError(f"the file for input {tensor.name!r} is no picture that can be read") from error
    except ImportError as error:
        raise InvalidRequestError("the server has nothing to read pictures with; send values") from error
    if tensor.datatype == "UINT8":
        return counts.astype(np.uint8)
    lowest, highest = SCALES.get(scale, SCALES["0 to 1"])
    return (counts.astype(np.float32) * np.float32((highest - lowest) / _HIGHEST) + np.float32(lowest)).astype(
        np.float32
    )
