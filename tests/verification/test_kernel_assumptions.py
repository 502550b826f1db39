"""What kernels take for granted in their operands and options, without looking: "full" refuses what does not hold."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, edit, quantization
from tests.support import model_zoo as zoo


def refused(content: bytes, message: str) -> None:
    with pytest.raises(zl.InvalidModelError, match=message):
        zl.load(content, verify="full")


def runs(content: bytes) -> None:
    with zl.load(content, verify="full") as model:
        model({name: np.ones(tensor.shape, tensor.dtype) for name, tensor in model.inputs.items()})


def reshape(sizes: int, *, output: list[int], as_option: bool = False) -> bytes:
    builder = GraphBuilder()
    x, y = builder.tensor("x", [1, 16]), builder.tensor("y", output)
    shape = np.array([16, *[1] * (sizes - 1)], np.int32)
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    operands = [x] if as_option else [x, builder.constant("shape", shape)]
    builder.operator(Op.RESHAPE, operands, [y], options=options if as_option else None)
    builder.interface([x], [y])
    return builder.finish()


@pytest.mark.parametrize("as_option", [False, True])
def test_reshape_to_more_sizes_than_its_output_has(as_option: bool) -> None:
    runs(reshape(2, output=[16, 1], as_option=as_option))
    runs(reshape(7, output=[16, 1, 1, 1, 1, 1, 1], as_option=as_option))
    for sizes in (7, 8):
        refused(reshape(sizes, output=[16, 1], as_option=as_option), rf"has {sizes} sizes for an output of .*\(16, 1\)")


def test_reshape_to_thousands_of_dimensions() -> None:
    refused(reshape(4096, output=[16, 1]), "4096 sizes")


def strided_slice(
    *, ends: int = 2, strides: int = 2, offset: bool = True, constant: bool = True, mask: str = ""
) -> bytes:
    builder = GraphBuilder()
    x, y = builder.tensor("x", [4, 4]), builder.tensor("y", [1, 1])
    begin = builder.constant("begin", np.zeros(ends, np.int32))
    one = np.ones(ends, np.int32)
    end = builder.constant("end", one) if constant else builder.tensor("end", [ends], "int32")
    stride = builder.constant("strides", np.ones(strides, np.int32))
    options = schema.StridedSliceOptionsT()
    options.offset = offset
    if mask:
        setattr(options, mask, 1)
    builder.operator(Op.STRIDED_SLICE, [x, begin, end, stride], [y], options=options, version=8)
    builder.interface([x] if constant else [x, end], [y])
    return builder.finish()


@pytest.mark.parametrize("mask", ["endMask", "ellipsisMask", "newAxisMask"])
def test_slice_of_sizes_has_no_masks(mask: str) -> None:
    runs(strided_slice())
    runs(strided_slice(offset=False, mask=mask))
    refused(strided_slice(mask=mask), r"sizes in the place of ends \(offset\), and a mask")


def test_slice_of_sizes_has_one_for_each_dimension() -> None:
    runs(strided_slice(ends=1, strides=1, offset=False))
    refused(strided_slice(ends=1, strides=1), r"\(offset\) of the shape \(1,\), and 2 constant values are expected")
    refused(strided_slice(constant=False), "2 constant values are expected")


def test_slice_has_a_stride_for_each_begin() -> None:
    refused(strided_slice(strides=1, offset=False), r"strides of the shape \(1,\) for begins of the shape \(2,\)")


def int8_lstm(computed: int | None) -> bytes:
    """A sequence LSTM of int8, of which a run may compute one operand."""
    builder = GraphBuilder()

    def scaled(scale: float) -> Any:
        parameters = schema.QuantizationParametersT()
        parameters.scale, parameters.zeroPoint = [scale], [0]
        return parameters

    inputs = [builder.tensor("x", [1, 2, 3], "int8", quantized=scaled(0.1))]
    for i in range(1, 18):
        if 9 <= i <= 11 or i >= 16:
            inputs.append(-1)
            continue
        columns = 3 if i < 5 else 2
        shape, dtype = ((2,), np.int32) if i >= 12 else ((2, columns), np.int8)
        if i == computed:
            inputs.append(builder.tensor(f"w{i}", shape, np.dtype(dtype).name, quantized=scaled(0.1)))
        else:
            inputs.append(builder.constant(f"w{i}", np.ones(shape, dtype), quantized=scaled(0.1)))
    inputs.append(builder.tensor("state", [1, 2], "int8", quantized=scaled(0.1), variable=True))
    inputs.append(builder.tensor("cell", [1, 2], "int16", quantized=scaled(2**-11), variable=True))
    inputs += [-1, -1, -1, -1]
    y = builder.tensor("y", [1, 2, 2], "int8", quantized=scaled(0.1))
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    builder.operator(Op.UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, [y], options=options)
    between = [builder.tensor(f"between{i}", [0]) for i in range(4)]
    between.append(builder.tensor("between4", [0], "int8", quantized=scaled(0.1)))
    builder.interface([inputs[0]] if computed is None else [inputs[0], inputs[computed]], [y])

    def add_intermediates(model: schema.ModelT) -> None:
        model.subgraphs[0].operators[0].intermediates = between

    return edit(builder.finish(), add_intermediates)


def test_integer_lstm_runs() -> None:
    runs(int8_lstm(None))


@pytest.mark.parametrize("operand", [2, 6, 12])
def test_weights_of_an_integer_lstm_are_constant(operand: int) -> None:
    refused(int8_lstm(operand), rf"has weights that a run computes, its tensor 'w{operand}'")


def test_weights_of_other_models_may_be_computed() -> None:
    def weights_as_inputs(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        lstm = next(node for node in graph.operators if len(node.inputs) > 20)
        graph.tensors[lstm.inputs[2]].buffer = 0
        graph.inputs = [*graph.inputs, lstm.inputs[2]]
        model.signatureDefs = None

    runs(edit(zoo.MODELS.joinpath("sequence_lstm.tflite").read_bytes(), weights_as_inputs))


def indices(kind: int, position: int, dtype: str) -> bytes:
    """An operator whose operand at a place has a type of its own."""
    builder = GraphBuilder()
    values = {
        Op.TRANSPOSE: [np.array([1, 0])],
        Op.SPLIT: [np.array(0)],
        Op.SPLIT_V: [np.array([1, 1], np.int32), np.array(0)],
    }[kind]
    constants = [
        builder.constant(f"i{i}", each.astype(dtype if i == len(values) - 1 else "int32"))
        for i, each in enumerate(values)
    ]
    x = builder.tensor("x", [2, 2])
    operands = [*constants, x] if position == 0 else [x, *constants]
    outputs = [
        builder.tensor(f"y{i}", [1, 2] if kind != Op.TRANSPOSE else [2, 2])
        for i in range(1 if kind == Op.TRANSPOSE else 2)
    ]
    options = {Op.SPLIT: schema.SplitOptionsT, Op.SPLIT_V: schema.SplitVOptionsT}.get(kind, schema.TransposeOptionsT)()
    if kind != Op.TRANSPOSE:
        options.numSplits = 2
    builder.operator(kind, operands, outputs, options=options)
    builder.interface([x], outputs)
    return builder.finish()


@pytest.mark.parametrize(("kind", "position"), [(Op.TRANSPOSE, 1), (Op.SPLIT, 0), (Op.SPLIT_V, 2)])
def test_indices_have_the_type_that_is_read(kind: int, position: int) -> None:
    runs(indices(kind, position, "int32"))
    refused(indices(kind, position, "int64"), rf"of the type int64 as input {position}, and int32 is expected")


def rotation(shape: list[int], *, size: int, output: list[int] | None = None, dtype: str = "float32") -> bytes:
    builder = GraphBuilder()
    x = builder.tensor("x", shape, dtype)
    y = builder.tensor("y", shape if output is None else output)
    settings = bytes(flexbuffers.Dumps({"hadamard_size": size, "random_binary_vector": [1, 1]}))
    builder.custom_operator("aeq.hadamard_rotation", [x], [y], options=settings)
    builder.interface([x], [y])
    return builder.finish()


def test_rotation_has_a_size_and_shapes_that_fit() -> None:
    runs(rotation([2, 8], size=4))
    runs(rotation([2, 3, 8], size=8))
    refused(rotation([2, 8], size=0), "has 0 for its setting hadamard_size")
    refused(rotation([2, 8], size=6), "a power of two that divides")
    refused(rotation([2, 8], size=16), "a power of two that divides")
    refused(rotation([8], size=4), "one shape of two or three dimensions")
    refused(rotation([2, 8], size=4, output=[1, 8]), "one shape of two or three dimensions")
    refused(rotation([2, 8], size=4, dtype="int32"), "and float32 is expected")


def pool_settings(side: int) -> bytes:
    """TfLitePoolParams: padding (2 is VALID), strides, the window's sides, an activation, and computed padding."""
    return struct.pack("<10i", 2, side, side, side, side, 0, 0, 0, 0, 0)


