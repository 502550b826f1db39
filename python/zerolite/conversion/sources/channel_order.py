"""Channels last in the place of channels first: for every input and output with four axes, or for none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "TO_FIRST",
    "TO_LAST",
    "Layout",
    "channels_first_arrays",
    "channels_last_arrays",
    "channels_last_shape",
    "has_channels",
    "with_transposed_outputs",
]

#: "source" keeps the order of axes that the source has; "nhwc" has channels last.
Layout = Literal["source", "nhwc"]

_AXES = 4
#: The axes of one order, each by its place in the other.
TO_LAST = (0, 2, 3, 1)
TO_FIRST = (0, 3, 1, 2)
_Size = TypeVar("_Size")


def has_channels(shape: Sequence[Any]) -> bool:
    """Whether a tensor of this shape is batch, channels, height and width."""
    return len(shape) == _AXES


def channels_last_shape(shape: tuple[_Size, ...]) -> tuple[_Size, ...]:
    """The shape with channels last; others than those of four axes stay as they are."""
    return tuple(shape[axis] for axis in TO_LAST) if has_channels(shape) else shape


def channels_last_arrays(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays, with channels last where there are channels."""
    return _transposed(arrays, TO_LAST)


def channels_first_arrays(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays, with channels first where there are channels."""
    return _transposed(arrays, TO_FIRST)


def _transposed(arrays: Mapping[str, NDArray[Any]], axes: Sequence[int]) -> dict[str, NDArray[Any]]:
    return {
        name: np.ascontiguousarray(array.transpose(axes)) if has_channels(array.shape) else array
        for name, array in arrays.items()
    }


def with_transposed_outputs(content: bytes, outputs: Mapping[str, Sequence[int]]) -> bytes:
    """A model whose outputs of these names are transposed at its end.

    Args:
        content: the bytes of a .tflite file with one signature.
        outputs: output -> its present axes in the wanted order.
    """
    if not outputs:
        return content
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(content)
    (signature,) = model.signatureDefs
    graph = model.subgraphs[signature.subgraphIndex]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE
    code.version = 1
    model.operatorCodes.append(code)
    for entry in signature.outputs:
        axes = outputs.get(entry.name.decode())
        if axes is None:
            continue
        buffer = schema.BufferT()
        buffer.data = list(np.asarray(axes, np.int32).tobytes())
        model.buffers.append(buffer)
        order = schema.TensorT()
        order.shape, order.type, order.buffer = [len(axes)], schema.TensorType.INT32, len(model.buffers) - 1
        order.name = entry.name + b"/axes"
        before, after = graph.tensors[entry.tensorIndex], schema.TensorT()
        after.name, after.type, after.buffer = entry.name + b"/transposed", before.type, 0
        after.shape = [int(before.shape[axis]) for axis in axes]
        if before.shapeSignature is not None and len(before.shapeSignature):
            after.shapeSignature = [int(before.shapeSignature[axis]) for axis in axes]
        graph.tensors += [order, after]
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = [entry.tensorIndex, len(graph.tensors) - 2], [len(graph.tensors) - 1]
        operator.builtinOptionsType = schema.BuiltinOptions.TransposeOptions
        operator.builtinOptions = schema.TransposeOptionsT()
        graph.operators.append(operator)
        new = len(graph.tensors) - 1
        graph.outputs = [new if index == entry.tensorIndex else int(index) for index in graph.outputs]
        entry.tensorIndex = new
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
