"""A model that is called for one item after another."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from zerolite.benchmarking.stopwatch import Stopwatch
from zerolite.tuned import Setting
from zerolite.tuning.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zerolite import CompiledModel
    from zerolite.tuning.contestant import Outputs
    from zerolite.tuning.items import Item

__all__ = ["CallContestant"]


class CallContestant:
    """A replica of a model, from arrays in to new arrays out: what counts for latency."""

    def __init__(self, model: CompiledModel, setting: Setting, *, signature: str, items: Sequence[Item]) -> None:
        """Load the model."""
        from zerolite import CompiledModel
        from zerolite.delegates.choice import DelegateChoice

        self._model = CompiledModel(model, choice=DelegateChoice(setting.delegate, threads=None))
        self._call = self._model.signatures[signature]
        self._items = items
        turns = itertools.cycle(items)
        self._pace = Pace(Stopwatch(("call(*next(turns))", {"call": self._call, "turns": turns})))

    def outputs(self) -> Outputs:
        """What it answers, item by item."""
        names = list(self._call.outputs)
        found: Outputs = []
        for item in self._items:
            result = self._call(*item)
            named = result if isinstance(result, dict) else {names[0]: result}
            found.append({name: np.asarray(value) for name, value in named.items()})
        return found

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one call; nanoseconds a call."""
        return self._pace.time(seconds)

    def close(self) -> None:
        """Close the replica."""
        self._model.close()
