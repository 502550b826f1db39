"""Models whose batch is fixed at more than one item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.runner import Runner, state_reset

if TYPE_CHECKING:
    from zerolite._runtime.validation import Reset

__all__ = ["FixedBatchRunner"]


class FixedBatchRunner:
    """Feeds a model that runs `batch` items at a time, no more and no fewer.

    Where there are fewer, the last of them fills the batch up, and what the model makes of the filling is left out.
    """

    def __init__(self, runner: Runner, *, reset: Reset = "item") -> None:
        """Adapt `runner`, a model that takes and returns arrays of `batch` items; `reset` is as for `adapt`.

        Raises:
            ValueError: the leading axis of the output is no batch.
        """
        self._runner = runner
        self.batch = runner.inputs[0].shape[0]
        output = runner.output
        if output.shape[:1] != (self.batch,):
            raise ValueError(
                f"the model takes {self.batch} items at a time, and the leading axis of its output '{output.name}' of "
                f"shape {output.shape} does not count them; convert the model with a batch of 1"
            )
        self.inputs_in_doubt = bool(getattr(runner, "inputs_in_doubt", False))
        self.score_kind = getattr(runner, "score_kind", None)
        self.reset = state_reset(runner)
        self._reset_each = self.reset if reset == "item" else None
        self.runtime = runner.runtime
        self.inputs = [replace(spec, shape=(1, *spec.shape[1:])) for spec in runner.inputs]
        self.output = replace(output, shape=(1, *output.shape[1:]))
        # Full batches: a call takes the same time however many of its items are needed.
        self.items_per_call = -(-runner.items_per_call // self.batch) * self.batch
        self._run_each: Callable[[Sequence[tuple[NDArray[Any], ...]]], list[NDArray[Any]]] = getattr(
            runner, "run_each", self._one_after_another
        )

    def function(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Run one item, in a batch of its copies."""
        return self._runner.function(*map(self._filled, arrays))[: len(arrays[0])]

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items, `batch` of them at a time."""
        items = len(batches[0])
        starts = range(0, items, self.batch)
        calls = [tuple(self._filled(array[start : start + self.batch]) for array in batches) for start in starts]
        return np.concatenate(self._run_each(calls))[:items]

    def close(self) -> None:
        """Give back what the runner has opened itself."""
        self._runner.close()

    def _filled(self, items: NDArray[Any]) -> NDArray[Any]:
        missing = self.batch - len(items)
        return items if missing == 0 else np.concatenate([items, np.repeat(items[-1:], missing, axis=0)])

    def _one_after_another(self, calls: Sequence[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
        results = []
        for arrays in calls:
            if self._reset_each is not None:
                self._reset_each()
            results.append(self._runner.function(*arrays))
        return results
