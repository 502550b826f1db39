"""Metrics of the order of scores, each by itself, against scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.metrics.measured import (
    ITEMS,
    LOGITS,
    PROBABILITIES,
    classes_of,
    measured,
    scores_of,
    softmax,
)
from zerolite.evaluation.metrics.choice import (
    metric_makers,
)

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_order(name: str) -> None:
    function = {"roc_auc": sklearn_metrics.roc_auc_score, "average_precision": sklearn_metrics.average_precision_score}[
        name
    ]
    outputs, binary = scores_of(4), classes_of(2)
    assert measured(name, outputs[:, :1], binary) == pytest.approx(function(binary, outputs[:, 0]))
    assert measured(name, outputs[:, :1], binary[:, np.newaxis]) == pytest.approx(function(binary, outputs[:, 0]))
    # Of two classes only the second score counts, unless they are logits.
    two = scores_of(2, seed=5)
    assert measured(name, two, binary) == pytest.approx(function(binary, two[:, 1]))
    assert measured(name, two, np.eye(2, dtype=int)[binary]) == pytest.approx(function(binary, two[:, 1]))
    for shifted in (two - 0.25, two + 0.25):  # beyond 0, and beyond 1
        assert measured(name, shifted, binary) == pytest.approx(function(binary, softmax(shifted)[:, 1]))
    assert measured(name, two - 0.25, binary, PROBABILITIES) == pytest.approx(function(binary, two[:, 1]))
    assert measured(name, two, binary, LOGITS) == pytest.approx(function(binary, softmax(two)[:, 1]))
    edges = np.array([[0.0, 1.0], [0.25, 0.5], [0.5, 0.125], [1.0, 0.0]])  # 0 and 1 are probabilities
    applies = np.array([0, 1, 1, 0])
    assert measured(name, edges, applies) == pytest.approx(function(applies, edges[:, 1]))
    # Nor are 0 and 1 where it matters: the exponentials of the first two rows are in another order.
    edges = np.array([[1.0, 0.5, 0.0], [0.0, 0.4, 0.0], [0.0, 0.0, 0.9], [0.8, 0.0, 0.0]])
    applies = np.array([1, 0, 2, 0])
    assert measured(name, edges, applies) == pytest.approx(function(np.eye(3)[applies], edges, average="macro"))
    # One-hot rows go with a single score, too.
    assert measured(name, two[:, 1:], np.eye(2, dtype=int)[binary]) == pytest.approx(function(binary, two[:, 1]))
    # Labels of which several apply keep their scores, whatever these are.
    labels = np.random.default_rng(2).integers(0, 2, (ITEMS, 4))
    assert measured(name, outputs * 9 - 3, labels) == pytest.approx(function(labels, outputs, average="macro"))
    assert measured(name, outputs, labels, LOGITS) == pytest.approx(function(labels, outputs, average="macro"))
    pairs = labels[:, :2]
    assert measured(name, two, pairs) == pytest.approx(function(pairs, two, average="macro"))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_order_of_large_logits(name: str) -> None:
    """Their exponentials would be too large."""
    labels, logits = classes_of(3), scores_of(3) * 16 + 1000
    function = {"roc_auc": sklearn_metrics.roc_auc_score, "average_precision": sklearn_metrics.average_precision_score}
    expected = function[name](np.eye(3)[labels], softmax(logits), average="macro")
    assert measured(name, logits, labels, LOGITS) == pytest.approx(expected)


def test_order_of_what_is_not_defined() -> None:
    outputs = scores_of(3)
    for name, labels, place in (
        ("roc_auc", np.zeros(ITEMS, int), "class number 0 has"),
        ("average_precision", np.ones(ITEMS, int), "class number 0 has"),
        ("average_precision", classes_of(2), "class number 2 has"),
    ):
        with pytest.warns(UserWarning, match=f"{name} is not defined: {place} no items, or all of them"):
            assert math.isnan(measured(name, outputs, labels))
    for labels in (np.ones(ITEMS, int), np.zeros(ITEMS, int)):
        with pytest.warns(UserWarning, match="roc_auc is not defined: class 1 has no items"):
            assert math.isnan(measured("roc_auc", outputs[:, :1], labels))
    assert measured("average_precision", outputs[:, :1], np.ones(ITEMS, int)) == 1
    with pytest.warns(UserWarning, match="roc_auc is not defined: class number 1 has no items"):
        assert math.isnan(measured("roc_auc", outputs[:, :2], np.tile([[1, 0], [0, 0], [1, 0]], (ITEMS // 3, 1))))
    outputs[7, 1] = np.nan
    assert math.isnan(measured("roc_auc", outputs, classes_of(3)))


def test_kept_scores_are_copies() -> None:
    metric = metric_makers(["roc_auc"])["roc_auc"]()
    outputs, labels = np.array([[0.1], [0.9]]), np.array([0, 1])
    metric.update(outputs, labels)
    outputs[:] = outputs[::-1].copy()
    assert metric.result() == 1
