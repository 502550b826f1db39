"""What an evaluation measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EvaluationResult"]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationResult:
    """Outputs, metrics and timings of one model over a set of items.

    Attributes:
        runtime: the runtime that ran the model, such as "zerolite".
        outputs: what the model returned, shape (items, *output shape); quantized outputs as real float32
            values.
        metrics: metric name -> value; empty without labels.
        latencies_us: microseconds from array in to array out, float64 of shape (rounds, items). The array
            that goes in has the model's own type: quantizing inputs and dequantizing outputs is not part of
            it.
    """

    runtime: str
    outputs: NDArray[Any] = field(repr=False)
    metrics: Mapping[str, float]
    latencies_us: NDArray[np.float64] = field(repr=False)

    @property
    def items(self) -> int:
        """How many items were evaluated."""
        return int(self.outputs.shape[0])

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The class with the largest output, int64 of shape (items,); the first one on a tie.

        Raises:
            ValueError: the output of an item is not a row of class scores.
        """
        if self.outputs.ndim != 2 or self.outputs.shape[1] < 2:  # noqa: PLR2004 - rows of scores
            raise ValueError(
                f"predictions need outputs of shape (items, classes); these have shape {self.outputs.shape}"
            )
        classes: NDArray[np.int64] = np.argmax(self.outputs, axis=1)
        return classes

    @property
    def accuracy(self) -> float:
        """The share of items whose prediction is their label, 0 to 1.

        Raises:
            ValueError: accuracy was not among the metrics.
        """
        if "accuracy" not in self.metrics:
            raise ValueError("accuracy was not measured; evaluate with labels and metrics that name it")
        return self.metrics["accuracy"]

    @property
    def throughput(self) -> float:
        """Items per second, run one after another: the inverse of the mean latency."""
        return float(1e6 / self.latencies_us.mean())

    def latency(self, percentile: float) -> float:
        """The latency in microseconds that `percentile` percent of all runs did not exceed."""
        return float(np.percentile(self.latencies_us, percentile))

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain values for JSON; outputs and single latencies are left out."""
        return {
            "runtime": self.runtime,
            "items": self.items,
            "runs": int(self.latencies_us.size),
            "metrics": {name: float(value) for name, value in self.metrics.items()},
            "latency_us": {
                "mean": float(self.latencies_us.mean()),
                **{f"p{percentile}": self.latency(percentile) for percentile in (5, 25, 50, 75, 95, 99)},
            },
            "items_per_second": self.throughput,
        }
