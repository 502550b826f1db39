"""Contestants that are loaded at the moment."""

from __future__ import annotations

from collections.abc import Sequence

from zerolite.tuned import Setting
from zerolite.tuning.candidates import Contestant, Opener

__all__ = ["OpenContestants"]


class OpenContestants:
    """Loads contestants, and keeps the last ones, since loading may take longer than a turn."""

    def __init__(self, opener: Opener, *, most: int) -> None:
        """Keep at most so many at once, unless a single group has more."""
        self._opener = opener
        self._most = most
        self._open: dict[tuple[Setting, int], Contestant] = {}

    def group(self, settings: Sequence[Setting]) -> list[Contestant]:
        """A contestant for each of the settings; where one occurs twice, two of them.

        What the opener raises goes on to the caller; nothing stays open of a setting that failed.
        """
        keys = [(setting, settings[:place].count(setting)) for place, setting in enumerate(settings)]
        new = [key for key in keys if key not in self._open]
        for key in [key for key in self._open if key not in keys]:
            if len(self._open) + len(new) <= self._most:
                break
            self._open.pop(key).close()
        for key in new:
            self._open[key] = self._opener(key[0])
        return [self._open[key] for key in keys]

    def close(self) -> None:
        """Close all of them."""
        while self._open:
            self._open.popitem()[1].close()
