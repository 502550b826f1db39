"""Evaluation: outputs are those of the reference, metrics and latencies are what they say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from zerolite._runners import Runner, TensorSpec
from zerolite._runtime.quantization import AffineQuantization
from zerolite.evaluation import evaluate, evaluate_together

VARIANTS = ["", "_float16", "_dynamic_range", "_int8", "_uint8_io", "_int8_float_io", "_int16x8"]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(7).uniform(0, 1, (9, 28, 28, 1)).astype(np.float32)


def reference_outputs(name: str, items: np.ndarray) -> np.ndarray:
    """Real outputs of the reference interpreter, quantized and dequantized by the tensors' own parameters."""
    interpreter = model_zoo.reference_interpreter(model_zoo.model_path(name))
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for item in items:
        stored, (scale, zero_point) = item, source["quantization"]
        if scale:
            limits = np.iinfo(source["dtype"])
            stored = np.clip(np.rint(item / np.float64(scale)) + zero_point, limits.min, limits.max)
        interpreter.set_tensor(source["index"], stored[np.newaxis].astype(source["dtype"]))
        interpreter.invoke()
        output = interpreter.get_tensor(target["index"])[0]
        scale, zero_point = target["quantization"]
        outputs.append((output.astype(np.int64) - zero_point) * np.float64(scale) if scale else output)
    return np.array(outputs, dtype=np.float32)


@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_are_those_of_the_reference(variant: str, images: np.ndarray) -> None:
    name = f"small_cnn{variant}"
    expected = reference_outputs(name, images)
    result = evaluate(model_zoo.model_path(name), images)
    assert result.runtime == "zerolite"
    np.testing.assert_allclose(result.outputs, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(result.predictions, expected.argmax(axis=1))


@pytest.mark.parametrize("variant", ["", "_int8"])
def test_every_way_to_name_a_model_is_the_same(variant: str, images: np.ndarray) -> None:
    path = model_zoo.model_path(f"small_cnn{variant}")
    with zl.load(path) as model:
        ways = [path, str(path), path.read_bytes(), model]
        outputs = [evaluate(way, images).outputs for way in ways]
        for other in outputs[1:]:
            np.testing.assert_array_equal(outputs[0], other)
        # The evaluation gives back what it opened itself; a model that it was handed still runs.
        assert evaluate(model, images).items == len(images)


def test_interpreters_are_evaluated_alike(images: np.ndarray) -> None:
    path = model_zoo.model_path("small_cnn_uint8_io")
    results = evaluate_together({"ours": path, "reference": model_zoo.reference_interpreter(path)}, images, rounds=2)
    assert [result.runtime for result in results.values()] == ["zerolite", "ai_edge_litert"]
    np.testing.assert_array_equal(results["ours"].outputs, results["reference"].outputs)


def test_accuracy_counts_right_predictions(images: np.ndarray) -> None:
    path = model_zoo.model_path("small_cnn")
    right = evaluate(path, images).predictions
    labels = right.copy()
    labels[:3] = (labels[:3] + 1) % 10
    assert evaluate(path, images, right).accuracy == 1
    assert evaluate(path, images, labels).accuracy == pytest.approx(6 / 9)


def test_own_metrics(images: np.ndarray) -> None:
    def largest(outputs: np.ndarray, labels: np.ndarray) -> float:
        assert outputs.shape == (9, 10)
        return float(outputs.max() + labels.max())

    result = evaluate(model_zoo.model_path("small_cnn"), images, np.arange(9), metrics={"largest": largest})
    assert result.metrics == {"largest": pytest.approx(float(result.outputs.max()) + 8)}
    with pytest.raises(ValueError, match="accuracy was not measured"):
        _ = result.accuracy


def test_latencies_of_every_round_and_item(images: np.ndarray) -> None:
    result = evaluate(model_zoo.model_path("small_cnn"), images, rounds=3)
    assert result.metrics == {}
    assert (result.runs, result.latencies.count) == (27, 27)
    assert result.throughput == pytest.approx(1e6 / result.latencies.mean_us)
    assert 0 < result.latency(0) == result.latencies.smallest_us
    assert result.latency(100) == result.latencies.largest_us
    summary = result.to_dict()
    assert summary["items"] == 9
    assert summary["runs"] == 27
    percentiles = [summary["latency_us"][f"p{percentile}"] for percentile in (5, 25, 50, 75, 95, 99)]
    assert percentiles == sorted(percentiles)


def test_quantized_items_are_taken_as_they_are() -> None:
    path = model_zoo.model_path("dense_2layer_int8")
    stored = np.random.default_rng(3).integers(-128, 128, (5, 64), dtype=np.int8)
    with zl.load(path) as model:
        quantization = model.inputs[0].quantization
        assert quantization is not None
        real = AffineQuantization.of(*quantization).dequantize(stored)
    np.testing.assert_array_equal(evaluate(path, stored).outputs, evaluate(path, real).outputs)


def test_one_output_of_several() -> None:
    path = model_zoo.model_path("topk")
    scores = np.random.default_rng(5).normal(size=(4, 7)).astype(np.float32)
    for model in (path, model_zoo.reference_interpreter(path)):
        result = evaluate(model, scores, output="values")
        np.testing.assert_array_equal(result.outputs, np.sort(scores, axis=1)[:, :-4:-1])
        with pytest.raises(ValueError, match=r"has 2 outputs; choose one with output=: .*values"):
            evaluate(model, scores)
        with pytest.raises(ValueError, match="no output 'absent'"):
            evaluate(model, scores, output="absent")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"inputs": np.zeros((0, 28, 28, 1), np.float32)}, ValueError, "at least one item"),
        ({"inputs": np.float32(1)}, ValueError, "at least one item"),
        (
            {"inputs": np.zeros((2, 28, 28), np.float32)},
            ValueError,
            r"'image' takes items of shape \(28, 28, 1",
        ),
        (
            {"inputs": np.zeros((2, 28, 28, 1), np.complex64)},
            TypeError,
            "'image' takes float32; came complex64",
        ),
        ({"labels": np.zeros(3, int)}, ValueError, "2 inputs need as many labels"),
        ({"labels": np.zeros(2)}, ValueError, "class metrics such as accuracy need class numbers"),
        ({"labels": np.zeros(2, int), "metrics": ["recal"]}, ValueError, "no metric 'recal'"),
        ({"rounds": 0}, ValueError, "rounds must be at least 1"),
        ({"warmup": -1}, ValueError, "warmup at least 0"),
        ({"output": "absent"}, ValueError, "no output 'absent'; it has output_0"),
    ],
)
def test_wrong_arguments(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"inputs": np.zeros((2, 28, 28, 1), np.float32)} | changes
    inputs = arguments.pop("inputs")
    with pytest.raises(error, match=message):
        evaluate(model_zoo.model_path("small_cnn"), inputs, **arguments)


