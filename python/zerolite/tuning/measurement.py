"""Settings in turns with the default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from zerolite._timing.ratio import Ratio
from zerolite.tuned import Setting
from zerolite.tuning.candidates import Contestant, OpenContestants

__all__ = ["Lap", "Race"]

# Of the time, what all run untimed before: threads start, and caches fill.
_WARMUP_SHARE = 0.2


class Lap(NamedTuple):
    """What one entrant took.

    Attributes:
        per_item_us: microseconds per item, the median of the rounds.
        ratio: the time as a part of the default's, round by round.
    """

    per_item_us: float
    ratio: Ratio


class Race:
    """Times settings in rounds, in each of which the default runs as well: what slows the machine slows all of them."""

    def __init__(self, contestants: OpenContestants, clock: Callable[[], float], advance: Callable[[], None]) -> None:
        """Take what loads settings, a clock in seconds, and what to call after each turn."""
        self._open = contestants
        self._clock = clock
        self._advance = advance

    def run(self, settings: Sequence[Setting], *, seconds: float, rounds: int) -> tuple[Lap, list[Lap]] | None:
        """Time the default and `settings`, all of them loaded at once.

        The order turns around from round to round. When the time is up, no other round begins.

        Args:
            settings: what is timed beside the default.
            seconds: how long all of it may take, about.
            rounds: how many rounds there are where the time allows it.

        Returns:
            The default's lap, whose ratio is 1, and a lap for each of the settings; None where the time did not allow
            one round.
        """
        if seconds <= 0:
            return None
        deadline = self._clock() + seconds
        entrants = self._open.group([Setting(), *settings])
        left = max(0.0, deadline - self._clock())
        for entrant in entrants:
            entrant.time(_WARMUP_SHARE * left / len(entrants))
            self._advance()
        turn = max(0.0, deadline - self._clock()) / (rounds * len(entrants))
        times: list[list[float]] = []
        while len(times) < rounds and self._clock() < deadline:
            times.append(self._round(entrants, turn, backwards=len(times) % 2 == 1))
        if not times:
            return None
        by_entrant = np.array(times).T
        laps = [Lap(float(np.median(own)) / 1e3, Ratio.of(own, by_entrant[0])) for own in by_entrant]
        return laps[0], laps[1:]

    def _round(self, entrants: Sequence[Contestant], turn: float, *, backwards: bool) -> list[float]:
        places = range(len(entrants))
        taken = [0.0] * len(entrants)
        for place in reversed(places) if backwards else places:
            taken[place] = entrants[place].time(turn)
            self._advance()
        return taken
