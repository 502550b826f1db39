"""Metrics of labels of which several apply, each by itself, against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.metrics.measured import (
    ITEMS,
    LOGITS,
    PROBABILITIES,
    SCORES,
    SOFTMAX,
    classes_of,
    measured,
    scores_of,
)
from zerolite.evaluation.metrics.metric import Reading
from zerolite.evaluation.metrics.multilabel import are_label_rows, check_label_rows

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")


@pytest.mark.parametrize("reading", [None, PROBABILITIES, LOGITS])
@pytest.mark.parametrize("score", SCORES)
def test_scores_of_labels(score: str, reading: Reading | None) -> None:
    outputs = scores_of(5) + np.float32(1 / 32)
    if reading is LOGITS:
        outputs -= np.float32(0.5)
    labels = np.random.default_rng(2).integers(0, 2, (ITEMS, 5))
    labels[:, 4] = 0
    labels[3] = 0
    predicted = outputs > (0 if reading is LOGITS else 0.5)
    function = getattr(sklearn_metrics, f"{score}_score")
    for average in ("micro", "macro", "weighted", "samples"):
        expected = function(labels, predicted, average=average, zero_division=0)
        assert measured(f"{score}_{average}", outputs, labels, reading) == pytest.approx(expected), average


def test_scores_of_single_labels() -> None:
    outputs, labels = scores_of(5) + np.float32(1 / 32), np.random.default_rng(2).integers(0, 2, (ITEMS, 5))
    outputs[::6, 1] = np.nan
    predicted = outputs > 0.5
    told = measured("per_label", outputs, labels)
    values = sklearn_metrics.precision_recall_fscore_support(labels, predicted, zero_division=0)
    assert list(told) == list("01234")
    for name, column in zip(("precision", "recall", "f1", "items"), values, strict=True):
        assert [one[name] for one in told.values()] == pytest.approx(list(column)), name
    wrong = (predicted != labels) | np.isnan(outputs)
    assert measured("hamming_loss", outputs, labels) == pytest.approx(wrong.mean())
    assert measured("subset_accuracy", outputs, labels) == pytest.approx(1 - wrong.any(axis=1).mean())
    # One label is a column, or no axis at all.
    for of_one in (labels[:, :1], labels[:, 0]):
        expected = np.mean(predicted[:, 0] == labels[:, 0])
        assert measured("subset_accuracy", outputs[:, :1], of_one) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["subset_accuracy", "hamming_loss", "per_label"])
def test_labels_of_a_softmax_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is for models .*, and this one ends in a softmax"):
        measured(name, np.eye(3), np.eye(3), SOFTMAX)


def test_one_hot_rows_of_a_softmax_are_classes() -> None:
    outputs, labels = scores_of(4), classes_of(4)
    expected = sklearn_metrics.precision_score(labels, outputs.argmax(axis=1), average="macro", zero_division=0)
    assert measured("precision_macro", outputs, np.eye(4)[labels], SOFTMAX) == pytest.approx(expected)
    assert measured("precision_macro", outputs, labels, SOFTMAX) == pytest.approx(expected)


def test_what_rows_of_labels_are() -> None:
    assert are_label_rows(np.zeros((3, 2)))
    assert not are_label_rows(np.zeros((3, 1)))
    assert not are_label_rows(np.zeros(3))
    assert not are_label_rows(np.zeros((3, 2, 2)))
    applies = check_label_rows(np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(applies, [[True, False], [False, False]])
    np.testing.assert_array_equal(check_label_rows(np.zeros((2, 1)), np.array([True, False])), [[True], [False]])
    for outputs, labels in (
        (np.zeros((2, 2, 1)), np.zeros((2, 2, 1))),
        (np.zeros((2, 2)), np.zeros((2, 3))),
        (np.zeros((2, 2)), np.full((2, 2), "a")),
    ):
        with pytest.raises(ValueError, match=r"rows of 0 and 1 of shape \(items, labels\)"):
            check_label_rows(outputs, labels)
    for strange in (2, -1, 0.5):
        with pytest.raises(ValueError, match=f"there is a label {strange}"):
            check_label_rows(np.zeros((1, 2)), np.array([[0, strange]]))
