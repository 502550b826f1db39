"""Precision, recall and F1, as scikit-learn computes them."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite.evaluation.metrics.confusion_matrix import ConfusionMatrix
from zerolite.evaluation.metrics.metric import MetricValue

__all__ = ["ClassScores", "Score"]

Score = Literal["precision", "recall", "f1", "per_class"]


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
