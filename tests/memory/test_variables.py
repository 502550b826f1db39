"""The variables of stateful models, read and written."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits

STATEFUL = ["svdf", "sequence_lstm"]


def load(name: str, kernels: Any = "delegate") -> Any:
    return zl.load(zoo.model_path(name), delegates=zl.XNNPack(kernels=kernels))


def inputs_of(model: zl.CompiledModel, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(model.inputs[0].shape).astype(np.float32) for _ in range(count)]


def two_of_one_name() -> bytes:
    """Each output is an input plus a variable; both variables are called "h"."""
    graph = GraphBuilder()
    x = graph.tensor("x", [1, 4])
    outputs = {}
    for name in ("first", "second"):
        state = graph.tensor("h", [1, 4], variable=True)
        y = graph.tensor(name, [1, 4])
        graph.operator(Op.ADD, [x, state], [y])
        outputs[name] = y
    graph.interface([x], list(outputs.values()))
    graph.signature("serving_default", {"x": x}, outputs)
    return graph.finish()


@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
@pytest.mark.parametrize("name", STATEFUL)
def test_a_snapshot_is_all_that_a_stream_depends_on(name: str, kernels: str) -> None:
    with load(name, kernels) as model, load(name, kernels) as other:
        steps = inputs_of(model, 8)
        for step in steps[:4]:
            model(step)
        snapshot = pickle.loads(pickle.dumps(model.state.snapshot()))
        expected = [model(step) for step in steps[4:]]
        for _ in range(2):
            model.state.restore(snapshot)
            for step, answer in zip(steps[4:], expected, strict=True):
                assert_same_bits(model(step), answer)
        other.state.restore(snapshot)
        for step, answer in zip(steps[4:], expected, strict=True):
            assert_same_bits(other(step), answer)


@pytest.mark.parametrize("name", STATEFUL)
def test_a_reset_state_is_that_of_a_model_just_loaded(name: str) -> None:
    with load(name) as model, load(name) as fresh:
        start = fresh.state.snapshot()
        model(inputs_of(model, 1)[0])
        assert any(not np.array_equal(values, start[key]) for key, values in model.state.items())
        model.reset()
        assert model.state.keys() == start.keys()
        for key, values in model.state.items():
            assert_same_bits(values, start[key], key)


def test_names() -> None:
    with load("sequence_lstm") as model:
        assert list(model.state) == ["output_state", "cell_state"]
        assert model.state["cell_state"].shape == (1, 5)
        assert repr(model.state) == "State('output_state': float32 (1, 5), 'cell_state': float32 (1, 5))"
        assert len(model.signatures[model.key].state) == 2
        with pytest.raises(KeyError, match="no variable 'h'; the model's are 'output_state', 'cell_state'"):
            model.state["h"]


def test_writing_is_heard_by_the_next_run() -> None:
    with zl.load(two_of_one_name(), delegates=zl.XNNPack(kernels="builtin")) as model:
        first, second = model.state
        assert first.startswith("h (subgraph 0, tensor ")
        x = np.ones((1, 4), np.float32)
        for number in range(4):  # by the runtime's call, and then directly
            model.state[first] = np.full((1, 4), number, np.float32)
            model.state[second] = [[10 * number] * 4]
            answer = model(x)
            assert_same_bits(answer["first"], x + number)
            assert_same_bits(answer["second"], x + 10 * number)


def test_what_is_read_is_a_copy() -> None:
    with load("svdf") as model:
        values = model.state["state"]
        values[...] = 7
        assert not model.state["state"].any()


def test_what_does_not_fit_changes_nothing() -> None:
    with load("sequence_lstm") as model:
        model(inputs_of(model, 1)[0])
        before = model.state.snapshot()
        wrong: list[tuple[Any, type[Exception], str]] = [
            (np.zeros((1, 5)), TypeError, "'cell_state' has the dtype float32, and was given float64"),
            (np.zeros(5, np.float32), ValueError, r"'cell_state' has the shape \(1, 5\), and was given \(5,\)"),
            ([[2**40 + 1] * 5], ValueError, "numbers that float32 can't hold"),
        ]
        for values, error, message in wrong:
            with pytest.raises(error, match=message):
                model.state["cell_state"] = values
            with pytest.raises(error, match=message):
                model.state.restore({"output_state": np.ones((1, 5), np.float32), "cell_state": values})
        with pytest.raises(ValueError, match="does not have the variable 'cell_state'"):
            model.state.restore({"output_state": before["output_state"]})
        with pytest.raises(KeyError, match="no variable 'h'"):
            model.state.restore({**before, "h": 0})
        for key, values in model.state.items():
            assert_same_bits(values, before[key], key)


def test_models_without_variables_and_closed_ones() -> None:
    with load("dense_2layer") as model:
        assert dict(model.state) == {}
        model.state.restore({})
    model = load("svdf")
    model.close()
    with pytest.raises(zl.Error, match="closed"):
        model.state.snapshot()
