"""Resizes after which the runtime would end the process, or read and write past its memory, are refused by name."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, TensorType, edit
from tests.support import model_zoo as zoo

BUILTIN = [zl.XNNPack(kernels="builtin")]
COUNTER = zoo.model_path("counter")


def variable_of_input() -> bytes:
    """Keeps its input of three numbers in a variable, and reads three numbers from there."""
    builder = GraphBuilder()
    handle = builder.tensor("handle", [], TensorType.RESOURCE)
    x, y = builder.tensor("x", [3]), builder.tensor("y", [3])
    options = schema.VarHandleOptionsT()
    options.container, options.sharedName = "", "kept"
    builder.operator(Op.VAR_HANDLE, [], [handle], options=options)
    builder.operator(Op.ASSIGN_VARIABLE, [handle, x], [], options=schema.AssignVariableOptionsT())
    builder.operator(Op.READ_VARIABLE, [handle], [y], options=schema.ReadVariableOptionsT())
    builder.interface([x], [y])
    return builder.finish()


def two_writes() -> bytes:
    """Writes one number and then three to one variable."""
    builder = GraphBuilder()
    handle = builder.tensor("handle", [], TensorType.RESOURCE)
    one, three, y = builder.tensor("one", [1]), builder.tensor("three", [3]), builder.tensor("y", [1])
    builder.operator(Op.VAR_HANDLE, [], [handle], options=schema.VarHandleOptionsT())
    for value in (one, three):
        builder.operator(Op.ASSIGN_VARIABLE, [handle, value], [], options=schema.AssignVariableOptionsT())
    builder.operator(Op.READ_VARIABLE, [handle], [y], options=schema.ReadVariableOptionsT())
    builder.interface([one, three], [y])
    return builder.finish()


def broadcast_of_shapes() -> bytes:
    """The shape that two inputs have when one is broadcast to the other, which the runtime computes beforehand."""
    builder = GraphBuilder()
    options = schema.ShapeOptionsT()
    options.outType = TensorType.INT32
    inputs = [builder.tensor("left", [2, 2]), builder.tensor("right", [1, 2])]
    shapes = [builder.tensor(f"shape_{i}", [2], "int32") for i in range(2)]
    result = builder.tensor("result", [2], "int32")
    for x, shape in zip(inputs, shapes, strict=True):
        builder.operator(Op.SHAPE, [x], [shape], options=options)
    builder.operator(Op.BROADCAST_ARGS, shapes, [result])
    builder.interface(inputs, [result])
    return builder.finish()


@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
def test_models_with_variables(kernels: Any) -> None:
    """XNNPACK of LiteRT 2.3.0 writes past variables that grow, and is given none."""
    with zl.load(COUNTER, delegates=zl.XNNPack(kernels=kernels)) as model:
        model(np.ones(3, np.float32))
        for shape in ((1,), (3,)):
            model.resize(x=shape)
            before = model.state["Variable"]
            np.testing.assert_array_equal(model(np.ones(shape, np.float32)), before + 1)


def test_variables_hold_what_is_read() -> None:
    """The kernel copies as many bytes as its output has."""
    with zl.load(variable_of_input(), verify="full", delegates=BUILTIN) as model:
        model.resize(x=(5,))
        np.testing.assert_array_equal(model(np.arange(5, dtype=np.float32)), [0, 1, 2])
        for _ in range(2):
            with pytest.raises(
                zl.Error, match=r"variable 'kept' would hold 4 bytes, and 12 are read from it; the prev"
            ):
                model.resize(x=(1,))
            assert model.inputs["x"].shape == (5,)
        np.testing.assert_array_equal(model(np.arange(5, dtype=np.float32) + 1), [1, 2, 3])


def test_variables_have_one_size() -> None:
    with pytest.raises(zl.InvalidModelError, match=r"writes 12 bytes to variable '', which holds 4"):
        zl.load(two_writes(), verify="full")


def weighted_sum(names: list[str | None], signed: dict[str, int] | None = None) -> bytes:
    """x0 + 2 x1 + 4 x2 and so on, over inputs with these names and any number of rows."""
    builder = GraphBuilder()
    open_rows: Any = {"shape": [2, 3], "shape_signature": [-1, 3]}
    inputs = [builder.tensor(name, **open_rows) for name in names]
    two = builder.constant("two", np.array([2], np.float32))
    total = inputs[-1]
    for place, operand in reversed(list(enumerate(inputs[:-1]))):
        twice, result = builder.tensor(f"twice_{place}", **open_rows), builder.tensor(f"result_{place}", **open_rows)
        builder.operator(Op.MUL, [total, two], [twice], options=schema.MulOptionsT())
        builder.operator(Op.ADD, [operand, twice], [result], options=schema.AddOptionsT())
        total = result
    builder.interface(inputs, [total])
    if signed:
        builder.signature("serving_default", {name: inputs[place] for name, place in signed.items()}, {"y": total})
    return builder.finish()


def shared_string(content: bytes) -> bytes:
    """The same model, whose second tensor uses the first one's string as its name."""
    changed = bytearray(content)
    model = schema.Model.GetRootAs(changed)
    places = [model.Subgraphs(0).Tensors(place)._tab for place in range(2)]
    field = 10  # of the name, in a tensor's table of fields
    first, second = (table.Pos + table.Offset(field) for table in places)
    string = first + int.from_bytes(changed[first : first + 4], "little")
    changed[second : second + 4] = (string - second).to_bytes(4, "little")
    assert [model.Subgraphs(0).Tensors(place).Name() for place in range(2)] == [b"first"] * 2
    return bytes(changed)