def unpooling(*, pooled: bool, side: int = 2, index_type: str = "float32", constant: int | None = None) -> bytes:
    """Values put back where pooling found them, or where constants or a caller say; places are bits of 32."""
    builder = GraphBuilder()
    large, small = [1, 4, 4, 1], [1, 2, 2, 1]
    x = builder.tensor("x", large if pooled else small)
    y = builder.tensor("y", large)
    values, inputs = x, [x]
    if pooled:
        values, places = builder.tensor("values", small), builder.tensor("places", small, index_type)
        builder.custom_operator("MaxPoolingWithArgmax2D", [x], [values, places], options=pool_settings(2))
    elif constant is None:
        places = builder.tensor("places", small, index_type)
        inputs.append(places)
    else:
        places = builder.constant("places", np.full(small, constant, np.uint32).view(np.float32))
    builder.custom_operator("MaxUnpooling2D", [values, places], [y], options=pool_settings(side))
    builder.interface(inputs, [y])
    return builder.finish()


def test_unpooling_of_what_was_pooled() -> None:
    x = np.random.default_rng(0).random((1, 4, 4, 1), np.float32)
    windows = x.reshape(2, 2, 2, 2).max(axis=(1, 3), keepdims=True)
    with zl.load(unpooling(pooled=True), verify="full") as model:
        np.testing.assert_array_equal(model(x), np.where(x.reshape(2, 2, 2, 2) == windows, windows, 0).reshape(x.shape))


