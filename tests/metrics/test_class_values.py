"""Metrics of classes, each by itself, against scikit-learn or a count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.metrics.measured import (
    SCORES,
    classes_of,
    measured,
    scores_of,
)
from zerolite.evaluation.metrics.choice import (
    metric_makers,
)

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")


@pytest.mark.parametrize("score", SCORES)
def test_scores_of_classes(score: str) -> None:
    outputs, labels = scores_of(5), classes_of(4)  # the last class is never right
    predicted = outputs.argmax(axis=1)
    function = getattr(sklearn_metrics, f"{score}_score")
    for average in ("micro", "macro", "weighted"):
        expected = function(labels, predicted, labels=range(5), average=average, zero_division=0)
        assert measured(f"{score}_{average}", outputs, labels) == pytest.approx(expected), average
    two, binary = scores_of(2), classes_of(2)
    expected = function(binary, two.argmax(axis=1), average="binary")
    assert measured(f"{score}_binary", two, binary) == pytest.approx(expected)
    single = two[:, 1:] + 1 / 32  # never at the threshold
    expected = function(binary, single[:, 0] > 0.5, average="binary")
    assert measured(f"{score}_binary", single, binary) == pytest.approx(expected)
    assert measured(f"{score}_binary", single, binary[:, np.newaxis]) == pytest.approx(expected)
    with pytest.raises(ValueError, match=rf"{score}_binary is of two classes, and this output tells 5 apart"):
        measured(f"{score}_binary", outputs, labels)
    with pytest.raises(ValueError, match=rf"{score}_samples is for labels of which several apply"):
        measured(f"{score}_samples", outputs, labels)


def test_classes_without_predictions() -> None:
    outputs, labels = scores_of(4), classes_of(4)
    outputs[::7, 2] = np.nan
    predicted = np.where(np.isnan(outputs).any(axis=1), 4, outputs.argmax(axis=1))
    expected = sklearn_metrics.confusion_matrix(labels, predicted, labels=range(5))
    np.testing.assert_array_equal(measured("confusion_matrix", outputs, labels), expected[:4, :4])
    values = sklearn_metrics.precision_recall_fscore_support(labels, predicted, labels=range(4), zero_division=0)
    told = measured("per_class", outputs, labels)
    assert list(told) == ["0", "1", "2", "3"]
    for name, column in zip(("precision", "recall", "f1", "items"), values, strict=True):
        assert [one[name] for one in told.values()] == pytest.approx(list(column)), name
    for k in (1, 2):
        right = [
            label in np.argsort(-row, kind="stable")[:k] and not np.isnan(row).any()
            for row, label in zip(outputs, labels, strict=True)
        ]
        assert measured(f"top-{k}", outputs, labels) == pytest.approx(np.mean(right))
    balanced = sklearn_metrics.recall_score(labels, predicted, labels=range(4), average="macro")
    assert measured("balanced_accuracy", outputs, labels) == pytest.approx(balanced)


def test_balanced_accuracy_is_of_labelled_classes() -> None:
    outputs, labels = scores_of(5), classes_of(3)
    expected = sklearn_metrics.recall_score(labels, outputs.argmax(axis=1), labels=range(3), average="macro")
    assert measured("balanced_accuracy", outputs, labels) == pytest.approx(expected)


def test_top_k() -> None:
    outputs, labels = scores_of(4), classes_of(4)
    order = np.argsort(-outputs, axis=1, kind="stable")
    for k in (1, 2, 3):
        expected = np.mean([label in row[:k] for row, label in zip(order, labels, strict=True)])
        assert measured(f"top-{k}", outputs, labels) == measured(f"top{k}", outputs, labels) == expected
    with pytest.raises(ValueError, match="top-4 says nothing about a model with 4 classes"):
        measured("top-4", outputs, labels)
    with pytest.raises(ValueError, match="k of at least 1; came 0"):
        metric_makers(["top-0"])["top-0"]()
    # A single score has two classes, and the first one of two is meant by top-1.
    assert measured("top-1", np.array([[0.9], [0.2]]), np.array([1, 1])) == 0.5


def test_a_matrix_is_a_copy() -> None:
    metric = metric_makers(["confusion_matrix"])["confusion_matrix"]()
    metric.update(np.eye(2), np.array([0, 1]))
    before: Any = metric.result()
    metric.update(np.eye(2), np.array([0, 1]))
    np.testing.assert_array_equal(before, np.eye(2))
    assert before.dtype == np.int64
