"""What a run leaves in an output for an input of the next one: one array for both, and two that take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import zerolite as zl
from tests.memory.cache_models import SHAPE, StepGraph, summing_the_old, updating
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits

BUILTIN = zl.XNNPack(kernels="builtin")
KERNELS = ["delegate", "builtin"]


def adding() -> bytes:
    graph = StepGraph()
    graph.add()
    return graph.model()


def mirroring() -> bytes:
    graph = StepGraph()
    graph.mirror()
    graph.total_of(graph.cache)
    return graph.model()


MODELS: dict[str, Callable[[], bytes]] = {
    function.__name__: function for function in (updating, summing_the_old, adding, mirroring)
}


class Steps:
    """Steps of a model in the reference implementation, which copies the cache from run to run."""

    def __init__(self, content: bytes, begin: np.ndarray) -> None:
        self.runner = Interpreter(model_content=content).get_signature_runner()
        self.cache = begin.copy()
        self._rng = np.random.default_rng(1)
        self._count = 0

    def next(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The inputs of the next step beside the cache, and what comes of it."""
        rows, width = self.cache.shape[1:]
        inputs = {
            "x": self._rng.standard_normal((1, 1, width)).astype(np.float32),
            "place": np.array([0, self._count % rows, 0], np.int32),
        }
        self._count += 1
        results = self.runner(cache=self.cache, **inputs)
        self.cache = results["cache_out"].copy()
        return inputs, results


def beginning() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)


def feed(model: zl.CompiledModel, inputs: dict[str, np.ndarray]) -> None:
    for name, values in inputs.items():
        model.inputs[name].array[...] = values


def assert_outputs(model: zl.CompiledModel, expected: dict[str, np.ndarray]) -> None:
    for name, values in expected.items():
        np.testing.assert_allclose(model.outputs[name].array, values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_one_array_for_a_cache_that_is_updated_in_place() -> None:
    content = updating()
    cache = zl.empty(SHAPE)
    cache[...] = beginning()
    steps = Steps(content, cache)
    with zl.load(content) as model:
        model.bind(cache=cache, cache_out=cache)
        for _ in range(20):
            inputs, expected = steps.next()
            feed(model, inputs)
            model.run()
            assert_outputs(model, expected)
            assert_same_bits(cache, expected["cache_out"])
        assert model.dispatch == "direct"
        assert np.shares_memory(model.inputs["cache"].array, cache)


def test_the_order_of_binding_does_not_matter() -> None:
    content = updating()
    with zl.load(content) as model:
        cache = zl.empty(SHAPE)
        model.bind(cache_out=cache)
        model.run()
        model.bind(cache=cache)
        steps = Steps(content, cache)
        for _ in range(4):
            inputs, expected = steps.next()
            result = model(cache=cache, **inputs)
            assert_same_bits(result["cache_out"], expected["cache_out"])
            assert_same_bits(cache, expected["cache_out"])
        model.bind(cache=None)
        model.inputs["cache"].array[...] = 3
        kept = cache.copy()
        assert_same_bits(kept, cache)


def test_elements_are_added_in_place_once_a_run() -> None:
    """The first run is made twice, by the runtime and directly, to see whether both give the same."""
    content = adding()
    cache = zl.empty(SHAPE)
    cache[...] = beginning()
    steps = Steps(content, cache)
    with zl.load(content, delegates=BUILTIN) as model:
        model.bind(cache=cache, cache_out=cache)
        for _ in range(5):
            inputs, expected = steps.next()
            feed(model, inputs)
            model.run()
            assert_outputs(model, expected)
        assert model.dispatch == "direct"


REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "a later operator reads": (summing_the_old, "builtin", "SUM reads the input after operator DYNAMIC_UPDATE_SLICE"),
    "the operator can't": (mirroring, "builtin", "reads the input"),
    "XNNPACK has both": (adding, "delegate", "TfLiteXNNPackDelegate runs what reads the input and what writes"),
}


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("kind", REFUSED)
def test_one_array_is_refused_where_nothing_proves_it(kind: str, side: str) -> None:
    make, kernels, reason = REFUSED[kind]
    with zl.load(make(), delegates=zl.XNNPack(kernels=kernels)) as model:  # type: ignore[arg-type]
        cache = zl.empty(SHAPE)
        first, second = ("cache_out", "cache") if side == "input" else ("cache", "cache_out")
        model.bind({first: cache})
        with pytest.raises(ValueError, match=rf"{side} '{second}' can't be bound.*uses too.*{reason}.*carry\("):
            model.bind({second: cache})
        model.carry({"cache": "cache_out"})  # as the message says
        model.run()


