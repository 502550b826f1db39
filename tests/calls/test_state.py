"""Models that keep something from one run to the next: a call goes on with it, and `reset` begins anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.support import model_zoo

#: State in variable tensors, and in resources of the runtime.
TENSORS = ["svdf", "sequence_lstm"]
RESOURCES = ["counter", "counter_two_signatures"]
KERNELS = ["delegate", "builtin"]


def load(name: str, kernels: Any = "delegate") -> zl.CompiledModel:
    return zl.load(model_zoo.model_path(name), delegates=zl.XNNPack(kernels=kernels))


def inputs_of(model: zl.CompiledModel, count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(model.inputs[0].shape).astype(np.float32) for _ in range(count)]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", TENSORS + RESOURCES)
def test_a_stream_goes_on_until_it_is_reset(name: str, kernels: str) -> None:
    with load(name, kernels) as model, load(name, kernels) as fresh:
        stream = inputs_of(model, 4)
        expected = [fresh(x) for x in stream]
        assert not np.array_equal(model(stream[0]), model(stream[0]))
        for _ in range(3):
            model.reset()
            np.testing.assert_array_equal([model(x) for x in stream], expected)


@pytest.mark.parametrize("name", TENSORS)
def test_the_answers_are_those_of_the_interpreter(name: str) -> None:
    with load(name) as model:
        stream = inputs_of(model, 5)
        interpreter = litert.Interpreter(str(model_zoo.model_path(name)))
        interpreter.allocate_tensors()
        for _ in range(2):
            interpreter.reset_all_variables()
            model.reset()
            for x in stream:
                interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
                interpreter.invoke()
                expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
                np.testing.assert_array_equal(model(x), expected)


def test_runs_that_are_direct_are_reset() -> None:
    with load("svdf") as model:
        x = inputs_of(model, 1)[0]
        first = model(x)
        for _ in range(5):
            model(x)
        assert model.dispatch == "direct"
        model.reset()
        assert model.dispatch == "direct"
        np.testing.assert_array_equal(model(x), first)


def test_a_model_without_state_is_left_alone() -> None:
    with load("dense_2layer") as model:
        x = inputs_of(model, 1)[0]
        first = model(x)
        model(x)
        dispatch = model.dispatch
        model.reset()
        assert model.dispatch == dispatch
        np.testing.assert_array_equal(model(x), first)


@pytest.mark.parametrize("name", ["svdf", "counter"])
def test_memory_and_bindings_stay(name: str) -> None:
    with load(name) as model:
        x = zl.empty(model.inputs[0].shape, np.float32)
        model.bind({model.inputs[0].name: x})
        x[...] = inputs_of(model, 1)[0]
        y = model.outputs[0].array
        model.run()
        first = y.copy()
        model.run()
        assert not np.array_equal(y, first)
        model.reset()
        model.run()
        np.testing.assert_array_equal(y, first)
        assert np.shares_memory(model.inputs[0].array, x)


@pytest.mark.parametrize("kernels", KERNELS)
def test_all_signatures_share_what_is_reset(kernels: str) -> None:
    with load("counter_two_signatures", kernels) as model:
        add, read = model.signatures["add"], model.signatures["read"]
        one = np.ones(3, np.float32)
        add(one)
        np.testing.assert_array_equal(read(), one)
        read.reset()
        np.testing.assert_array_equal(read(), 0 * one)
        add(one)
        add(one)
        np.testing.assert_array_equal(read(), 2 * one)


class _Accumulator(tf.Module):  # type: ignore[misc]
    """An output of open length, and a variable that counts runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = tf.Variable(5.0)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def add(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x + self.runs.assign_add(1.0)}


def test_shapes_stay() -> None:
    module = _Accumulator()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.add.get_concrete_function()], module)
    converter.experimental_enable_resource_variables = True
    with zl.load(converter.convert(), delegates=zl.XNNPack(kernels="builtin")) as model:
        model.resize(x=(4, 3))
        zeros = np.zeros((4, 3), np.float32)
        for _ in range(2):
            np.testing.assert_array_equal(model(zeros), zeros + 6)
            np.testing.assert_array_equal(model(zeros), zeros + 7)
            model.reset()
            assert model.inputs[0].shape == (4, 3)
            assert model.outputs[0].shape == (4, 3)


def test_a_quantized_state_begins_at_its_zero_point() -> None:
    """The runtime begins with the zero point, where the state holds 8-bit integers."""
    graph = GraphBuilder()
    x = graph.tensor("x", [1, 4])
    state = graph.tensor("state", [1, 4], "int8", quantized=quantization([0.5], [3]), variable=True)
    real = graph.tensor("real", [1, 4])
    y = graph.tensor("y", [1, 4])
    graph.operator(Op.DEQUANTIZE, [state], [real])
    graph.operator(Op.ADD, [x, real], [y])
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    with zl.load(graph.finish(), delegates=zl.XNNPack(kernels="builtin")) as model:
        ones = np.ones((1, 4), np.float32)
        for _ in range(2):
            np.testing.assert_array_equal(model(ones), ones)
            model.reset()


def test_a_closed_model_is_not_reset() -> None:
    for name in ("svdf", "counter", "dense_2layer"):
        model = load(name)
        model.close()
        with pytest.raises(zl.Error, match="closed"):
            model.reset()
