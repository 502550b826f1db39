"""How many calls fit into a time."""

from __future__ import annotations

from zerolite._timing.stopwatch import Stopwatch

__all__ = ["Pace"]


class Pace:
    """Runs a piece of work for about as long as is wished."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        """Take what times the work."""
        self._stopwatch = stopwatch
        self._per_call: float | None = None

    def time(self, seconds: float) -> float:
        """Run for about `seconds`, and at least one call; nanoseconds a call."""
        if self._per_call is None:
            # The first call prepares things, and tells little of those after it.
            first = self._stopwatch.block(1)
            left = 1e9 * seconds - first
            self._per_call = self._stopwatch.warm_up(left / 1e9) if left > 2 * first else first
            return self._per_call
        calls = max(1, round(1e9 * seconds / self._per_call))
        self._per_call = self._stopwatch.block(calls) / calls
        return self._per_call
