"""Variables that are resources (tf.Variable), read and written between runs."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.models.generate.conversion import convert_module
from tests.models.generate.graph_builder import GraphBuilder, Op, TensorType
from tests.support import model_zoo as zoo

KERNELS = ["delegate", "builtin", "reference"]
ONE = np.ones(3, np.float32)


def load(source: Any, kernels: Any = "delegate") -> zl.CompiledModel:
    return zl.load(source, delegates=zl.XNNPack(kernels=kernels))


class Averages(tf.Module):  # type: ignore[misc]
    """A sum and a count of what it was given; neither begins at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.total = tf.Variable(np.full((2, 3), 0.5, np.float32))
        self.count = tf.Variable(np.int32(7))

    @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.float32, "x")])
    def add(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        total = self.total.assign_add(tf.nn.relu(x) * 2.0)
        return {"average": total / tf.cast(self.count.assign_add(1), tf.float32)}

    @tf.function(input_signature=[])
    def read(self) -> dict[str, tf.Tensor]:
        return {"total": self.total.read_value(), "count": self.count.read_value()}


@pytest.fixture(scope="module")
def averages() -> bytes:
    module = Averages()
    return convert_module(module, {"add": module.add, "read": module.read}, resource_variables=True)


def by_shape(state: Any) -> dict[tuple[int, ...], np.ndarray]:
    return {array.shape: array for array in state.values()}


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_state_is_that_of_tensorflow_and_of_its_interpreter(averages: bytes, kernels: str) -> None:
    module = Averages()
    interpreter = litert.Interpreter(model_content=averages)
    add, read = interpreter.get_signature_runner("add"), interpreter.get_signature_runner("read")
    with load(averages, kernels) as model:
        for step in range(4):
            state = by_shape(model.state)
            assert state.keys() == {(2, 3), ()}
            for expected in (read(), module.read()):
                np.testing.assert_array_equal(state[2, 3], expected["total"])
                np.testing.assert_array_equal(state[()], expected["count"])
            assert state[()].dtype == np.int32
            x = np.full((2, 3), step, np.float32)
            y = model.signatures["add"](x)
            np.testing.assert_allclose(y, add(x=x)["average"], rtol=1e-6)
            np.testing.assert_allclose(y, module.add(x)["average"], rtol=1e-6)


@pytest.mark.parametrize("kernels", KERNELS)
def test_a_snapshot_is_all_that_a_stream_depends_on(averages: bytes, kernels: str) -> None:
    steps = np.random.default_rng(0).standard_normal((6, 2, 3)).astype(np.float32)
    with load(averages, kernels) as model, load(averages) as other:
        add = model.signatures["add"]
        start = model.state.snapshot()
        for step in steps[:3]:
            add(step)
        snapshot = pickle.loads(pickle.dumps(model.state.snapshot()))
        expected = [add(step) for step in steps[3:]]
        for _ in range(2):
            model.state.restore(snapshot)
            np.testing.assert_array_equal([add(step) for step in steps[3:]], expected)
        # One that has not run yet; its own first values don't come on top later.
        other.state.restore(snapshot)
        np.testing.assert_allclose([other.signatures["add"](step) for step in steps[3:]], expected, rtol=1e-6)
        for _ in range(3):
            model.reset()
            for name, values in model.state.items():
                np.testing.assert_array_equal(values, start[name])
            add(steps[0])


def test_names_and_writing() -> None:
    with load(zoo.model_path("counter")) as model:
        assert repr(model.state) == "State('Variable': float32 (3,))"
        model.state["Variable"] = [1, 2, 3]
        np.testing.assert_array_equal(model(ONE), [2, 3, 4])
        with pytest.raises(ValueError, match=r"has the shape \(3,\), and was given \(2,\)"):
            model.state["Variable"] = np.zeros(2, np.float32)
        np.testing.assert_array_equal(model.state["Variable"], [2, 3, 4])


def test_reading_leaves_outputs_alone() -> None:
    """The value is read by a kernel, whose own output is the model's."""
    with load(zoo.model_path("counter_two_signatures"), "builtin") as model:
        read = model.signatures["read"]
        read()
        view = read.outputs["total"].array
        model.state["Variable"] = 5 * ONE
        assert model.state["Variable"].tolist() == [5, 5, 5]
        np.testing.assert_array_equal(view, 0 * ONE)
        np.testing.assert_array_equal(read(), 5 * ONE)


@given(st.lists(st.sampled_from(["add", "write", "snapshot", "restore", "reset"]), max_size=12))
def test_any_order(actions: list[str]) -> None:
    with load(zoo.model_path("counter")) as model:
        expected, kept = 0 * ONE, {"Variable": 9 * ONE}
        for number, action in enumerate(actions):
            if action == "add":
                expected = expected + ONE
                np.testing.assert_array_equal(model(ONE), expected)
            elif action == "write":
                expected = number * ONE
                model.state["Variable"] = expected
            elif action == "snapshot":
                kept = model.state.snapshot()
            elif action == "restore":
                model.state.restore(kept)
                expected = kept["Variable"]
            else:
                model.reset()
                expected = 0 * ONE
        np.testing.assert_array_equal(model.state["Variable"], expected)


def two_containers() -> bytes:
    """Writes its input to a variable and its negative to one of the same name in a container, and reads both."""
    builder = GraphBuilder()
    x, minus_x = builder.tensor("x", [3]), builder.tensor("minus_x", [3])
    builder.operator(Op.NEG, [x], [minus_x])
    outputs = []
    for container, value in (("", x), ("box", minus_x)):
        handle = builder.tensor(f"handle_{container}", [], TensorType.RESOURCE)
        options = schema.VarHandleOptionsT()
        options.container, options.sharedName = container, "kept"
        builder.operator(Op.VAR_HANDLE, [], [handle], options=options)
        builder.operator(Op.ASSIGN_VARIABLE, [handle, value], [], options=schema.AssignVariableOptionsT())
        outputs.append(builder.tensor(f"y_{container}", [3]))
        builder.operator(Op.READ_VARIABLE, [handle], [outputs[-1]], options=schema.ReadVariableOptionsT())
    builder.interface([x], outputs)
    return builder.finish()


def test_containers_and_variables_without_a_first_value() -> None:
    with load(two_containers()) as model:
        assert dict(model.state) == {}
        model(ONE)
        assert {name: values.tolist() for name, values in model.state.items()} == {
            "kept": [1, 1, 1],
            "box/kept": [-1, -1, -1],
        }
        model.reset()
        assert dict(model.state) == {}


def test_large_variables_stay_where_nothing_copies_them() -> None:
    class Cache(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rows = tf.Variable(tf.zeros([1024, 128]))

        @tf.function(input_signature=[tf.TensorSpec([128], tf.float32, "x")])
        def add(self, x: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(self.rows.assign_add(tf.broadcast_to(x, [1024, 128])))

    module = Cache()
    content = convert_module(module, {"add": module.add}, resource_variables=True)
    ones = np.ones(128, np.float32)
    with load(content) as model:
        assert float(model(ones)) == 1024 * 128
        with pytest.raises(zl.Error, match=r'XNNPack\w+ does not show; load it without .*kernels="builtin"'):
            _ = dict(model.state)
        model.reset()
        assert float(model(ones)) == 1024 * 128
    with load(content, "builtin") as model:
        model(ones)
        assert [array.shape for array in model.state.values()] == [(1024, 128)]
