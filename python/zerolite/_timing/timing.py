"""The times that were measured of one piece of work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LATENCY_STATISTICS", "Timing"]

#: The statistics of `Timing.latency_us`, in the order of a report.
LATENCY_STATISTICS = ("min", "p50", "p90", "p95", "p99", "max", "mean", "std")


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """The time that calls of one kind took.

    Attributes:
        rounds_ns: nanoseconds per call in each round, float64 of shape (rounds,); the clock's own share is below 1 %.
        calls_ns: nanoseconds of single calls, float64 of shape (calls,); each has one reading of the clock in it.
        items_per_call: how many items one call runs.
    """

    rounds_ns: NDArray[np.float64] = field(repr=False)
    calls_ns: NDArray[np.float64] = field(repr=False)
    items_per_call: int = 1

    @property
    def per_call_us(self) -> float:
        """Microseconds per call: the median of the rounds."""
        return float(np.median(self.rounds_ns)) / 1e3

    @property
    def items_per_second(self) -> float:
        """Throughput of calls one after another."""
        return 1e6 * self.items_per_call / self.per_call_us

    def latency_us(self) -> dict[str, float]:
        """Statistics of single calls in microseconds, by the names in `LATENCY_STATISTICS`."""
        calls = self.calls_ns / 1e3
        p50, p90, p95, p99 = (float(value) for value in np.percentile(calls, (50, 90, 95, 99)))
        values = (float(calls.min()), p50, p90, p95, p99, float(calls.max()), float(calls.mean()), float(calls.std()))
        return dict(zip(LATENCY_STATISTICS, values, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "per_call_us": self.per_call_us,
            "items_per_call": self.items_per_call,
            "items_per_second": self.items_per_second,
            "latency_us": self.latency_us(),
            "calls": int(self.calls_ns.size),
            "rounds_us": [float(value) / 1e3 for value in self.rounds_ns],
        }
