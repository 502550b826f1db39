"""Metrics of classifiers: accuracy, confusion matrix, and scores of each class."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import NO_CLASS, class_count, labelled_classes, predicted_classes
from zerolite.evaluation.metrics.metric import MetricValue, Reading
from zerolite.evaluation.metrics.scores import Average, Hits, Score

__all__ = ["BalancedAccuracy", "ClassScores", "ConfusionMatrix", "TopKAccuracy"]

_TWO = 2


class TopKAccuracy:
    """The share of items whose label is among the `k` classes with the largest scores, 0 to 1."""

    def __init__(self, k: int = 1, reading: Reading | None = None) -> None:
        """Count the first `k` predictions, at least 1.

        Raises:
            ValueError: `k` is less than 1.
        """
        if k < 1:
            raise ValueError(f"top-k needs a k of at least 1; came {k}")
        self._k = k
        self._rule = (reading or Reading()).rule
        self._right = 0
        self._items = 0

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count the items that are right; one whose scores hold NaN is not."""
        classes = class_count(outputs)
        numbers = labelled_classes(labels, classes)
        if self._k > 1 and self._k >= classes:
            raise ValueError(f"top-{self._k} says nothing about a model with {classes} classes; choose a smaller k")
        if self._k == 1:
            right = predicted_classes(outputs, self._rule) == numbers
        else:
            own = np.take_along_axis(outputs, numbers[:, np.newaxis], axis=1)
            # Larger scores come first, and of equal ones the lower number, as in argmax.
            before = (outputs > own).sum(axis=1)
            columns = np.arange(outputs.shape[1])
            before += ((outputs == own) & (columns < numbers[:, np.newaxis])).sum(axis=1)
            right = (before < self._k) & ~np.isnan(outputs).any(axis=1)
        self._right += int(right.sum())
        self._items += len(numbers)

    def result(self) -> float:
        """The share; NaN without items."""
        return self._right / self._items if self._items else math.nan


class ConfusionMatrix:
    """Items by label (rows) and prediction (columns); those without a prediction are in none of its cells.

    Attributes:
        unpredicted: how many items of each class those are.
    """

    def __init__(self, reading: Reading | None = None) -> None:
        self._rule = (reading or Reading()).rule
        self._counts: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)
        self.unpredicted: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count items by label and prediction."""
        classes = class_count(outputs)
        numbers = labelled_classes(labels, classes)
        if self._counts.size == 0:
            self._counts = np.zeros((classes, classes), dtype=np.int64)
            self.unpredicted = np.zeros(classes, dtype=np.int64)
        predicted = predicted_classes(outputs, self._rule)
        known = predicted != NO_CLASS
        np.add.at(self._counts, (numbers[known], predicted[known]), 1)
        np.add.at(self.unpredicted, numbers[~known], 1)

    def result(self) -> NDArray[np.int64]:
        """The counts, int64 of shape (classes, classes)."""
        return self._counts.copy()

    def hits(self) -> Hits:
        """What was found, found wrongly and missed, by class."""
        found = np.diag(self._counts)
        missed = self._counts.sum(axis=1) - found + self.unpredicted
        return Hits(found.copy(), self._counts.sum(axis=0) - found, missed)


class ClassScores:
    """Precision, recall, F1 or Jaccard index: averaged over the classes, or all of them for each class."""

    def __init__(
        self,
        score: Score | Literal["per_class"],
        average: Average = "macro",
        reading: Reading | None = None,
    ) -> None:
        self._score = score
        self._average: Average = average
        self._matrix = ConfusionMatrix(reading)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count items by label and prediction.

        Raises:
            ValueError: shapes or labels don't fit, or the average is of two classes and there are more.
        """
        classes = class_count(outputs)
        if self._average == "binary" and classes != _TWO:
            raise ValueError(
                f"{self._score}_binary is of two classes, and this output tells {classes} apart; choose "
                f"{self._score}_macro or per_class"
            )
        if self._average == "samples":
            raise ValueError(
                f"{self._score}_samples is for labels of which several apply; of classes choose {self._score}_macro"
            )
        self._matrix.update(outputs, labels)

    def result(self) -> MetricValue:
        """The score, 0 to 1 and NaN without items; for "per_class" the scores by class number as text."""
        hits = self._matrix.hits()
        if self._score == "per_class":
            return hits.by_number()
        return hits.averaged(self._score, self._average) if hits.found.size else math.nan


class BalancedAccuracy:
    """The mean of the recalls of the classes that are labelled, 0 to 1."""

    def __init__(self, reading: Reading | None = None) -> None:
        self._matrix = ConfusionMatrix(reading)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count items by label and prediction."""
        self._matrix.update(outputs, labels)

    def result(self) -> float:
        """The mean; NaN without items."""
        hits = self._matrix.hits()
        recalls = hits.score("recall")[hits.labelled > 0]
        return float(recalls.mean()) if recalls.size else math.nan
