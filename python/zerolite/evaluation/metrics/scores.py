"""Precision, recall, F1 and Jaccard index, from what was found, found wrongly and missed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Average", "Hits", "Score"]

Score = Literal["precision", "recall", "f1", "jaccard"]

#: How the scores of classes or labels become one: "binary" is that of class 1, "macro" their mean, "weighted" their
#: mean by how often each is labelled, "micro" one score over all, "samples" the mean of the items' own scores.
Average = Literal["binary", "micro", "macro", "weighted", "samples"]


@dataclass(frozen=True, slots=True)
class Hits:
    """Counts by class or by label, each of the same shape.

    Attributes:
        found: what is labelled and predicted.
        wrong: what is predicted and not labelled.
        missed: what is labelled and not predicted.
    """

    found: NDArray[np.int64]
    wrong: NDArray[np.int64]
    missed: NDArray[np.int64]

    @property
    def labelled(self) -> NDArray[np.int64]:
        """How often each is labelled."""
        return self.found + self.missed

    def score(self, score: Score) -> NDArray[np.float64]:
        """The score of each, 0 to 1; 0 where it would divide by 0, as scikit-learn's `zero_division=0`."""
        found, wrong, missed = (array.astype(np.float64) for array in (self.found, self.wrong, self.missed))
        whole = {
            "precision": found + wrong,
            "recall": found + missed,
            "f1": found + (wrong + missed) / 2,
            "jaccard": found + wrong + missed,
        }[score]
        return found / np.where(whole == 0, 1, whole)

    def averaged(self, score: Score, average: Average) -> float:
        """One score for all of them; NaN without items.

        Raises:
            ValueError: it is no average over classes.
        """
        if average == "micro":
            whole = Hits(*(array.sum(keepdims=True) for array in (self.found, self.wrong, self.missed)))
            return float(whole.score(score)[0])
        each = self.score(score)
        if average == "binary":
            return float(each[1])
        if average == "weighted":
            labelled = self.labelled.sum()
            return float((each * self.labelled).sum() / labelled) if labelled else math.nan
        return float(each.mean()) if each.size else math.nan

    def by_number(self) -> dict[str, Any]:
        """Number as text -> precision, recall, F1 and how often it is labelled."""
        scores = {name: self.score(name) for name in ("precision", "recall", "f1")}
        return {
            str(number): {**{name: float(each[number]) for name, each in scores.items()}, "items": int(items)}
            for number, items in enumerate(self.labelled)
        }
