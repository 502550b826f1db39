"""Metrics are what scikit-learn says, however the items come, and latencies stay in bounded memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import model_zoo
from zerolite._runners import TensorSpec
from zerolite.evaluation import BUILT_IN_METRICS, Latencies, Metric, evaluate
from zerolite.evaluation.metrics.choice import metric_makers

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")


def measured(name: str, outputs: np.ndarray, labels: np.ndarray, *, parts: int = 1) -> Any:
    """A metric over items that come in `parts`."""
    metric = metric_makers([name])[name]()
    for some, of_some in zip(np.array_split(outputs, parts), np.array_split(labels, parts), strict=True):
        metric.update(some, of_some)
    return metric.result()


@st.composite
def scored_items(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Scores with ties, labels, and in how many parts they come."""
    items, classes = draw(st.integers(1, 40)), draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    outputs = rng.integers(0, 6, (items, classes)).astype(np.float32)
    return outputs, rng.integers(0, classes, items), draw(st.integers(1, items))


@given(scored_items())
def test_class_metrics_are_those_of_scikit_learn(given_items: tuple[np.ndarray, np.ndarray, int]) -> None:
    outputs, labels, parts = given_items
    classes = np.arange(outputs.shape[1])
    predicted = outputs.argmax(axis=1)
    assert measured("accuracy", outputs, labels, parts=parts) == pytest.approx(
        sklearn_metrics.accuracy_score(labels, predicted)
    )
    np.testing.assert_array_equal(
        measured("confusion_matrix", outputs, labels, parts=parts),
        sklearn_metrics.confusion_matrix(labels, predicted, labels=classes),
    )
    for name in ("precision", "recall", "f1"):
        function = getattr(sklearn_metrics, f"{name}_score")
        expected = function(labels, predicted, labels=classes, average="macro", zero_division=0)
        assert measured(name, outputs, labels, parts=parts) == pytest.approx(expected)
    by_class = measured("per_class", outputs, labels, parts=parts)
    expected = sklearn_metrics.precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    for number, scores in by_class.items():
        wanted = [float(column[int(number)]) for column in expected]
        assert [scores[key] for key in ("precision", "recall", "f1", "items")] == pytest.approx(wanted)


@given(scored_items(), st.integers(1, 7))
def test_top_k_is_a_place_in_the_order(given_items: tuple[np.ndarray, np.ndarray, int], k: int) -> None:
    outputs, labels, parts = given_items
    classes = outputs.shape[1]
    if 1 < k >= classes:
        with pytest.raises(ValueError, match="says nothing about a model"):
            measured(f"top-{k}", outputs, labels, parts=parts)
        return
    order = np.argsort(-outputs, axis=1, kind="stable")[:, :k]
    expected = np.mean([label in row for label, row in zip(labels, order, strict=True)])
    assert measured(f"top-{k}", outputs, labels, parts=parts) == pytest.approx(expected)
    assert measured(f"top{k}", outputs, labels) == pytest.approx(expected)


def test_labels_may_be_one_hot_and_scores_single() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    for labels in ([1, 0, 0], [[1], [0], [0]], [[0, 1], [1, 0], [1, 0]], [True, False, False]):
        assert measured("accuracy", outputs, np.array(labels)) == pytest.approx(2 / 3)
    sigmoid = np.array([[0.9], [0.2], [0.7]])
    assert measured("accuracy", sigmoid, np.array([1, 0, 0])) == pytest.approx(2 / 3)
    np.testing.assert_array_equal(measured("confusion_matrix", sigmoid, np.array([1, 0, 0])), [[1, 1], [0, 1]])


