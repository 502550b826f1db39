"""Latencies in bounded memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LATENCY_PERCENTILES", "Latencies"]

#: The percentiles that summaries tell.
LATENCY_PERCENTILES = (5, 25, 50, 75, 90, 95, 99)

_MOST_EXACT = 100_000
# Buckets from 10 ns to 10,000 s whose borders are half a percent apart.
_SMALLEST_US = 0.01
_STEP = math.log(1.005)
_BUCKETS = math.ceil(math.log(1e12) / _STEP)


class Latencies:
    """How long calls took: any number of them in less than a megabyte.

    The first 100,000 are kept as they are. With more, they are counted in buckets half a percent wide, so that
    percentiles are off by a quarter of a percent at most; count, sum, smallest and largest stay exact.
    """

    def __init__(self) -> None:
        self.count = 0
        self.total_us = 0.0
        self.smallest_us = math.inf
        self.largest_us = 0.0
        self._exact: list[NDArray[np.float64]] | None = []
        self._buckets: NDArray[np.int64] | None = None

    def add(self, microseconds: NDArray[np.float64]) -> None:
        """Take in the latencies of some calls, shape (calls,), in microseconds."""
        if microseconds.size == 0:
            return
        self.count += int(microseconds.size)
        self.total_us += float(microseconds.sum())
        self.smallest_us = min(self.smallest_us, float(microseconds.min()))
        self.largest_us = max(self.largest_us, float(microseconds.max()))
        if self._exact is not None:
            self._exact.append(np.array(microseconds, dtype=np.float64))
            if self.count <= _MOST_EXACT:
                return
            microseconds = np.concatenate(self._exact)
            self._exact = None
        if self._buckets is None:
            self._buckets = np.zeros(_BUCKETS, dtype=np.int64)
        places = np.floor(np.log(np.maximum(microseconds, _SMALLEST_US) / _SMALLEST_US) / _STEP).astype(np.int64)
        self._buckets += np.bincount(np.minimum(places, _BUCKETS - 1), minlength=_BUCKETS)

    @property
    def mean_us(self) -> float:
        """The mean; NaN without any call."""
        return self.total_us / self.count if self.count else math.nan

    def percentile_us(self, percent: float) -> float:
        """The latency in microseconds that `percent` percent of all calls did not exceed; NaN without any call.

        Raises:
            ValueError: `percent` is not from 0 to 100.
        """
        if not 0 <= percent <= 100:  # noqa: PLR2004 - percent
            raise ValueError(f"a percentile is from 0 to 100; came {percent}")
        if self._exact is not None:
            return float(np.percentile(np.concatenate(self._exact), percent)) if self._exact else math.nan
        assert self._buckets is not None
        if percent in (0, 100):
            return self.smallest_us if percent == 0 else self.largest_us
        rank = percent / 100 * (self.count - 1)
        place = int(np.searchsorted(np.cumsum(self._buckets), rank, side="right"))
        middle = _SMALLEST_US * math.exp((place + 0.5) * _STEP)
        return min(max(middle, self.smallest_us), self.largest_us)

    def to_dict(self) -> dict[str, Any]:
        """Mean, extremes and percentiles in microseconds, as plain values for JSON."""
        return {
            "mean": self.mean_us,
            "min": self.smallest_us,
            **{f"p{percent}": self.percentile_us(percent) for percent in LATENCY_PERCENTILES},
            "max": self.largest_us,
        }

    def __repr__(self) -> str:
        """How many there are, and the middle one."""
        return f"Latencies({self.count} calls, p50 {self.percentile_us(50):.4g} µs)"
