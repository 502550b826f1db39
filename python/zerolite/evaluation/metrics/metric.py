"""What measures how right a model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Metric", "MetricFunction", "MetricValue"]

#: One number, or an array (a confusion matrix), or numbers by name and by class.
MetricValue = float | NDArray[np.int64] | Mapping[str, Any]

#: Takes all outputs, shape (items, *output shape), and all labels, shape (items, ...); returns one number.
MetricFunction = Callable[[NDArray[Any], NDArray[Any]], float]


@runtime_checkable
class Metric(Protocol):
    """Is told outputs and labels a few at a time, so that it need not hold them all."""

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Take in some items: real outputs, shape (items, *output shape), and their labels, shape (items, ...)."""
        ...

    def result(self) -> MetricValue:
        """The metric over all items so far."""
        ...
