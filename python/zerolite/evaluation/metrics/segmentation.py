"""How well regions are found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MeanIou"]

_PIXELS = 3
_SCORES = 4
_VOID = 255
_THRESHOLD = 0.5


class MeanIou:
    """Intersection over union of predicted and labelled pixels, the mean over all classes that occur.

    Pixels labelled 255 don't count, as in the data sets that mark what is not to be judged so.
    """

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count pixels by label and prediction.

        Args:
            outputs: scores of shape (items, height, width, classes), a single score meaning two classes; or class
                numbers, integers of shape (items, height, width).
            labels: class numbers, integers of shape (items, height, width) or (items, height, width, 1).

        Raises:
            ValueError: shapes or types are others, or a number is not among the classes.
        """
        predicted, classes = _pixels(outputs)
        numbers = labels[..., 0] if labels.ndim == _SCORES and labels.shape[-1] == 1 else labels
        if numbers.shape != predicted.shape or numbers.dtype.kind not in "iub":
            raise ValueError(
                f"mean_iou needs class numbers as labels, integers of shape {predicted.shape}; came {labels.dtype} of "
                f"shape {labels.shape}"
            )
        counted = numbers != _VOID
        labelled, found = numbers[counted].astype(np.int64), predicted[counted]
        if classes is None:
            classes = max(int(labelled.max(initial=0)), int(found.max(initial=0))) + 1
        if labelled.size and (labelled.min() < 0 or labelled.max() >= classes):
            raise ValueError(
                f"there are pixels labelled {labelled.min()} to {labelled.max()}, and the model's {classes} classes "
                f"are numbered 0 to {classes - 1}"
            )
        if classes > len(self._counts):
            grown = np.zeros((classes, classes), dtype=np.int64)
            grown[: len(self._counts), : len(self._counts)] = self._counts
            self._counts = grown
        size = len(self._counts)
        self._counts += np.bincount(labelled * size + found, minlength=size * size).reshape(size, size)

    def result(self) -> float:
        """The mean, 0 to 1; NaN without pixels."""
        both = np.diag(self._counts)
        either = self._counts.sum(axis=0) + self._counts.sum(axis=1) - both
        occurring = either > 0
        return float((both[occurring] / either[occurring]).mean()) if occurring.any() else math.nan


def _pixels(outputs: NDArray[Any]) -> tuple[NDArray[np.int64], int | None]:
    """Predicted class numbers, and how many classes there are where that is known."""
    if outputs.ndim == _SCORES and outputs.shape[-1] == 1:
        return (outputs[..., 0] > _THRESHOLD).astype(np.int64), 2
    if outputs.ndim == _SCORES:
        return np.argmax(outputs, axis=-1).astype(np.int64), int(outputs.shape[-1])
    if outputs.ndim == _PIXELS and outputs.dtype.kind in "iu":
        return outputs.astype(np.int64), None
    raise ValueError(
        f"mean_iou needs outputs of shape (items, height, width, classes), or class numbers of shape (items, height, "
        f"width); these are {outputs.dtype} of shape {outputs.shape}"
    )