@pytest.mark.parametrize("delegates", [None, BUILTIN])
@pytest.mark.parametrize(
    ("names", "signed"),
    [
        (["x", "x"], None),
        (["image", "image", "image"], None),
        (["x", "0", "x", "x", "1"], None),
        (["x", None, "x", ""], None),
        (["eingabe é", "eingabe é"], None),
        (["x", "x"], {"a": 0, "b": 1}),
        (["x", "x", "x"], {"c": 0, "x": 1, "a": 2}),
    ],
)
def test_inputs_of_one_name(
    names: list[str | None], signed: dict[str, int] | None, delegates: list[zl.XNNPack] | None
) -> None:
    """The runtime resizes the first one of a name, whichever is meant."""
    content = weighted_sum(names, signed)
    weights = 2.0 ** np.arange(len(names), dtype=np.float32)
    rows = [np.arange(18, dtype=np.float32).reshape(6, 3) + place for place in range(len(names))]
    expected = sum(weight * one for weight, one in zip(weights, rows, strict=True))
    with zl.load(content, verify="full", delegates=delegates) as model:
        assert len(model.inputs) == len(names)
        if signed is None:
            assert next(iter(model.inputs)) == names[0]
        for sizes in ([4] * len(names), [1] * (len(names) - 1) + [5], [5] + [1] * (len(names) - 1), [2] * len(names)):
            model.resize(dict(zip(model.inputs, [(size, 3) for size in sizes], strict=True)))
            values = [one[:size] for one, size in zip(rows, sizes, strict=True)]
            wanted = sum(weight * one for weight, one in zip(weights, values, strict=True))
            for _ in range(3):
                np.testing.assert_array_equal(model(dict(zip(model.inputs, values, strict=True))), wanted)
        np.testing.assert_array_equal(model.map(dict(zip(model.inputs, rows, strict=True))), expected)
        other = pickle.loads(pickle.dumps(model))
        assert list(other.inputs) == list(model.inputs)
    with zl.Pool(content, workers=2, delegates=delegates) as pool:
        np.testing.assert_array_equal(pool.map(dict(zip(other.inputs, rows, strict=True))), expected)


