"""Timing one piece of work, in blocks and call by call."""

from __future__ import annotations

import time
import timeit
from functools import cache
from typing import Any, Protocol

__all__ = ["AnyStopwatch", "Stopwatch", "Work", "clock_cost", "warm_up"]

#: A statement of Python, and the names in it.
Work = tuple[str, dict[str, Any]]

_MOST_CALLS_IN_A_BLOCK = 10_000_000


class AnyStopwatch(Protocol):
    """What times one piece of work, wherever that runs."""

    def block(self, count: int) -> float:
        """Nanoseconds that `count` calls take, one after another."""
        ...

    def calls(self, count: int) -> list[float]:
        """The nanoseconds of each of `count` calls."""
        ...


class Stopwatch:
    """Times one piece of work with `timeit`: in its own tight loop, with the garbage collector off."""

    def __init__(self, work: Work) -> None:
        """Compile the work's statement."""
        statement, names = work
        self._timer = timeit.Timer(statement, timer=time.perf_counter_ns, globals=names)

    def block(self, count: int) -> float:
        """Nanoseconds that `count` calls take, one after another."""
        return self._timer.timeit(count)

    def calls(self, count: int) -> list[float]:
        """The nanoseconds of each of `count` calls; reading the clock is in each of them (`clock_cost`)."""
        single = self._timer.timeit
        return [single(1) for _ in range(count)]

    def warm_up(self, seconds: float) -> float:
        """Run for that long, and at least three calls.

        Returns:
            Nanoseconds per call, as its last block had it.
        """
        return warm_up(self, seconds)


def warm_up(stopwatch: AnyStopwatch, seconds: float) -> float:
    """Run what a stopwatch times for that long, and at least three calls.

    Returns:
        Nanoseconds per call, as its last block had it.
    """
    count, spent = 1, stopwatch.block(1) + stopwatch.block(1)
    while True:
        taken = stopwatch.block(count)
        spent += taken
        if spent >= 1e9 * seconds:
            return taken / count
        # As blocks double, the last one takes half of the time, and it gives the best estimate.
        count = min(2 * count, _MOST_CALLS_IN_A_BLOCK)


@cache
def clock_cost() -> float:
    """Nanoseconds between two readings of the clock with nothing in between; the median of many."""
    readings = timeit.Timer("pass", timer=time.perf_counter_ns)
    return sorted(readings.timeit(1) for _ in range(2001))[1000]
