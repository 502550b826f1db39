"""Measurements of settings, paired with the default's in the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from zerolite._timing.interleaved import interleave
from zerolite._timing.ratio import Ratio
from zerolite.tuned import Setting
from zerolite.tuning.candidates import OpenCandidates

__all__ = ["Measurement", "PairedMeasurement"]

# The share of the time in which all candidates run untimed first: threads start, and caches fill.
_WARMUP_SHARE = 0.2


class Measurement(NamedTuple):
    """What one setting took.

    Attributes:
        per_item_us: microseconds per item, the median of the rounds.
        ratio: the time as a part of the default's, round by round.
    """

    per_item_us: float
    ratio: Ratio


class PairedMeasurement:
    """Times settings in rounds, in each of which the default runs as well: what slows the machine slows all of them."""

    def __init__(self, candidates: OpenCandidates, clock: Callable[[], float], advance: Callable[[], None]) -> None:
        """Take what loads settings, a clock in seconds, and what to call after each run of one."""
        self._open = candidates
        self._clock = clock
        self._advance = advance

    def run(
        self, settings: Sequence[Setting], *, seconds: float, rounds: int
    ) -> tuple[Measurement, list[Measurement]] | None:
        """Time the default and `settings`, all of them loaded at once.

        When the time is up, no other round begins.

        Args:
            settings: what is timed beside the default.
            seconds: how long all of it may take, about.
            rounds: how many rounds there are where the time allows it.

        Returns:
            The default's measurement, whose ratio is 1, and one for each of the settings; None where the time did not
            allow one round.
        """
        if seconds <= 0:
            return None
        deadline = self._clock() + seconds
        candidates = self._open.group([Setting(), *settings])
        left = max(0.0, deadline - self._clock())
        for candidate in candidates:
            candidate.time(_WARMUP_SHARE * left / len(candidates))
            self._advance()
        share = max(0.0, deadline - self._clock()) / (rounds * len(candidates))
        times: list[list[float]] = []
        for order in interleave(range(len(candidates)), rounds):
            if self._clock() >= deadline:
                break
            taken = [0.0] * len(candidates)
            for place in order:
                taken[place] = candidates[place].time(share)
                self._advance()
            times.append(taken)
        if not times:
            return None
        by_candidate = np.array(times).T
        measured = [Measurement(float(np.median(own)) / 1e3, Ratio.of(own, by_candidate[0])) for own in by_candidate]
        return measured[0], measured[1:]