def test_a_part_of_an_array_is_refused() -> None:
    with zl.load(updating()) as model:
        memory = zl.empty((2, *SHAPE[1:]))
        model.bind(cache=memory[:1])
        overlapping = memory.reshape(-1)[64 : 64 + 128].reshape(SHAPE)
        with pytest.raises(ValueError, match="input 'cache' uses too"):
            model.bind(cache_out=overlapping)
        model.bind(cache_out=memory[1:])


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", MODELS)
def test_a_carried_output_is_the_next_input(name: str, kernels: Any) -> None:
    content = MODELS[name]()
    steps = Steps(content, beginning())
    with zl.load(content, delegates=zl.XNNPack(kernels=kernels)) as model:
        model.carry(cache="cache_out")
        model.inputs["cache"].array[...] = beginning()
        for _ in range(12):
            inputs, expected = steps.next()
            feed(model, inputs)
            model.run()
            assert_outputs(model, expected)
            assert np.shares_memory(model.inputs["cache"].array, model.outputs["cache_out"].array)


def test_views_keep_what_they_showed() -> None:
    """Two memories take turns: a view shows one of them."""
    content = summing_the_old()
    steps = Steps(content, beginning())
    with zl.load(content) as model:
        model.carry(cache="cache_out")
        model.inputs["cache"].array[...] = beginning()
        before = model.inputs["cache"].array
        feed(model, steps.next()[0])
        model.run()
        assert_same_bits(before, beginning())
        assert not np.shares_memory(before, model.inputs["cache"].array)


def test_calls_give_and_take_what_is_carried() -> None:
    content = summing_the_old()
    steps = Steps(content, beginning())
    cache = beginning()
    with zl.load(content) as model:
        model.carry(cache="cache_out")
        for _ in range(6):
            inputs, expected = steps.next()
            cache = model(cache=cache, **inputs)["cache_out"]
            np.testing.assert_allclose(cache, expected["cache_out"], rtol=1e-5)
        np.testing.assert_array_equal(model.inputs["cache"].array, cache)


def test_the_end_of_carrying() -> None:
    content = adding()
    steps = Steps(content, beginning())
    with zl.load(content) as model:
        model.carry({"cache": "cache_out"})
        model.inputs["cache"].array[...] = beginning()
        inputs, expected = steps.next()
        feed(model, inputs)
        model.run()
        model.carry(cache=None)
        model.carry(cache=None)  # nothing is carried: nothing happens
        np.testing.assert_allclose(model.inputs["cache"].array, expected["cache_out"], rtol=1e-5)
        kept = model.inputs["cache"].array.copy()
        for _ in range(3):
            model.run()
            assert_same_bits(model.inputs["cache"].array, kept)
            np.testing.assert_allclose(model.outputs["cache_out"].array, kept + inputs["x"], rtol=1e-5)
        model.bind(cache=zl.empty(SHAPE), cache_out=zl.empty(SHAPE))


def test_bound_memory_takes_its_turn() -> None:
    content = adding()
    steps = Steps(content, beginning())
    cache, results = zl.empty(SHAPE), zl.empty(SHAPE)
    cache[...] = beginning()
    results[...] = 7
    with zl.load(content) as model:
        model.bind(cache=cache, cache_out=results)
        model.carry(cache="cache_out")
        for _ in range(5):
            inputs, expected = steps.next()
            feed(model, inputs)
            model.run()
            assert_outputs(model, expected)
        # An output's array need not have the bytes behind it that kernels read, so it is not used.
        assert (results == 7).all()
        for name in ("cache", "cache_out"):
            with pytest.raises(ValueError, match=rf"'{name}' can't be bound while.*carry\(name=None\)"):
                model.bind({name: zl.empty(SHAPE)})
            with pytest.raises(ValueError, match=rf"'{name}' can't be bound while"):
                model.bind({name: None})


