"""Accuracy, over the first prediction or the first few."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import class_count, labelled_classes, predicted_classes

__all__ = ["TopKAccuracy"]


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
