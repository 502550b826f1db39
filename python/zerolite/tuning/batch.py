"""The batch that throughput is measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._inference.batch import has_open_leading_axis
from zerolite._timing.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zerolite import CompiledModel, Signature
    from zerolite.tuning.inputs import Item

__all__ = ["batch_of", "largest_chunk"]

# A batch takes about so much of the budget with the default, and no more than so many seconds; within limits: enough
# items for each worker, and bytes of memory.
_BUDGET_SHARE = 1 / 400
_MOST_SECONDS = 0.05
_FEWEST_PER_WORKER = 8
_MOST_ITEMS = 1024
_MOST_BYTES = 64 << 20


def batch_of(
    signature: CompiledModel | Signature, items: Sequence[Item], *, workers: int, budget_s: float
) -> dict[str, NDArray[Any]]:
    """Repeat the items as often as a batch needs them.

    Args:
        signature: what runs the batch with the default setting.
        items: arguments of calls.
        workers: the most workers that will share the batch.
        budget_s: the seconds of the whole tuning.

    Returns:
        Arrays of shape (items, ...) by the inputs' names.

    Raises:
        ValueError: the signature has no inputs.
    """
    names = list(signature.inputs)
    if not names:
        raise ValueError("the signature has no inputs, so that there are no batches; tune it for latency")
    stopwatch = Stopwatch(("call(*item)", {"call": signature, "item": items[0]}))
    seconds = min(_BUDGET_SHARE * budget_s, _MOST_SECONDS)
    per_call = stopwatch.warm_up(0.5 * seconds) / 1e9
    size = max(1, sum(array.nbytes for array in items[0]))
    calls = min(max(round(seconds / per_call), _FEWEST_PER_WORKER * workers), _MOST_ITEMS, _MOST_BYTES // size)
    chosen = [items[number % len(items)] for number in range(max(calls, workers))]
    join = np.concatenate if _native.batch_layout(signature)[1] else np.stack
    return {name: join([item[place] for item in chosen]) for place, name in enumerate(names)}


def largest_chunk(signature: CompiledModel | Signature, batch: dict[str, NDArray[Any]]) -> int | None:
    """How many items one run may take; None where the leading axis can't be resized."""
    return len(next(iter(batch.values()))) if has_open_leading_axis(signature.inputs) else None
