"""A model of one operator a signature, which stands in a process for the model that another process runs."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from zerolite.metadata.flatbuffer.table_writer import Content, Node, Scalar, TableNode, Vector, serialize

__all__ = ["TYPES", "stand_in"]

#: The numbers of element types in TensorFlow Lite's schema, by the names of NumPy's dtypes.
TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "object": 5,
    "bool": 6,
    "int16": 7,
    "complex64": 8,
    "int8": 9,
    "float64": 10,
    "complex128": 11,
    "uint64": 12,
    "uint32": 15,
    "uint16": 16,
    "int4": 17,
    "bfloat16": 18,
    "int2": 19,
    "uint4": 20,
    "float8_e4m3fn": 21,
    "float8_e5m2": 22,
}

#: What LiteRT calls the only signature of a model that has none.
_PLACEHOLDER = "<placeholder signature>"
_OPERATOR = "zerolite.isolated"
_CUSTOM = 32
_VERSION = 3


def stand_in(signatures: Sequence[dict[str, Any]], *, builtin: int = _CUSTOM) -> bytes:
    """The bytes of the model.

    Args:
        signatures: the description that the process of the model gives of each: its key, its inputs and outputs, and of
            each tensor the name, the type's number, the shape, the shape with -1 for open axes and the quantization as
            scales, zero points and axis, or None.
        builtin: the number of the operator; by default a custom one, which only a delegate can compute.
    """
    code = TableNode({0: Scalar("<b", builtin), 1: _text(_OPERATOR), 2: Scalar("<i", 1), 3: Scalar("<i", builtin)})
    fields: dict[int, Scalar | Node] = {
        0: Scalar("<I", _VERSION),
        1: Vector([code]),
        2: Vector([_subgraph(signature) for signature in signatures]),
        4: Vector([TableNode()]),
    }
    if [signature["key"] for signature in signatures] != [_PLACEHOLDER]:
        fields[7] = Vector([_signature(index, signature) for index, signature in enumerate(signatures)])
    return serialize(TableNode(fields), b"TFL3")


def _subgraph(signature: dict[str, Any]) -> TableNode:
    tensors = [*signature["inputs"], *signature["outputs"]]
    inputs = _numbers("i", range(len(signature["inputs"])))
    outputs = _numbers("i", range(len(signature["inputs"]), len(tensors)))
    operator = TableNode({0: Scalar("<I", 0), 1: inputs, 2: outputs})
    return TableNode({0: Vector([_tensor(tensor) for tensor in tensors]), 1: inputs, 2: outputs, 3: Vector([operator])})


def _tensor(tensor: dict[str, Any]) -> TableNode:
    fields: dict[int, Scalar | Node] = {
        0: _numbers("i", tensor["shape"]),
        1: Scalar("<b", tensor["type"]),
        2: Scalar("<I", 0),
        3: _text(tensor["name"]),
        8: Scalar("<B", 1),
    }
    if -1 in tensor["shape_signature"]:
        fields[7] = _numbers("i", tensor["shape_signature"])
    if tensor["quantization"] is not None:
        scales, zero_points, axis = tensor["quantization"]
        fields[4] = TableNode({2: _numbers("f", scales), 3: _numbers("q", zero_points), 6: Scalar("<i", axis)})
    return TableNode(fields)


def _signature(index: int, signature: dict[str, Any]) -> TableNode:
    count = len(signature["inputs"])
    return TableNode(
        {
            0: _tensor_map(signature["inputs"], 0),
            1: _tensor_map(signature["outputs"], count),
            2: _text(signature["key"]),
            4: Scalar("<I", index),
        }
    )


def _tensor_map(tensors: Sequence[dict[str, Any]], first: int) -> Vector:
    return Vector(
        [TableNode({0: _text(tensor["name"]), 1: Scalar("<I", first + index)}) for index, tensor in enumerate(tensors)]
    )


def _text(text: str) -> Content:
    encoded = text.encode("utf-8", "surrogateescape")
    return Content(encoded + b"\0", len(encoded))


def _numbers(form: str, values: Sequence[float]) -> Content:
    packed = struct.pack(f"<{len(values)}{form}", *values)
    return Content(packed, len(values), alignment=8 if form == "q" else 4)
