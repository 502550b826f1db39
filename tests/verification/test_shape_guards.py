"""Shapes that kernels of the runtime believe and read past their memory for are errors here, or nothing to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.support.operator_model import model_of

Array = NDArray[Any]
Shape = Sequence[int]

BUILTIN = [zl.XNNPack(kernels="builtin")]


def pair(code: int, left: Shape, right: Shape, dtype: str, options: Any = None) -> bytes:
    return model_of(code, [(left, dtype), (right, dtype)], (left, dtype), options)


def diagonals() -> bytes:
    return pair(Op.MATRIX_SET_DIAG, (2, 3, 3), (2, 3), "float32", schema.MatrixSetDiagOptionsT())


def quantized_by_channel(code: int) -> bytes:
    """QUANTIZE to, or DEQUANTIZE from, two channels along the last axis."""
    builder = GraphBuilder()
    channels = quantization([0.1, 0.2], [0, 0], axis=1)
    is_quantize = code == Op.QUANTIZE
    x = builder.tensor(
        "input_0", (1, 2), "float32" if is_quantize else "int8", quantized=None if is_quantize else channels
    )
    y = builder.tensor(
        "result", (1, 2), "int8" if is_quantize else "float32", quantized=channels if is_quantize else None
    )
    builder.operator(code, [x], [y])
    builder.interface([x], [y])
    return builder.finish()


# A model, shapes that its kernel takes, shapes that it does not survive, and what is said of them.
GUARDED: dict[str, tuple[bytes, Sequence[Shape], Sequence[Shape], str]] = {
    "atan2": (
        pair(Op.ATAN2, (4,), (4,), "float32"),
        [(3,), (3,)],
        [(3,), (4,)],
        "'input_1' has another shape than the input before it",
    ),
    "shift_left": (
        pair(Op.STABLEHLO_SHIFT_LEFT, (4,), (4,), "int32"),
        [(2, 3), (2, 3)],
        [(2, 3), (1, 2)],
        "'input_1' has another shape than the input before it",
    ),
    "diagonals that are too short": (
        diagonals(),
        [(2, 3, 4), (2, 3)],
        [(2, 3, 3), (2, 2)],
        "'input_1' has not the shape of the diagonals",
    ),
    "too many channels to quantize": (
        quantized_by_channel(Op.QUANTIZE),
        [(5, 2)],
        [(1, 900)],
        "'result' has another size than it has scales",
    ),
}


def ones(model: zl.CompiledModel) -> list[Array]:
    return [np.ones(tensor.shape, tensor.dtype) for tensor in model.inputs.values()]


@pytest.mark.parametrize(("content", "sound", "unsound", "words"), GUARDED.values(), ids=GUARDED)
def test_shapes_are_refused_and_the_model_goes_on(
    content: bytes, sound: Sequence[Shape], unsound: Sequence[Shape], words: str
) -> None:
    with zl.load(content, verify="full", delegates=BUILTIN) as model:
        model.resize(dict(zip(model.inputs, sound, strict=True)))
        expected = np.asarray(model(*ones(model)))
        for _ in range(2):
            with pytest.raises(zl.Error, match=words):  # noqa: PT012 - it depends on the kernel which of them notices
                model.resize(dict(zip(model.inputs, unsound, strict=True)))
                model(*ones(model))
            model.resize(dict(zip(model.inputs, sound, strict=True)))
            np.testing.assert_array_equal(model(*ones(model)), expected)


def resized(content: bytes, *shapes: Shape) -> zl.Interpreter:
    """An interpreter, which takes shapes without elements too."""
    interpreter = zl.Interpreter(model_content=content)
    for detail, shape in zip(interpreter.get_input_details(), shapes, strict=True):
        interpreter.resize_tensor_input(detail["index"], shape)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    return interpreter


def answer(interpreter: zl.Interpreter) -> Array:
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


NOTHING_TO_COMPUTE: dict[str, tuple[bytes, Sequence[Shape], Shape]] = {
    "softmax": (
        model_of(Op.SOFTMAX, [((2, 3), "float32")], ((2, 3), "float32"), schema.SoftmaxOptionsT()),
        [(2, 0)],
        (2, 0),
    ),
    "log_softmax": (
        model_of(Op.LOG_SOFTMAX, [((2, 3), "float32")], ((2, 3), "float32"), schema.LogSoftmaxOptionsT()),
        [(2, 0)],
        (2, 0),
    ),
    "reverse": (
        model_of(
            Op.REVERSE_V2, [((2, 3), "float32"), ((1,), "int32")], ((2, 3), "float32"), schema.ReverseV2OptionsT()
        ),
        [(0, 3), (1,)],
        (0, 3),
    ),
    "add": (pair(Op.ADD, (2, 3), (2, 3), "float32", schema.AddOptionsT()), [(2, 0), (2, 1)], (2, 0)),
    "mul": (pair(Op.MUL, (2, 3), (2, 3), "int32", schema.MulOptionsT()), [(0, 3), (1, 3)], (0, 3)),
    "prelu": (pair(Op.PRELU, (2, 3), (1, 3), "float32"), [(0, 3), (1, 3)], (0, 3)),
}


@pytest.mark.parametrize(("content", "shapes", "expected"), NOTHING_TO_COMPUTE.values(), ids=NOTHING_TO_COMPUTE)
def test_nothing_to_compute(content: bytes, shapes: Sequence[Shape], expected: Shape) -> None:
    interpreter = resized(content, *shapes)
    assert answer(interpreter).shape == tuple(expected)
    assert answer(interpreter).shape == tuple(expected)


@pytest.mark.parametrize(
    ("code", "options"), [(Op.SOFTMAX, schema.SoftmaxOptionsT()), (Op.LOG_SOFTMAX, schema.LogSoftmaxOptionsT())]
)
def test_a_scalar_has_no_last_axis(code: int, options: Any) -> None:
    content = model_of(code, [((2, 3), "float32")], ((2, 3), "float32"), options)
    with pytest.raises(RuntimeError):
        answer(resized(content, ()))


def test_an_axis_has_a_value() -> None:
    options = schema.SplitOptionsT()
    options.numSplits = 1
    content = model_of(Op.SPLIT, [((1,), "int32"), ((2, 3), "float32")], ((2, 3), "float32"), options)
    with pytest.raises(RuntimeError, match="'input_0' is empty, and its value is to be the axis"):
        answer(resized(content, (0,), (2, 3)))
    np.testing.assert_array_equal(answer(resized(content, (1,), (2, 4))), np.zeros((2, 4)))