def test_unpooling_follows_places_within_its_window() -> None:
    runs(unpooling(pooled=False, constant=3))
    refused(unpooling(pooled=False, constant=4), "past the end of its window of 4 places")
    refused(unpooling(pooled=False), "no constant and not those of MaxPoolingWithArgmax2D")
    refused(unpooling(pooled=False, index_type="int32"), "no constant and not those of MaxPoolingWithArgmax2D")
    refused(unpooling(pooled=True, side=1), "at most its own window of 1 places")


def test_places_of_pooling_have_32_bits() -> None:
    refused(unpooling(pooled=True, index_type="int8"), "has indices of int8 .*a type of 32 bits")


BROADCASTING = {
    "ADD": "float32",
    "BITWISE_XOR": "int32",
    "EQUAL": "float32",
    "FLOOR_MOD": "int32",
    "LOGICAL_AND": "bool",
    "MAXIMUM": "int8",
    "POW": "float32",
    "SUB": "int64",
}


def binary(operator: str, shapes: list[list[int]], dtype: str) -> bytes:
    builder = GraphBuilder()
    scaled = quantization([1.0], [0]) if dtype == "int8" else None
    operands = [builder.tensor(f"x{i}", shape, dtype, quantized=scaled) for i, shape in enumerate(shapes)]
    result = np.broadcast_shapes(*shapes)
    is_condition = operator in ("EQUAL", "LOGICAL_AND")
    y = builder.tensor("y", list(result), "bool" if is_condition else dtype, quantized=None if is_condition else scaled)
    builder.operator(getattr(Op, operator), operands, [y])
    builder.interface(operands, [y])
    return builder.finish()


@pytest.mark.parametrize("operator", BROADCASTING)
def test_shapes_that_are_broadcast_have_eight_dimensions_at_most(operator: str) -> None:
    dtype = BROADCASTING[operator]
    runs(binary(operator, [[1, 2] * 4, [2, 1] * 4], dtype))
    runs(binary(operator, [[1] * 9, [1] * 9], dtype))
    refused(binary(operator, [[1, *[1, 2] * 4], [1, *[2, 1] * 4]], dtype), "at most 8 dimensions are expected")


def test_sum_of_int16_has_eight_dimensions_at_most() -> None:
    runs(binary("ADD", [[1] * 8, [1] * 8], "int16"))
    refused(binary("ADD", [[1] * 9, [1] * 9], "int16"), "at most 8 dimensions are expected")


def bidirectional_lstm(second: list[int], weights: list[int]) -> bytes:
    builder = GraphBuilder()
    float32 = np.float32
    shapes: dict[int, tuple[int, ...]] = {}
    for first in (1, 18):
        shapes |= {first + i: (2, 3) for i in range(4)} | {first + 4 + i: (2, 2) for i in range(4)}
        shapes |= {first + 11 + i: (2,) for i in range(4)}
    inputs = [-1] * 48
    inputs[0] = builder.tensor("x", [2, 1, 3])
    for position, shape in shapes.items():
        inputs[position] = builder.constant(f"w{position}", np.ones(shape, float32))
    for position in range(35, 39):
        inputs[position] = builder.tensor(f"state{position}", [1, 2], variable=True)
    inputs[39] = builder.tensor("second", second)
    for position in range(40, 48):
        inputs[position] = builder.constant(f"w{position}", np.ones(weights, float32))
    outputs = [builder.tensor(name, [2, 1, 2]) for name in ("forward", "backward")]
    options = schema.BidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction, options.timeMajor = schema.ActivationFunctionType.TANH, True
    builder.operator(Op.BIDIRECTIONAL_SEQUENCE_LSTM, inputs, outputs, options=options)
    builder.interface([inputs[0], inputs[39]], outputs)
    return builder.finish()


def test_second_input_of_a_bidirectional_lstm_is_as_long_as_the_first() -> None:
    runs(bidirectional_lstm([2, 1, 3], [2, 3]))
    refused(bidirectional_lstm([2, 1, 1], [2, 1]), "don't fit one another")
    refused(bidirectional_lstm([1, 1, 3], [2, 3]), "don't fit one another")
    refused(bidirectional_lstm([2, 1, 3], [2, 2]), "don't fit one another")
