"""Metrics of models that tell of each of several labels whether it applies."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.score_rule import ScoreRule
from zerolite.evaluation.metrics.classification import ClassScores
from zerolite.evaluation.metrics.metric import MetricValue, Reading
from zerolite.evaluation.metrics.scores import Average, Hits, Score

__all__ = ["AveragedScore", "LabelAccuracy", "LabelScores", "are_label_rows", "check_label_rows"]

_ROWS = 2


def are_label_rows(labels: NDArray[Any]) -> bool:
    """Whether labels have a column for each label that may apply, instead of being class numbers."""
    return labels.ndim == _ROWS and labels.shape[1] > 1


def check_label_rows(outputs: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which labels apply to which items, shape (items, labels).

    Raises:
        ValueError: there is not one score for each label, or a label is neither 0 nor 1.
    """
    if labels.ndim == 1:
        labels = labels[:, np.newaxis]
    if outputs.ndim != _ROWS or labels.shape != outputs.shape or labels.dtype.kind not in "biuf":
        raise ValueError(
            f"multi-label metrics need rows of 0 and 1 of shape (items, labels), like the outputs' "
            f"{outputs.shape}; came {labels.dtype} of shape {labels.shape}"
        )
    strange = labels[(labels != 0) & (labels != 1)]
    if strange.size:
        raise ValueError(
            f"multi-label metrics need rows of 0 and 1, and there is a label {strange[0]:.6g}; for a regression of "
            "several values choose metrics=['mse', 'mae', 'r2'] (--metric mse)"
        )
    applies: NDArray[np.bool_] = labels.astype(bool)
    return applies


class LabelAccuracy:
    """The share of items whose labels are all right, or the share of single labels that are wrong."""

    def __init__(self, kind: Literal["subset_accuracy", "hamming_loss"], reading: Reading | None = None) -> None:
        self._kind = kind
        self._rule = (reading or Reading()).rule
        self._items = 0
        self._right = 0
        self._labels = 0
        self._wrong = 0

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count items and labels; where a score is NaN its label is wrong, and with it the item.

        Raises:
            ValueError: shapes or labels don't fit.
        """
        applies = check_label_rows(outputs, labels)
        _check_no_softmax(self._rule, self._kind)
        wrong = (self._rule.above(outputs) != applies) | np.isnan(outputs)
        self._items += len(wrong)
        self._labels += wrong.size
        self._wrong += int(wrong.sum())
        self._right += int((~wrong.any(axis=1)).sum())

    def result(self) -> float:
        """The share, 0 to 1; NaN without items."""
        if not self._items:
            return math.nan
        return self._right / self._items if self._kind == "subset_accuracy" else self._wrong / self._labels


class LabelScores:
    """Precision, recall, F1 or Jaccard index of labels: averaged, or all of them for each label."""

    def __init__(
        self, score: Score | Literal["per_label"], average: Average = "macro", reading: Reading | None = None
    ) -> None:
        self._score = score
        self._average: Average = average
        self._rule = (reading or Reading()).rule
        self._items = 0
        self._hits: Hits | None = None
        self._sum = 0.0

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count labels that were found, found wrongly and missed; one whose score is NaN was not found.

        Raises:
            ValueError: shapes or labels don't fit.
        """
        applies = check_label_rows(outputs, labels)
        _check_no_softmax(self._rule, self._score)
        found = self._rule.above(outputs)
        self._items += len(applies)
        if self._average == "samples" and self._score != "per_label":
            self._sum += float(_hits(found, applies, axis=1).score(self._score).sum())
            return
        hits, before = _hits(found, applies, axis=0), self._hits
        if before is not None:
            hits = Hits(before.found + hits.found, before.wrong + hits.wrong, before.missed + hits.missed)
        self._hits = hits

    def result(self) -> MetricValue:
        """The score, 0 to 1 and NaN without items; for "per_label" the scores by label number as text."""
        if self._score == "per_label":
            return {} if self._hits is None else self._hits.by_number()
        if self._average == "samples":
            return self._sum / self._items if self._items else math.nan
        return math.nan if self._hits is None else self._hits.averaged(self._score, self._average)


class AveragedScore:
    """A score of classes, where labels are class numbers, or of labels, where they are rows of 0 and 1.

    So scikit-learn tells them apart. Of a softmax, which tells one class, one-hot rows count as class numbers.
    """

    def __init__(self, score: Score, average: Average, reading: Reading | None = None) -> None:
        self._score: Score = score
        self._average: Average = average
        self._reading = reading or Reading()
        self._chosen: ClassScores | LabelScores | None = None

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count classes or labels.

        Raises:
            ValueError: shapes or labels don't fit.
        """
        if self._chosen is None:
            of_labels = are_label_rows(labels) and self._reading.rule.kind != "softmax"
            kind = LabelScores if of_labels else ClassScores
            self._chosen = kind(self._score, self._average, self._reading)
        self._chosen.update(outputs, labels)

    def result(self) -> MetricValue:
        """The score, 0 to 1; NaN without items."""
        return math.nan if self._chosen is None else self._chosen.result()


def _hits(found: NDArray[np.bool_], applies: NDArray[np.bool_], *, axis: int) -> Hits:
    return Hits(
        *((one & other).sum(axis=axis) for one, other in ((found, applies), (found, ~applies), (~found, applies)))
    )


def _check_no_softmax(rule: ScoreRule, metric: str) -> None:
    if rule.kind == "softmax":
        raise ValueError(
            f"{metric} is for models that tell of each label whether it applies, and this one ends in a softmax, which "
            "tells one class; choose metrics of classes, such as accuracy or f1"
        )
