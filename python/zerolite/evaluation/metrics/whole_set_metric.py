"""A caller's function as a metric."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.evaluation.metrics.metric import MetricFunction

__all__ = ["WholeSetMetric"]


class WholeSetMetric:
    """Keeps all outputs and labels, and calls a function of them at the end."""

    def __init__(self, function: MetricFunction) -> None:
        self._function = function
        self._outputs: list[NDArray[Any]] = []
        self._labels: list[NDArray[Any]] = []

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Keep some items."""
        self._outputs.append(outputs)
        self._labels.append(np.array(labels))

    def result(self) -> float:
        """What the function says of all items."""
        return float(self._function(np.concatenate(self._outputs), np.concatenate(self._labels)))