@given(
    st.integers(0, 2**32),
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(1, 30),
    st.sampled_from([0.0, 1e6]),
)
def test_errors_are_those_of_scikit_learn(seed: int, items: int, values: int, parts: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    labels = offset + rng.normal(size=(items, values))
    outputs = labels + rng.normal(size=(items, values))
    parts = min(parts, items)
    assert measured("mse", outputs, labels, parts=parts) == pytest.approx(
        sklearn_metrics.mean_squared_error(labels, outputs)
    )
    assert measured("mae", outputs, labels, parts=parts) == pytest.approx(
        sklearn_metrics.mean_absolute_error(labels, outputs)
    )
    if items > 1:
        assert measured("r2", outputs, labels, parts=parts) == pytest.approx(
            sklearn_metrics.r2_score(labels, outputs), rel=1e-6
        )


def test_r2_of_labels_that_do_not_vary() -> None:
    labels = np.full((5, 1), 3.0)
    assert measured("r2", labels, labels) == 1
    assert measured("r2", labels + 1, labels) == 0
    assert measured("mse", np.zeros((3, 1)), np.array([1, 2, 3])) == pytest.approx(14 / 3)


@given(st.integers(0, 2**32), st.integers(2, 6), st.integers(1, 5))
def test_mean_iou_is_the_mean_of_scikit_learns(seed: int, classes: int, items: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(items, 6, 5, classes))
    labels = rng.integers(0, classes, (items, 6, 5))
    counted = rng.random(labels.shape) < 0.8
    marked = np.where(counted, labels, 255)
    predicted = scores.argmax(axis=-1)
    present = np.union1d(labels[counted], predicted[counted])
    expected = sklearn_metrics.jaccard_score(
        labels[counted], predicted[counted], labels=present, average="macro", zero_division=0
    )
    assert measured("mean_iou", scores, marked, parts=items) == pytest.approx(expected)
    assert measured("mean_iou", scores, marked[..., np.newaxis]) == pytest.approx(expected)
    # Class numbers instead of scores, as models with an ArgMax at their end give them.
    assert measured("mean_iou", predicted, marked, parts=items) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "outputs", "labels", "message"),
    [
        ("accuracy", np.zeros((2, 3)), np.array([0, 3]), "there is a label 3, and the model's 3 classes"),
        ("accuracy", np.zeros((2, 3)), np.array([-1, 0]), "there is a label -1"),
        ("accuracy", np.zeros((2, 3)), np.array([0.5, 1]), "need class numbers as labels"),
        ("accuracy", np.zeros((2, 3, 4)), np.array([0, 1]), r"outputs of shape \(items, classes\)"),
        ("accuracy", np.zeros((2, 3)), np.zeros((2, 4)), "need class numbers"),
        ("mse", np.zeros((2, 3)), np.zeros((2, 4)), "mse compares numbers with as many numbers"),
        ("mae", np.zeros((1, 1)), np.array(["a"]), "mae compares numbers"),
        ("mean_iou", np.zeros((2, 3)), np.zeros((2, 3)), "mean_iou needs outputs of shape"),
        ("mean_iou", np.zeros((1, 2, 2, 3)), np.full((1, 2, 2), 7), "pixels labelled 7 to 7"),
        ("mean_iou", np.zeros((1, 2, 2, 3)), np.zeros((1, 2, 2)), "class numbers as labels, integers"),
    ],
)
def test_labels_that_do_not_fit(metric: str, outputs: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measured(metric, outputs, labels)


@pytest.mark.parametrize("name", [*BUILT_IN_METRICS, "top-2"])
def test_metrics_without_items(name: str) -> None:
    result = metric_makers([name])[name]().result()
    assert len(result) == 0 if name in ("confusion_matrix", "per_class", "per_label") else math.isnan(result)  # type: ignore[arg-type]


def test_unknown_metrics() -> None:
    for name in ("accurracy", "top-", "top-x", "top"):
        with pytest.raises(ValueError, match=f"there is no metric '{name}'; built in: accuracy, .*top-K"):
            metric_makers([name])
    with pytest.raises(ValueError, match="k of at least 1"):
        metric_makers(["top-0"])["top-0"]()


class Largest:
    """A metric of a caller's own."""

    def __init__(self) -> None:
        self.value = -math.inf

    def update(self, outputs: np.ndarray, labels: np.ndarray) -> None:  # noqa: ARG002
        self.value = max(self.value, float(outputs.max()))

    def result(self) -> float:
        return self.value


def test_own_metric_class() -> None:
    assert isinstance(Largest(), Metric)
    images = np.random.default_rng(0).uniform(size=(70, 28, 28, 1)).astype(np.float32)
    result = evaluate(model_zoo.model_path("small_cnn"), images, np.zeros(70, int), metrics={"largest": Largest})
    assert result.metrics == {"largest": pytest.approx(float(result.outputs.max()))}


# Latencies


def test_many_latencies_in_little_memory() -> None:
    rng = np.random.default_rng(0)
    values = rng.lognormal(5, 1.5, 400_000)
    latencies = Latencies()
    for part in np.array_split(values, 300):
        latencies.add(part)
    assert latencies.count == values.size
    assert latencies.mean_us == pytest.approx(values.mean())
    assert (latencies.smallest_us, latencies.largest_us) == (values.min(), values.max())
    for percent in (0, 1, 5, 50, 95, 99, 99.9, 100):
        assert latencies.percentile_us(percent) == pytest.approx(float(np.percentile(values, percent)), rel=0.006)
    held = [value for value in vars(latencies).values() if isinstance(value, np.ndarray)]
    assert 0 < sum(array.nbytes for array in held) < 1e6
    assert latencies._exact is None


@given(st.lists(st.floats(0.01, 1e9), min_size=1, max_size=50), st.floats(0, 100))
def test_few_latencies_are_exact(values: list[float], percent: float) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(np.array([value]))
    assert latencies.percentile_us(percent) == pytest.approx(float(np.percentile(values, percent)))


def test_latencies_out_of_range() -> None:
    latencies = Latencies()
    assert math.isnan(latencies.percentile_us(50))
    assert math.isnan(latencies.mean_us)
    with pytest.raises(ValueError, match="from 0 to 100"):
        latencies.percentile_us(101)
    for _ in range(11):
        latencies.add(np.geomspace(1e-5, 1e12, 10_000))
    assert latencies.percentile_us(0) == 1e-5
    assert 0 < latencies.percentile_us(100) <= 1e12


class Constant:
    """A runner whose answer is what it was asked."""

    runtime = "constant"
    items_per_call = 1

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.output = TensorSpec("x", (1, *shape), np.dtype(np.float32))
        self.inputs = (self.output,)

    def function(self, *arrays: np.ndarray) -> np.ndarray:
        return arrays[0].copy()

    def map(self, *batches: np.ndarray) -> np.ndarray:
        return batches[0].copy()

    def close(self) -> None:
        """Nothing to give back."""


def test_segmentation_and_regression_end_to_end() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(5, 4, 4, 3)).astype(np.float32)
    labels = scores.argmax(axis=-1)
    assert evaluate(Constant((4, 4, 3)), scores, labels, metrics=["mean_iou"]).metrics == {"mean_iou": 1.0}
    values = rng.normal(size=(70, 2)).astype(np.float32)
    result = evaluate(Constant((2,)), values, values + 1, metrics=["mse", "mae"], batch=8)
    assert result.metrics == {"mse": pytest.approx(1, rel=1e-5), "mae": pytest.approx(1, rel=1e-5)}
    assert (result.items_per_call, result.runs, result.latencies.count) == (8, 70, 9)
