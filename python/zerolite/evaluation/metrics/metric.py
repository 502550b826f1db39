"""What measures how right a model is: over a few samples at a time, or over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.score_rule import ScoreRule

__all__ = ["Metric", "MetricFunction", "MetricValue", "Reading", "Void", "WholeSetMetric"]

#: One number, or an array (a confusion matrix), or numbers by name and by class.
MetricValue = float | NDArray[np.int64] | Mapping[str, Any]

#: Takes all outputs, shape (items, *output shape), and all labels, shape (items, ...); returns one number.
MetricFunction = Callable[[NDArray[Any], NDArray[Any]], float]

#: The number of pixels that are not to be judged; None for none; "auto" is 255 where the labels mean it so.
Void = int | Literal["auto"] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """How built-in metrics read outputs and labels.

    Attributes:
        rule: from which score on a class or a label is predicted.
        void: which pixels don't count.
    """

    rule: ScoreRule = ScoreRule()  # noqa: RUF009 - it is frozen
    void: Void = "auto"


@runtime_checkable
class Metric(Protocol):
    """Is told outputs and labels a few at a time, so that it need not hold them all."""

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Take in some items: real outputs, shape (items, *output shape), and their labels, shape (items, ...)."""
        ...

    def result(self) -> MetricValue:
        """The metric over all items so far."""
        ...


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
