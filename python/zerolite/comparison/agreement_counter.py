"""Counting how far two rows agree, while an evaluation runs them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import SampleBlock
from zerolite._runners.classes import NO_CLASS, predicted_classes
from zerolite._runners.score_rule import ScoreRule
from zerolite.comparison.rows import Agreement, RowKey
from zerolite.evaluation.metrics.multilabel import are_label_rows

__all__ = ["AgreementCounter", "Predicted"]

#: What outputs predict: a class, which of several labels apply, or numbers, which hardly ever agree to the last digit.
Predicted = Literal["class", "labels", "numbers"]

_MOST_PLACES = 100
_ROWS = 2


class AgreementCounter:
    """An observer of an evaluation that compares one row with another."""

    def __init__(
        self, row: RowKey, other: RowKey, *, rules: Mapping[RowKey, ScoreRule], predicted: Predicted = "class"
    ) -> None:
        self._rules = rules[row], rules[other]
        self._predicted = predicted
        self._row = row
        self._other = other
        self._items = 0
        self._values = 0
        self._differing: int | None = 0
        self._places: list[tuple[int, tuple[int, ...]]] = []
        self._largest: float | None = 0.0
        self._sum = 0.0

    def observe(self, block: SampleBlock, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Compare the outputs for some items."""
        ours, theirs = outputs[self._row.name], outputs[self._other.name]
        self._items += len(block)
        if ours.shape != theirs.shape:
            self._largest = self._differing = None
            return
        if self._largest is not None:
            apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
            largest = float(apart.max(initial=0))
            self._largest = max(self._largest, math.inf if math.isnan(largest) else largest)
            self._sum += float(apart.sum())
            self._values += apart.size
        if ours.ndim != _ROWS or self._predicted == "numbers":
            self._differing = None
        if self._differing is None:
            return
        try:
            if self._predicted == "labels" and block.labels is not None and are_label_rows(block.labels):
                self._count_labels(block.start, ours, theirs)
            else:
                self._count_classes(block.start, ours, theirs)
        except ValueError:  # nothing tells what is predicted
            self._differing = None
            self._places = []

    def _count_classes(self, start: int, ours: NDArray[Any], theirs: NDArray[Any]) -> None:
        predicted, other = (
            predicted_classes(outputs, rule) for outputs, rule in zip((ours, theirs), self._rules, strict=True)
        )
        # No prediction is like no other one.
        different = (predicted != other) | (predicted == NO_CLASS)
        self._note(start, different, predicted, other)

    def _count_labels(self, start: int, ours: NDArray[Any], theirs: NDArray[Any]) -> None:
        one, other = (rule.above(outputs) for outputs, rule in zip((ours, theirs), self._rules, strict=True))
        different = ((one != other) | np.isnan(ours) | np.isnan(theirs)).any(axis=1)
        self._note(start, different)

    def _note(self, start: int, different: NDArray[np.bool_], *predictions: NDArray[np.int64]) -> None:
        places = np.flatnonzero(different)
        self._differing = (self._differing or 0) + places.size
        for place in places[: _MOST_PLACES - len(self._places)]:
            self._places.append((start + int(place), tuple(int(numbers[place]) for numbers in predictions)))

    def agreement(self) -> Agreement:
        """What was found."""
        mean = None if self._largest is None or not self._values else self._sum / self._values
        return Agreement(
            model=self._row.model,
            runtime=self._row.runtime,
            other_model=self._other.model,
            other_runtime=self._other.runtime,
            items=self._items,
            differing=self._differing,
            first_differing=tuple(place for place, _ in self._places),
            predictions=tuple(predictions[0] for _, predictions in self._places if predictions),
            other_predictions=tuple(predictions[1] for _, predictions in self._places if predictions),
            largest_difference=self._largest,
            mean_difference=mean,
        )
