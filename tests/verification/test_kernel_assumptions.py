"""What kernels take for granted in their operands and options, without looking: "full" refuses what does not hold."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, TensorType, edit
from tests.support import model_zoo as zoo


def refused(content: bytes, message: str) -> None:
    with pytest.raises(zl.InvalidModelError, match=message):
        zl.load(content, verify="full")


def runs(content: bytes) -> None:
    with zl.load(content, verify="full") as model:
        model({name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in model.inputs.items()})


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
    refused(indices(kind, position, "int64"), "of the type int64 among its inputs, which its kernel takes for int32")


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


def calling(kind: int, *, inner: str = "float32", result: str = "float32") -> bytes:
    """A branch or a loop over one tensor of float32, whose body declares types of its own."""
    builder = GraphBuilder()
    condition = builder.tensor("condition", [], "bool")
    x, y = builder.tensor("x", [2]), builder.tensor("y", [2])
    if kind == Op.IF:
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 1
    else:
        options = schema.WhileOptionsT()
        options.bodySubgraphIndex, options.condSubgraphIndex = 1, 2
    operands = [condition, x] if kind == Op.IF else [x]
    builder.operator(kind, operands, [y], options=options)
    builder.interface(operands, [y])
    builder.start_subgraph("body")
    a, b = builder.tensor("a", [2], inner), builder.tensor("b", [2], result)
    builder.operator(Op.ABS if inner == result else Op.CAST, [a], [b])
    builder.interface([a], [b])
    builder.start_subgraph("condition")
    c = builder.tensor("c", [2])
    builder.interface([c], [builder.constant("ends", np.array(False))])
    return builder.finish()


@pytest.mark.parametrize("kind", [Op.IF, Op.WHILE])
def test_bodies_have_the_types_of_who_runs_them(kind: int) -> None:
    runs(calling(kind))
    refused(calling(kind, inner="int8", result="int8"), "float32 among its inputs, where the subgraph that it runs has")
    refused(calling(kind, result="float64"), "float32 among its outputs, where the subgraph that it runs has float64")


def variable_in_a_body(kind: int, *, read: int, swapped: bool = False) -> bytes:
    """Variables of two and of four values, which are handed to a body that reads from the first one."""
    builder = GraphBuilder()
    handles = []
    for name, size in (("two", 2), ("four", 4)):
        handle = builder.tensor(name, [], TensorType.RESOURCE)
        options = schema.VarHandleOptionsT()
        options.container, options.sharedName = "", name
        builder.operator(Op.VAR_HANDLE, [], [handle], options=options)
        builder.operator(Op.ASSIGN_VARIABLE, [handle, builder.constant(f"{name}s", np.zeros(size, np.float32))], [])
        handles.append(handle)
    x = builder.tensor("x", [read])
    condition = builder.tensor("condition", [], "bool")
    if kind == Op.IF:
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 1
        outputs = [builder.tensor("y", [read])]
        builder.operator(kind, [condition, *handles, x], outputs, options=options)
        builder.interface([condition, x], outputs)
    else:
        options = schema.WhileOptionsT()
        options.bodySubgraphIndex, options.condSubgraphIndex = 1, 2
        outputs = [*(builder.tensor(f"h{i}", [], TensorType.RESOURCE) for i in range(2)), builder.tensor("y", [read])]
        builder.operator(kind, [*handles, x], outputs, options=options)
        builder.interface([x], outputs[2:])
    builder.start_subgraph("body")
    inner = [builder.tensor(f"a{i}", [], TensorType.RESOURCE) for i in range(2)]
    a, b = builder.tensor("a", [read]), builder.tensor("b", [read])
    builder.operator(Op.READ_VARIABLE, [inner[0]], [b])
    passed = inner[::-1] if swapped else inner
    builder.interface([*inner, a], [b] if kind == Op.IF else [*passed, b])
    builder.start_subgraph("condition")
    given = [*(builder.tensor(f"c{i}", [], TensorType.RESOURCE) for i in range(2)), builder.tensor("c", [read])]
    builder.interface(given, [builder.constant("ends", np.array(False))])
    return builder.finish()


@pytest.mark.parametrize("kind", [Op.IF, Op.WHILE])
def test_variables_are_followed_into_bodies(kind: int) -> None:
    zl.load(variable_in_a_body(kind, read=2), verify="full").close()
    refused(variable_in_a_body(kind, read=3), "reads 12 bytes from variable 'two', which holds 8")


def early_result(kind: int, operator: int) -> bytes:
    """A branch or a composite whose result is the shape of what it is given, or that of a constant."""
    builder = GraphBuilder()
    condition, x = builder.tensor("condition", [], "bool"), builder.tensor("x", [2, 3])
    y = builder.tensor("y", [2], "int32")
    if kind == Op.IF:
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 1
    else:
        options = schema.StableHLOCompositeOptionsT()
        options.name, options.decompositionSubgraphIndex = "shape", 1
        options.compositeAttributes = list(flexbuffers.Dumps({}))
    operands = [condition, x] if kind == Op.IF else [x]
    builder.operator(kind, operands, [y], options=options)
    builder.interface(operands, [y])
    builder.start_subgraph("body")
    a, b = builder.tensor("a", [2, 3]), builder.tensor("b", [2], "int32")
    if operator == Op.SHAPE:
        shape_options = schema.ShapeOptionsT()
        shape_options.outType = TensorType.INT32
        builder.operator(operator, [a], [b], options=shape_options)
    else:
        sizes = builder.constant("sizes", np.array([[2], [3]], np.int32))
        builder.operator(operator, [sizes, builder.constant("shape", np.array([2], np.int32))], [b])
    builder.interface([a], [b])
    return builder.finish()


@pytest.mark.parametrize("kind", [Op.IF, Op.STABLEHLO_COMPOSITE])
@pytest.mark.parametrize("operator", [Op.SHAPE, Op.RESHAPE])
def test_result_of_a_body_that_is_there_before_it_runs(kind: int, operator: int) -> None:
    refused(early_result(kind, operator), "computes while it is prepared, and its kernel takes results of a run")


def test_variables_that_a_loop_exchanges_are_all_meant() -> None:
    refused(variable_in_a_body(Op.WHILE, read=3, swapped=True), "reads 12 bytes from variable 'two', which holds 8")


def test_variable_without_a_name_is_refused() -> None:
    builder = GraphBuilder()
    handle = builder.constant("handle", np.array(0, np.int32))
    y = builder.tensor("y", [2])
    builder.operator(Op.READ_VARIABLE, [handle], [y])
    builder.interface([], [y])
    refused(builder.finish(), "variable that no VAR_HANDLE of this subgraph or of those that run it names")