def test_nan_is_not_quantized(images: np.ndarray) -> None:
    images[4, 0, 0, 0] = math.nan
    with pytest.raises(
        ValueError, match="NaN can't be quantized for input 'image'; 1 of 9 items hold it, the first is number 4"
    ):
        evaluate(model_zoo.model_path("small_cnn_int8"), images)


def test_unknown_kinds_of_models() -> None:
    with pytest.raises(TypeError, match="can't evaluate a dict"):
        evaluate({}, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="no model"):
        evaluate_together({}, np.zeros((2, 4)))


class CountingRunner:
    """A runner of its own, as a caller could write one: it notes whose turn it was."""

    runtime = "counting"
    items_per_call = 1

    def __init__(self, name: str, turns: list[str], *, answer: tuple[int, ...] = (1, 3)) -> None:
        self.output = TensorSpec("x", (1, 3), np.dtype(np.float32))
        self.inputs = (self.output,)
        self.closed = False
        self._name, self._turns, self._answer = name, turns, answer

    def function(self, x: np.ndarray) -> np.ndarray:
        self._turns.append(self._name)
        return np.broadcast_to(x[0, 0], self._answer).astype(np.float32)

    def map(self, *batches: np.ndarray) -> np.ndarray:
        return np.concatenate([self.function(item[np.newaxis]) for item in batches[0]])

    def close(self) -> None:
        self.closed = True


def test_models_take_turns() -> None:
    turns: list[str] = []
    told: list[tuple[int, int | None]] = []
    runners: dict[str, Runner] = {name: CountingRunner(name, turns) for name in "abc"}
    items = np.arange(130 * 3, dtype=np.float32).reshape(130, 3)
    results = evaluate_together(
        runners, items, rounds=2, warmup=0, progress=lambda done, total: told.append((done, total))
    )
    assert sorted(turns) == ["a"] * 260 + ["b"] * 260 + ["c"] * 260
    blocks = [name for name, before in zip(turns, [None, *turns], strict=False) if name != before]
    # Every model opens a turn as often as the others, and none waits longer than the others' turns take.
    assert len(blocks) > 9
    assert all(len(set(turns[start : start + 260])) == 3 for start in range(0, len(turns) - 260, 10))
    for result in results.values():
        np.testing.assert_array_equal(result.outputs[:, 0], items[:, 0])
    assert told[-1] == (780, 780)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(runner.closed for runner in runners.values() if isinstance(runner, CountingRunner))


def test_outputs_of_another_shape_are_refused() -> None:
    runner = CountingRunner("a", [], answer=(2, 3))
    with pytest.raises(ValueError, match=r"returned an array of shape \(2, 3\) for 1 item; expected \(1, 3\)"):
        evaluate(runner, np.zeros((4, 3), np.float32), warmup=0)
    assert runner.closed


def test_predictions_need_scores() -> None:
    result = evaluate(CountingRunner("a", [], answer=(1, 3)), np.zeros((4, 3), np.float32))
    assert result.predictions.tolist() == [0, 0, 0, 0]


@pytest.mark.slow
def test_keras_models_are_evaluated_alike() -> None:
    tf = pytest.importorskip("tensorflow")
    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [tf.keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dropout(0.5), layers.Dense(3)]
    )
    items = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    result = evaluate(model, items, np.zeros(6, int))
    assert result.runtime == "Keras"
    np.testing.assert_allclose(result.outputs, model(items, training=False).numpy(), rtol=1e-5, atol=1e-6)
