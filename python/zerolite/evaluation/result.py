"""What an evaluation measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import predicted_classes
from zerolite._runners.input_range import InputRange
from zerolite._runners.score_rule import ScoreRule
from zerolite.evaluation.latencies import Latencies
from zerolite.evaluation.metrics.metric import MetricValue

if TYPE_CHECKING:
    from zerolite.vision import ImageError

__all__ = ["EvaluationResult", "plain_value"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EvaluationResult:
    """Metrics and timings of one model over a set of items.

    Attributes:
        runtime: the runtime that ran the model, such as "zerolite".
        items: how many items were evaluated.
        metrics: metric name -> value; empty without labels.
        latencies: from arrays in to array out, of every call in every round. The arrays that go in have the model's own
            types: reading data, quantizing inputs and dequantizing outputs is not part of it.
        items_per_call: how many items a call ran: 1, or a batch (the last one may be smaller).
        runs: how many items were run, over all rounds.
        kept_outputs: what the model returned in the first round, shape (items, *output shape), quantized outputs as
            real float32 values; None where they were not kept.
        class_names: the classes' names; empty where they are not known.
        skipped: the images that were left out because they are corrupt.
        nan_items: how many items the model answered with NaN, which is no prediction.
        input_ranges: for each quantized input that got real numbers, what it can hold, what came, and how much of that
            saturated.
        score_rule: from which score on a class was predicted where there is a single one.
    """

    runtime: str
    items: int
    metrics: Mapping[str, MetricValue]
    latencies: Latencies = field(repr=False)
    items_per_call: int = 1
    runs: int
    kept_outputs: NDArray[Any] | None = field(default=None, repr=False)
    class_names: Sequence[str] = field(default=(), repr=False)
    skipped: Sequence[ImageError] = field(default=(), repr=False)
    nan_items: int = 0
    input_ranges: Mapping[str, InputRange] = field(default_factory=dict, repr=False)
    score_rule: ScoreRule = field(default_factory=ScoreRule, repr=False)

    @property
    def outputs(self) -> NDArray[Any]:
        """What the model returned for each item, shape (items, *output shape), as real values.

        Raises:
            ValueError: the outputs were not kept.
        """
        if self.kept_outputs is None:
            raise ValueError("the outputs of this evaluation were not kept; evaluate with keep_outputs=True")
        return self.kept_outputs

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The class with the largest output, int64 of shape (items,); the first one on a tie, and -1 where one is NaN.

        Raises:
            ValueError: the outputs were not kept, or the output of an item is not a row of class scores.
        """
        return predicted_classes(self.outputs, self.score_rule)

    @property
    def accuracy(self) -> float:
        """The share of items whose prediction is their label, 0 to 1.

        Raises:
            ValueError: accuracy was not among the metrics.
        """
        value = self.metrics.get("accuracy")
        if not isinstance(value, float):
            raise ValueError("accuracy was not measured; evaluate with labels and metrics that name it")
        return value

    @property
    def threshold(self) -> float:
        """The score above which a single score was class 1, and one of several labels applied."""
        return self.score_rule.middle

    @property
    def saturated(self) -> float:
        """The largest share of an input's values that it can't hold, 0 to 1; 0 where no input is quantized."""
        return max((found.saturated for found in self.input_ranges.values()), default=0.0)

    @property
    def throughput(self) -> float:
        """Items per second, called one after another: all runs divided by the time of all calls."""
        return 1e6 * self.runs / self.latencies.total_us

    def latency(self, percentile: float) -> float:
        """The latency in microseconds that `percentile` percent of all calls did not exceed."""
        return self.latencies.percentile_us(percentile)

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain values for JSON; outputs are left out, and what is not finite is null."""
        return {
            "runtime": self.runtime,
            "items": self.items,
            "runs": self.runs,
            "items_per_call": self.items_per_call,
            "metrics": {name: plain_value(value) for name, value in self.metrics.items()},
            "latency_us": self.latencies.to_dict(),
            "items_per_second": self.throughput,
            "class_names": list(self.class_names),
            "skipped": [str(error.path) for error in self.skipped],
            "nan_items": self.nan_items,
            "input_ranges": {name: found.to_dict() for name, found in self.input_ranges.items()},
            "threshold": self.threshold,
        }


def plain_value(value: Any) -> Any:
    """A metric in types that JSON knows."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: plain_value(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