def test_the_interpreter_resizes_inputs_of_one_name() -> None:
    content = weighted_sum(["x", "x", "x"])
    interpreter = zl.Interpreter(model_content=content)
    inputs = [details["index"] for details in interpreter.get_input_details()]
    assert [details["name"] for details in interpreter.get_tensor_details()[:3]] == ["x", "x", "x"]
    for sizes in ([4, 4, 4], [1, 5, 1], [1, 1, 6]):
        for index, size in zip(inputs, sizes, strict=True):
            interpreter.resize_tensor_input(index, (size, 3))
        interpreter.allocate_tensors()
        for index, size in zip(inputs, sizes, strict=True):
            interpreter.set_tensor(index, np.full((size, 3), index + 1, np.float32))
        interpreter.invoke()
        answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_array_equal(answer, np.full((max(sizes), 3), 1 + 2 * 2 + 4 * 3, np.float32))
    assert [details["name"] for details in interpreter.get_tensor_details()[:3]] == ["x", "x", "x"]


def test_inputs_whose_names_are_one_string() -> None:
    """Nothing tells them apart; no converter writes such files."""
    with zl.load(shared_string(weighted_sum(["first", "other"])), verify="full") as model:
        for name in model.inputs:
            with pytest.raises(zl.Error, match="another input has the name 'first' too, and the runtime resizes inp"):
                model.resize({name: (4, 3)})
        ones = np.ones((2, 3), np.float32)
        np.testing.assert_array_equal(model(ones, ones), 3 * ones)


def test_inputs_of_more_dimensions_than_the_runtime_takes() -> None:
    builder = GraphBuilder()
    x, y = builder.tensor("x", [*[1] * 8, 2]), builder.tensor("y", [2])
    size = builder.constant("size", np.array([2], np.int32))
    builder.operator(Op.RESHAPE, [x, size], [y], options=schema.ReshapeOptionsT())
    builder.interface([x], [y])
    with zl.load(builder.finish()) as model:
        with pytest.raises(zl.Error, match="it has 9 dimensions, and the runtime resizes inputs of 1 to 8"):
            model.resize(x=(3,))
        values = np.array([1, 2], np.float32).reshape(model.inputs["x"].shape)
        np.testing.assert_array_equal(model(values), [1, 2])


@pytest.mark.parametrize("delegates", [None, BUILTIN])
def test_shapes_that_are_broadcast_beforehand(delegates: list[zl.XNNPack] | None) -> None:
    """The runtime ends the process while it prepares the graph."""
    with zl.load(broadcast_of_shapes(), verify="full", delegates=delegates) as model:
        model.resize(left=(4, 1), right=(1, 5))
        model.run()
        np.testing.assert_array_equal(model.outputs["result"].array, [4, 5])
        for _ in range(2):
            with pytest.raises(zl.Error, match=r"'shape_1' holds a shape that can't be broadcast.*previous shapes are"):
                model.resize(left=(4, 2), right=(3, 2))
            assert [tensor.shape for tensor in model.inputs.values()] == [(4, 1), (1, 5)]
            model.run()
            np.testing.assert_array_equal(model.outputs["result"].array, [4, 5])


def convolution_of_open_size() -> bytes:
    """A filter of 3 x 3 over an image whose size in the file, 1 x 1, stands for any and is too small for it."""
    builder = GraphBuilder()
    image = builder.tensor("image", [1, 1, 1, 1], shape_signature=[1, -1, -1, 1])
    kernel = builder.constant("kernel", np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1))
    bias = builder.constant("bias", np.ones(1, np.float32))
    result = builder.tensor("result", [1, 1, 1, 1], shape_signature=[1, -1, -1, 1])
    options = schema.Conv2DOptionsT()
    options.padding, options.strideW, options.strideH = schema.Padding.VALID, 1, 1
    options.dilationWFactor = options.dilationHFactor = 1
    builder.operator(Op.CONV_2D, [image, kernel, bias], [result], options=options)
    builder.interface([image], [result])
    builder.signature("serving_default", {"image": image}, {"result": result})
    return builder.finish()


IMAGE = np.arange(20, dtype=np.float32).reshape(1, 4, 5, 1)


def expected_convolution() -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(IMAGE[0, :, :, 0], (3, 3))
    return (np.einsum("ijkl,kl->ij", windows, np.arange(9).reshape(3, 3)) + 1).astype(np.float32)


