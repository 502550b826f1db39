"""How well regions are found."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import NO_CLASS
from zerolite.evaluation.metrics.metric import Reading

__all__ = ["Segmentation"]

_PIXELS = 3
_SCORES = 4
_TWO = 2
_WHITE = 255


class Segmentation:
    """The share of pixels that are right; or the intersection over union, the mean over all classes that occur.

    Pixels that are void don't count. By default that is 255, as in the data sets that mark what is not to be judged so;
    but in masks of 0 and 255, for a model of two classes, 255 is class 1, and for one of more than 255 it is a class.
    """

    def __init__(self, kind: Literal["mean_iou", "pixel_accuracy"], reading: Reading | None = None) -> None:
        self._kind = kind
        reading = reading or Reading()
        self._rule = reading.rule
        self._void = reading.void
        self._counts: NDArray[np.int64] = np.zeros((0, 0), dtype=np.int64)
        # Labelled white: whether that is void or a class is known at the end.
        self._white: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Count pixels by label and prediction; one whose scores hold NaN is never right.

        Args:
            outputs: scores of shape (items, height, width, classes), a single score meaning two classes; or class
                numbers, integers of shape (items, height, width).
            labels: class numbers, integers of shape (items, height, width) or (items, height, width, 1), or
                one-hot of shape (items, height, width, classes).

        Raises:
            ValueError: shapes or types are others, or a number is not among the classes.
        """
        predicted, classes = self._pixels(outputs)
        numbers = self._numbers(labels, predicted.shape, classes)
        undecided = self._void == "auto" and (classes or 0) <= _WHITE
        apart = numbers == _WHITE if undecided else np.zeros(numbers.shape, dtype=bool)
        counted = ~apart if self._void in ("auto", None) else numbers != self._void
        labelled, found = numbers[counted], predicted[counted]
        if classes is None:
            classes = 1 + max(int(part.max(initial=0)) for part in (labelled, found, predicted[apart]))
        if labelled.size and (labelled.min() < 0 or labelled.max() >= classes):
            raise ValueError(
                f"there are pixels labelled {labelled.min()} to {labelled.max()}, and the model's {classes} classes "
                f"are numbered 0 to {classes - 1}"
            )
        self._grow(classes)
        # Pixels without a prediction come last.
        size = len(self._counts)
        found = np.where(found == NO_CLASS, size, found)
        pairs = np.bincount(labelled * (size + 1) + found, minlength=size * (size + 1))
        self._counts += pairs.reshape(size, size + 1)
        white = predicted[apart]
        self._white += np.bincount(np.where(white == NO_CLASS, size, white), minlength=size + 1)

    def result(self) -> float:
        """The mean or the share, 0 to 1; NaN without pixels."""
        counts = self._counts
        classes = len(counts)
        if self._white.any() and classes <= _TWO and not counts[1:].any():
            counts = np.zeros((_TWO, _TWO + 1), dtype=np.int64)
            counts[:classes, :classes], counts[:classes, _TWO] = self._counts[:, :-1], self._counts[:, -1]
            counts[1, :classes], counts[1, _TWO] = self._white[:-1], self._white[-1]
        elif self._white[_WHITE:-1].any() or counts[:, _WHITE:-1].any():
            # The model says 255 itself: so it is a class.
            counts = counts.copy()
            counts[_WHITE] += self._white
        both = np.diag(counts)
        if self._kind == "pixel_accuracy":
            return float(both.sum() / counts.sum()) if counts.any() else math.nan
        either = counts[:, : len(counts)].sum(axis=0) + counts.sum(axis=1) - both
        occurring = either > 0
        return float((both[occurring] / either[occurring]).mean()) if occurring.any() else math.nan

    def _grow(self, classes: int) -> None:
        before = len(self._counts)
        if classes <= before:
            return
        counts = np.zeros((classes, classes + 1), dtype=np.int64)
        white = np.zeros(classes + 1, dtype=np.int64)
        if before:
            counts[:before, :before], counts[:before, -1] = self._counts[:, :-1], self._counts[:, -1]
            white[:before], white[-1] = self._white[:-1], self._white[-1]
        self._counts, self._white = counts, white

    def _numbers(self, labels: NDArray[Any], shape: tuple[int, ...], classes: int | None) -> NDArray[np.int64]:
        numbers = labels[..., 0] if labels.ndim == _SCORES and labels.shape[-1] == 1 else labels
        if numbers.ndim == _SCORES and numbers.shape[-1] == classes and _is_one_hot(numbers):
            numbers = np.argmax(numbers, axis=-1)
        if numbers.shape != shape or numbers.dtype.kind not in "iub":
            raise ValueError(
                f"{self._kind} needs class numbers as labels, integers of shape {shape}, or one-hot ones; came "
                f"{labels.dtype} of shape {labels.shape}"
            )
        return numbers.astype(np.int64)

    def _pixels(self, outputs: NDArray[Any]) -> tuple[NDArray[np.int64], int | None]:
        """Predicted class numbers, and how many classes there are where that is known."""
        if outputs.ndim == _SCORES and outputs.dtype.kind in "fiub":
            single = outputs.shape[-1] == 1
            numbers = self._rule.above(outputs[..., 0]).astype(np.int64) if single else np.argmax(outputs, axis=-1)
            if outputs.dtype.kind == "f":
                numbers[np.isnan(outputs).any(axis=-1)] = NO_CLASS
            return numbers, _TWO if single else int(outputs.shape[-1])
        if outputs.ndim == _PIXELS and outputs.dtype.kind in "iu":
            return outputs.astype(np.int64), None
        raise ValueError(
            f"{self._kind} needs outputs of shape (items, height, width, classes), or class numbers of shape (items, "
            f"height, width); these are {outputs.dtype} of shape {outputs.shape}"
        )


def _is_one_hot(labels: NDArray[Any]) -> bool:
    if labels.dtype.kind not in "biuf":
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=-1, dtype=np.int64) == 1).all())
