"""Which classes are taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import class_count, labelled_classes, predicted_classes

__all__ = ["ConfusionMatrix"]


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