def test_shapes_of_the_file_may_be_no_shapes_to_run_with() -> None:
    with zl.load(convolution_of_open_size()) as model:
        assert model.dispatch == "runtime"
        assert "before the first run resize 'image'" in model.dispatch.reason
        for call in (model.run, lambda: model(np.zeros((1, 1, 1, 1), np.float32)), model.profile):
            with pytest.raises(
                zl.Error, match=r"before the first run resize 'image', which is open as \(1, -1, -1, 1\)"
            ):
                call()
        with pytest.raises(ValueError, match=r"resize\(image=\(1, 4, 5, 1\)\)"):
            model(IMAGE)
        with pytest.raises(zl.Error, match="previous shapes are kept"):
            model.resize(image=(1, 2, 2, 1))
        model.resize(image=IMAGE.shape)
        np.testing.assert_array_equal(model(IMAGE)[0, :, :, 0], expected_convolution())
        assert model.dispatch == "direct"
        with pytest.raises(zl.Error, match="previous shapes are kept"):
            model.resize(image=(1, 1, 1, 1))
        np.testing.assert_array_equal(model(IMAGE)[0, :, :, 0], expected_convolution())


@pytest.mark.parametrize("verify", ["structure", "full", "isolated"])
def test_such_a_model_is_sound(verify: Any) -> None:
    with zl.load(convolution_of_open_size(), verify=verify) as model:
        model.resize(image=IMAGE.shape)
        np.testing.assert_array_equal(model(IMAGE)[0, :, :, 0], expected_convolution())


def test_a_pool_of_such_a_model() -> None:
    with zl.Pool(convolution_of_open_size(), workers=2) as pool:
        with pytest.raises(zl.Error, match="before the first run resize 'image'"):
            pool.submit(np.zeros((1, 1, 1, 1), np.float32)).result()
        pool.resize(image=IMAGE.shape)
        np.testing.assert_array_equal(np.asarray(pool.submit(IMAGE).result())[0, :, :, 0], expected_convolution())


def test_an_interpreter_of_such_a_model() -> None:
    interpreter = zl.Interpreter(model_content=convolution_of_open_size())
    with pytest.raises(RuntimeError, match="before the first run resize 'image'"):
        interpreter.allocate_tensors()
    (image,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(image["index"], IMAGE.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(image["index"], IMAGE)
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(result["index"])[0, :, :, 0], expected_convolution())


def test_fixed_shapes_that_can_not_run_are_refused_at_once() -> None:
    def fix(model: schema.ModelT) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.shapeSignature = None

    with pytest.raises(zl.Error, match="could not prepare"):
        zl.load(edit(convolution_of_open_size(), fix))


def reshaped_absolute() -> bytes:
    """XNNPACK takes both operators; the shape that the first one gives its output is a constant."""
    builder = GraphBuilder()
    x, flat, y = builder.tensor("x", [1, 3, 4]), builder.tensor("flat", [1, 12]), builder.tensor("y", [1, 12])
    shape = builder.constant("shape", np.array([1, 12], np.int32))
    builder.operator(Op.RESHAPE, [x, shape], [flat])
    builder.operator(Op.ABS, [flat], [y], options=schema.AbsOptionsT())
    builder.interface([x], [y])
    return builder.finish()


@pytest.mark.parametrize("delegates", [None, BUILTIN])
def test_a_refusal_names_the_operator_and_its_sizes(delegates: list[zl.XNNPack] | None) -> None:
    """XNNPACK says that it could not reshape its runtime, and no more."""
    with zl.load(reshaped_absolute(), delegates=delegates) as model:
        with pytest.raises(zl.Error, match=r"24 != 12.*RESHAPE.*previous shapes are kept"):
            model.resize(x=(2, 3, 4))
        np.testing.assert_array_equal(model(np.full((1, 3, 4), -1, np.float32)), np.ones((1, 12)))
    interpreter = zl.Interpreter(model_content=reshaped_absolute())
    interpreter.resize_tensor_input(0, (2, 3, 4))
    with pytest.raises(RuntimeError, match=r"24 != 12.*RESHAPE"):
        interpreter.allocate_tensors()
