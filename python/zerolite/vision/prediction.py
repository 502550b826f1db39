"""The most likely classes of one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zerolite.vision.labels import check_labels

__all__ = ["Prediction", "top"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class that an item may belong to.

    Attributes:
        class_number: the place of the class among the model's outputs.
        label: its name; its number as text where there are no labels.
        score: the model's output for it: a probability where the model ends in softmax.
    """

    class_number: int
    label: str
    score: float


def top(scores: ArrayLike, labels: Sequence[str] | None = None, *, k: int = 5) -> list[Prediction]:
    """The `k` classes with the largest scores, largest first; on a tie the lower number is first.

    Args:
        scores: one item's real outputs, shape (classes,) or (1, classes).
        labels: the names of all classes; None names them by their numbers.
        k: how many at most.

    Raises:
        ValueError: `scores` is not one row, `k` is less than 1, or there are fewer or more labels than classes.
    """
    row = np.asarray(scores)
    if row.ndim == 2 and row.shape[0] == 1:  # noqa: PLR2004 - a batch of one
        row = row[0]
    if row.ndim != 1 or row.size == 0:
        raise ValueError(f"top takes the scores of one item, shape (classes,); came {row.shape}")
    if k < 1:
        raise ValueError(f"k must be at least 1; came {k}")
    if labels is not None:
        check_labels(labels, row.size)
    best = np.argsort(-row.astype(np.float64), kind="stable")[:k]
    return [
        Prediction(int(number), str(number) if labels is None else labels[number], float(row[number]))
        for number in best
    ]
