"""A model that is called for one item after another."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from zerolite._inference.batch import named_outputs
from zerolite._inference.model import CompiledModel
from zerolite._timing.stopwatch import Stopwatch
from zerolite.delegates.choice import DelegateChoice
from zerolite.tuned import Setting
from zerolite.tuning.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zerolite.tuning.candidates import Outputs
    from zerolite.tuning.inputs import Item

__all__ = ["CallContestant"]


class CallContestant:
    """A replica of a model, from arrays in to new arrays out: what counts for latency."""

    def __init__(self, model: CompiledModel, setting: Setting, *, signature: str, items: Sequence[Item]) -> None:
        """Load the model."""
        self._model = CompiledModel(model, choice=DelegateChoice(setting.delegate, threads=None))
        self._call = self._model.signatures[signature]
        self._items = items
        turns = itertools.cycle(items)
        self._pace = Pace(Stopwatch(("call(*next(turns))", {"call": self._call, "turns": turns})))

    def outputs(self) -> Outputs:
        """What it answers, item by item."""
        found: Outputs = []
        for item in self._items:
            named = named_outputs(self._call(*item), self._call.outputs)
            found.append({name: np.asarray(value) for name, value in named.items()})
        return found

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one call; nanoseconds a call."""
        return self._pace.time(seconds)

    def close(self) -> None:
        """Close the replica."""
        self._model.close()
