"""Metrics of the order in which scores put items, whatever the threshold."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.caller_warning import warn_caller
from zerolite._runners.classes import class_count, labelled_classes
from zerolite.evaluation.metrics.metric import Reading
from zerolite.evaluation.metrics.multilabel import are_label_rows, check_label_rows

__all__ = ["Ranking"]

_TWO = 2


class Ranking:
    """The area under the ROC curve, or the average precision: of two classes, or the mean over classes or labels.

    Of several classes each is told from the rest ("ovr", average "macro" in scikit-learn). All scores are kept: their
    order is known at the end.
    """

    def __init__(self, kind: Literal["roc_auc", "average_precision"], reading: Reading | None = None) -> None:
        self._kind = kind
        self._rule = (reading or Reading()).rule
        self._outputs: list[NDArray[Any]] = []
        self._labels: list[NDArray[Any]] = []

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Keep the scores of some items.

        Raises:
            ValueError: shapes or labels don't fit.
        """
        classes = class_count(outputs)
        if are_label_rows(labels) and outputs.shape[1] > 1:
            kept: NDArray[Any] = check_label_rows(outputs, labels)
        else:
            kept = labelled_classes(labels, classes)
        self._outputs.append(outputs.copy())
        self._labels.append(kept)

    def result(self) -> float:
        """The mean, 0 to 1; NaN without items, where a score is NaN, and where a class has no items or all of them."""
        if not self._outputs:
            return math.nan
        scores, labels = np.concatenate(self._outputs).astype(np.float64), np.concatenate(self._labels)
        if np.isnan(scores).any():
            return math.nan
        columns = scores.shape[1]
        if columns == 1:
            return self._mean(scores, labels[:, np.newaxis] == 1)
        of_classes = labels.ndim == 1 or bool((labels.sum(axis=1) == 1).all())
        applies = labels if labels.ndim == _TWO else labels[:, np.newaxis] == np.arange(columns)
        if of_classes and self._are_logits(scores):
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
        if of_classes and columns == _TWO:
            return self._mean(scores[:, 1:], applies[:, 1:])
        return self._mean(scores, applies)

    def _are_logits(self, scores: NDArray[np.float64]) -> bool:
        return self._rule.kind == "logit" or (
            self._rule.kind == "unknown" and bool(((scores < 0) | (scores > 1)).any())
        )

    def _mean(self, scores: NDArray[np.float64], applies: NDArray[np.bool_]) -> float:
        measure = _roc_auc if self._kind == "roc_auc" else _average_precision
        values = [measure(scores[:, column], applies[:, column]) for column in range(scores.shape[1])]
        undefined = [column for column, value in enumerate(values) if math.isnan(value)]
        if undefined:
            place = f"number {undefined[0]}" if len(values) > 1 else "1"
            warn_caller(
                f"{self._kind} is not defined: class {place} has no items, or all of them; give data with all classes"
            )
        return float(np.mean(values))


def _roc_auc(scores: NDArray[np.float64], applies: NDArray[np.bool_]) -> float:
    """The share of pairs of an item with and one without the label that are in the right order; a tie is half right."""
    positive = int(applies.sum())
    negative = len(applies) - positive
    if positive == 0 or negative == 0:
        return math.nan
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[places]
    return float((ranks[applies].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _average_precision(scores: NDArray[np.float64], applies: NDArray[np.bool_]) -> float:
    """The mean of the precisions at each threshold, weighted by what recall it adds."""
    positive = int(applies.sum())
    if positive == 0:
        return math.nan
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(applies[order])
    # Only where the next score is another one, a threshold can part them.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    precision = found[ends] / (ends + 1)
    recall = found[ends] / positive
    return float((np.diff(recall, prepend=0) * precision).sum())