def test_a_resize_begins_with_zeros() -> None:
    content = updating()
    with zl.load(content) as model:
        model.carry(cache="cache_out")
        model.inputs["cache"].array[...] = 1
        model.run()
        larger = (3, *SHAPE[1:])
        model.resize(cache=larger)
        for place in range(4):
            feed(model, {"x": np.full((1, 1, 8), place + 1, np.float32), "place": np.array([1, place, 0], np.int32)})
            model.run()
        expected = np.zeros(larger, np.float32)
        expected[1, :4] = np.arange(1, 5).reshape(-1, 1)
        np.testing.assert_array_equal(model.inputs["cache"].array, expected)
        np.testing.assert_array_equal(model.outputs["total"].array, expected.sum(axis=1))


@pytest.mark.parametrize("name", ["updating", "summing_the_old"])
def test_batches_and_replicas_carry_nothing(name: str) -> None:
    content = MODELS[name]()
    with zl.load(content) as model, zl.load(content) as other:
        model.carry(cache="cache_out")
        model.inputs["cache"].array[...] = 5
        model.run()
        value = model.inputs["cache"].array.copy()
        batch = {
            "cache": np.random.default_rng(2).standard_normal((3, *SHAPE)).astype(np.float32),
            "x": np.ones((3, 1, 1, 8), np.float32),
            "place": np.zeros((3, 3), np.int32),
        }
        results: Any = model.map(batch)
        for index in range(3):
            expected = other({key: values[index] for key, values in batch.items()})
            for key, values in expected.items():
                np.testing.assert_array_equal(results[key][index], values)
        assert_same_bits(model.inputs["cache"].array, value)
        model.run()
        assert np.shares_memory(model.inputs["cache"].array, model.outputs["cache_out"].array)


def test_what_can_not_be_carried() -> None:
    with zl.load(updating()) as model:
        with pytest.raises(zl.ArgumentError, match=r"no input 'nothing'.*'cache', 'x', 'place'"):
            model.carry(nothing="cache_out")
        with pytest.raises(zl.ArgumentError, match=r"no output 'nothing'.*'cache_out', 'total'"):
            model.carry(cache="nothing")
        with pytest.raises(ValueError, match=r"'x'.*'cache_out'.*shapes are \(1, 1, 8\) and \(1, 16, 8\)"):
            model.carry(x="cache_out")
        with pytest.raises(ValueError, match=r"'place'.*types are int32 and float32"):
            model.carry(place="total")
        model.carry(cache="cache_out")
        model.carry(cache="cache_out")
    with zl.load(zoo.model_path("where")) as model:
        model(np.ones(6, np.float32))
        with pytest.raises(ValueError, match=r"'x'.*'indices'.*allocates the outputs of this model anew"):
            model.carry(x="indices")


def test_integers_that_stand_for_other_numbers_are_not_carried() -> None:
    builder = GraphBuilder()
    x = builder.tensor("x", (1, 8), "int8", quantized=quantization([0.5], [0]))
    y = builder.tensor("y", (1, 8), "int8", quantized=quantization([0.25], [0]))
    builder.operator(Op.QUANTIZE, [x], [y])
    builder.interface([x], [y])
    builder.signature("serving_default", {"x": x}, {"y": y})
    with zl.load(builder.finish()) as model, pytest.raises(ValueError, match=r"'x'.*'y'.*quantized in different ways"):
        model.carry(x="y")


def test_one_output_for_one_input() -> None:
    with zl.load(zoo.model_path("two_inputs_three_outputs")) as model:
        model.carry(left="sum")
        with pytest.raises(ValueError, match=r"'right'.*'sum': it goes to input 'left' already"):
            model.carry(right="sum")
        model.carry(right="difference", left="sum")
        left, right = np.array([[1, 2, 3, 4]], np.float32), np.array([[5, 6, 7, 8]], np.float32)
        model.inputs["left"].array[...] = left
        model.inputs["right"].array[...] = right
        for _ in range(5):
            model.run()
            left, right = left + right, left - right
            np.testing.assert_array_equal(model.inputs["left"].array, left)
            np.testing.assert_array_equal(model.outputs["difference"].array, right)
