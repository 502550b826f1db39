"""Metrics of classifiers: accuracy, confusion matrix, and scores of each class."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import class_count, labelled_classes, predicted_classes
from zerolite.evaluation.metrics.metric import MetricValue

__all__ = ["ClassScores", "ConfusionMatrix", "Score", "TopKAccuracy"]

Score = Literal["precision", "recall", "f1", "per_class"]


class TopKAccuracy:
    """The share of items whose label is among the `k` classes with the largest scores, 0 to 1."""

    def __init__(self, k: int = 1) -> None:
        """Count the first `k` predictions, at least 1.

        Raises:
            ValueError: `k` is less than 1.
        """
        if k < 1:
            raise ValueError(f"top-k needs a k of at least 1; came {k}")
        self._k = k
        self._right = 0
        self._items = 0

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count the items that are right."""
        classes = class_count(outputs)
        numbers = labelled_classes(labels, classes)
        if self._k > 1 and self._k >= classes:
            raise ValueError(f"top-{self._k} says nothing about a model with {classes} classes; choose a smaller k")
        if self._k == 1:
            right = predicted_classes(outputs) == numbers
        else:
            own = np.take_along_axis(outputs, numbers[:, np.newaxis], axis=1)
            # Larger scores come first, and of equal ones the lower number, as in argmax.
            before = (outputs > own).sum(axis=1)
            columns = np.arange(outputs.shape[1])
            before += ((outputs == own) & (columns < numbers[:, np.newaxis])).sum(axis=1)
            right = (before < self._k) & ~np.isnan(own[:, 0])
        self._right += int(right.sum())
        self._items += len(numbers)

    def result(self) -> float:
        """The share; NaN without items."""
        return self._right / self._items if self._items else math.nan


class ConfusionMatrix:
    """Items by label (rows) and prediction (columns)."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count items by label and prediction."""
        classes = class_count(outputs)
        numbers = labelled_classes(labels, classes)
        if self._counts.size == 0:
            self._counts = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(self._counts, (numbers, predicted_classes(outputs)), 1)

    def result(self) -> NDArray[np.int64]:
        """The counts, int64 of shape (classes, classes)."""
        return self._counts.copy()


class ClassScores:
    """Precision, recall or F1: the mean over the classes, or all of them for each class.

    The mean is scikit-learn's average "macro", in which every class counts the same. Only the confusion matrix is kept,
    and handed to scikit-learn as weights.
    """

    def __init__(self, score: Score) -> None:
        """Choose what to tell.

        Raises:
            ImportError: scikit-learn is not installed (extra "evaluate").
        """
        try:
            import sklearn.metrics
        except ImportError as error:
            raise ImportError(
                f"the metric '{score}' needs scikit-learn, which is not installed; pip install 'zerolite[evaluate]'"
            ) from error
        self._scores = sklearn.metrics.precision_recall_fscore_support
        self._score = score
        self._matrix = ConfusionMatrix()

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count items by label and prediction."""
        self._matrix.update(outputs, labels)

    def result(self) -> MetricValue:
        """The mean, 0 to 1 and NaN without items; for "per_class" the scores by class number as text."""
        counts = self._matrix.result()
        if counts.size == 0:
            return {} if self._score == "per_class" else math.nan
        labelled, predicted = np.nonzero(counts)
        precision, recall, f1, _ = self._scores(
            labelled,
            predicted,
            labels=np.arange(len(counts)),
            sample_weight=counts[labelled, predicted],
            average=None if self._score == "per_class" else "macro",
            zero_division=0,
        )
        if self._score == "per_class":
            return {
                str(number): {
                    "precision": float(precision[number]),
                    "recall": float(recall[number]),
                    "f1": float(f1[number]),
                    "items": int(counts[number].sum()),
                }
                for number in range(len(counts))
            }
        return float({"precision": precision, "recall": recall, "f1": f1}[self._score])
