"""Counting how far two rows agree, while an evaluation runs them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import SampleBlock
from zerolite._runners.classes import predicted_classes
from zerolite.comparison.rows import Agreement, RowKey

__all__ = ["AgreementCounter"]

_MOST_PLACES = 100
_ROWS = 2


class AgreementCounter:
    """An observer of an evaluation that compares one row with another."""

    def __init__(self, row: RowKey, other: RowKey) -> None:
        self._row = row
        self._other = other
        self._items = 0
        self._values = 0
        self._differing: int | None = 0
        self._places: list[tuple[int, int, int]] = []
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
        if ours.ndim != _ROWS:
            self._differing = None
        if self._differing is not None:
            predicted, other = predicted_classes(ours), predicted_classes(theirs)
            different = np.flatnonzero(predicted != other)
            self._differing += different.size
            room = _MOST_PLACES - len(self._places)
            self._places += [
                (block.start + int(place), int(predicted[place]), int(other[place])) for place in different[:room]
            ]

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
            first_differing=tuple(place for place, _, _ in self._places),
            predictions=tuple(prediction for _, prediction, _ in self._places),
            other_predictions=tuple(prediction for _, _, prediction in self._places),
            largest_difference=self._largest,
            mean_difference=mean,
        )
