"""The protocol's datatypes: how tensors become bytes and JSON, and the other way round."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from zerolite.serving.errors import InvalidRequestError

__all__ = ["DATATYPES", "datatype_of", "from_bytes", "from_json", "to_bytes", "to_json"]

Array = npt.NDArray[Any]

#: The protocol's name by NumPy's, in the order of the protocol's description.
DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "bfloat16": "BF16",
    "float32": "FP32",
    "float64": "FP64",
    "object": "BYTES",
}
# The length before each string, little-endian as everything in the protocol.
_LENGTH = struct.Struct("<I")


@lru_cache(maxsize=64)  # NumPy makes the name anew each time
def datatype_of(dtype: np.dtype[Any]) -> str | None:
    """The protocol's name of a dtype; None for one that the protocol does not know, as int4 and complex64."""
    return DATATYPES.get(dtype.name)


def from_bytes(content: bytes | memoryview, dtype: np.dtype[Any], shape: Sequence[int], *, name: str) -> Array:
    """An array over the bytes of a tensor, which are not copied; strings are.

    Args:
        content: the elements in C order, little-endian; each string after its length (4 bytes).
        dtype: the dtype of the array; object makes an array of bytes.
        shape: its shape, which the number of elements has to fit.
        name: the tensor's name, for errors.

    Raises:
        InvalidRequestError: there are more or fewer bytes than the shape asks for.
    """
    count = math.prod(shape)
    if dtype.hasobject:
        array = np.empty(count, object)
        array[:] = _strings(memoryview(content), count, name)
        return array.reshape(shape)
    if len(content) != count * dtype.itemsize:
        raise InvalidRequestError(
            f"input {name!r} has {len(content)} bytes, and its shape {list(shape)} takes {count * dtype.itemsize}"
        )
    if dtype.kind == "b":
        counts = np.frombuffer(content, np.uint8)
        if counts.size and counts.max() > 1:
            raise InvalidRequestError(f"input {name!r} is BOOL, whose bytes are 0 and 1, and holds {counts.max()}")
    return np.frombuffer(content, dtype).reshape(shape)


def _strings(content: memoryview, count: int, name: str) -> list[bytes]:
    strings: list[bytes] = []
    start = 0
    while start < len(content):
        end = start + _LENGTH.size
        if end > len(content):
            raise InvalidRequestError(f"input {name!r} ends within the length of string {len(strings)}")
        start, end = end, end + _LENGTH.unpack_from(content, start)[0]
        if end > len(content):
            raise InvalidRequestError(f"input {name!r} ends within string {len(strings)}")
        if len(strings) == count:
            raise InvalidRequestError(f"input {name!r} has more strings than its shape takes, which is {count}")
        strings.append(bytes(content[start:end]))
        start = end
    if len(strings) != count:
        raise InvalidRequestError(f"input {name!r} has {len(strings)} strings, and its shape takes {count}")
    return strings


def to_bytes(array: Array) -> bytes:
    """The elements as the protocol wants them: in C order, little-endian, strings after their lengths."""
    if not array.dtype.hasobject:
        return array.tobytes()
    return b"".join(_LENGTH.pack(len(text)) + text for text in array.ravel())


def from_json(data: Any, dtype: np.dtype[Any], shape: Sequence[int], *, name: str) -> Array:
    """An array of what JSON has, as a flat list or nested as the shape is.

    Args:
        data: lists of numbers, booleans or strings.
        dtype: the dtype of the array; object makes an array of bytes, in UTF-8.
        shape: its shape, which the number of elements has to fit.
        name: the tensor's name, for errors.

    Raises:
        InvalidRequestError: elements are missing or too many, of another kind, or do not fit into the dtype.
    """
    if not isinstance(data, list):
        raise InvalidRequestError(f"the data of input {name!r} is {_kind(data)}, and must be a list")
    flat = _flat(data, shape, name)
    if len(flat) != math.prod(shape):
        raise InvalidRequestError(
            f"input {name!r} has {len(flat)} elements, and its shape {list(shape)} takes {math.prod(shape)}"
        )
    kinds = set(map(type, flat))
    if dtype.hasobject:
        _require_kinds(kinds, {str}, "strings", name)
        array = np.empty(len(flat), object)
        array[:] = [_encoded(text, name) for text in flat]
    elif dtype.kind == "b":
        _require_kinds(kinds, {bool}, "true and false", name)
        array = np.array(flat, dtype)
    elif dtype.kind in "iu":
        _require_kinds(kinds, {int}, "whole numbers", name)
        limits = np.iinfo(dtype)
        for number in (min(flat, default=0), max(flat, default=0)):
            if not limits.min <= number <= limits.max:
                raise InvalidRequestError(
                    f"input {name!r} holds {_short(number)}, and {DATATYPES[dtype.name]} goes from {limits.min} to "
                    f"{limits.max}"
                )
        array = np.array(flat, dtype)
    else:
        _require_kinds(kinds, {int, float}, "numbers", name)
        array = _reals(flat, dtype, name)
    return array.reshape(shape)


def _reals(flat: list[float], dtype: np.dtype[Any], name: str) -> Array:
    try:
        wide = np.array(flat, np.float64)
    except OverflowError:
        wide = np.array([math.inf])
    with np.errstate(over="ignore"):
        array = wide.astype(dtype)
    # JSON has no infinity, so that one comes from a number that was too large.
    if not np.isfinite(array.astype(np.float64)).all():
        raise InvalidRequestError(f"input {name!r} holds a number that does not fit into {DATATYPES[dtype.name]}")
    return array


def _flat(data: list[Any], shape: Sequence[int], name: str) -> list[Any]:
    if not data or not isinstance(data[0], list):
        return data
    level = [data]
    for axis, size in enumerate(shape):
        lists = all(isinstance(one, list) for one in level)
        if not lists or any(len(one) != size for one in level):
            raise InvalidRequestError(
                f"the lists of input {name!r} are not nested as its shape {list(shape)} says, at axis {axis}"
            )
        level = [item for one in level for item in one]
    return level


def _encoded(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(f"a string of input {name!r} holds half of a surrogate pair") from error


def _require_kinds(kinds: set[type], allowed: set[type], words: str, name: str) -> None:
    if other := kinds - allowed:
        came = min(_kind_words(kind) for kind in other)
        raise InvalidRequestError(f"input {name!r} takes {words}, and its data holds {came}")


def _kind(value: Any) -> str:
    return _kind_words(type(value))


def _kind_words(kind: type) -> str:
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a real number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return words.get(kind, "null")


def _short(number: int) -> str:
    longest = 40  # bits, of what is worth reading
    return str(number) if number.bit_length() <= 2 * longest else "a number of more than 80 bits"


def to_json(array: Array, *, name: str) -> list[Any]:
    """The elements in C order as a flat list for JSON.

    Raises:
        InvalidRequestError: there are values that JSON does not have: infinity, NaN, and bytes that are no UTF-8.
            They can be had as binary data.
    """
    flat = array.ravel()
    if array.dtype.hasobject:
        try:
            return [text.decode() for text in flat]
        except UnicodeDecodeError as error:
            raise _needs_binary(name, "strings that are no UTF-8") from error
    if array.dtype.kind not in "biu":
        flat = flat.astype(np.float64)
        if not np.isfinite(flat).all():
            raise _needs_binary(name, "infinity or NaN")
    values: list[Any] = flat.tolist()
    return values


def _needs_binary(name: str, what: str) -> InvalidRequestError:
    return InvalidRequestError(f"output {name!r} holds {what}, which JSON does not have; ask for it as binary data")
