"""The items that settings are compared over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._data.open import open_items
from zerolite._inference.batch import has_open_leading_axis
from zerolite._runners.compiled_model import tensor_spec
from zerolite._timing.stopwatch import Stopwatch
from zerolite.benchmarking.inputs import make_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zerolite._inference.model import CompiledModel
    from zerolite._inference.signature import Signature
    from zerolite._runtime.tensor import Tensor

__all__ = ["Item", "batch_of", "items_for", "largest_chunk"]

#: The arguments of a call.
Item = tuple[NDArray[Any], ...]

# Enough that a setting that rounds differently shows it; each of the settings runs all of them.
_MOST_ITEMS = 16
_RANDOM_ITEMS = 4

# A batch takes about so much of the budget with the default, and no more than so many seconds; within limits: enough
# items for each worker, and bytes of memory.
_BUDGET_SHARE = 1 / 400
_MOST_SECONDS = 0.05
_FEWEST_PER_WORKER = 8
_MOST_BATCH_ITEMS = 1024
_MOST_BYTES = 64 << 20


def items_for(signature: CompiledModel | Signature, data: Any, *, seed: int) -> list[Item]:
    """The first items of the data, or random ones.

    Args:
        signature: what is going to run them.
        data: as `evaluate` takes it; None makes items: quantized values over the whole range of their type, and all
            others as `zerolite.benchmarking.make_inputs` does. For a model that refuses those, as one that takes them
            for indices may, an item of zeros.
        seed: the random items depend on it and on nothing else.

    Raises:
        TypeError, ValueError, OSError: the data can't be read, does not fit, or holds no items.
        Error: the model can't be run over any of them.
    """
    if data is not None:
        return list(_items_of(signature, data))
    tensors = list(signature.inputs.values())
    items = [_random_item(tensors, seed + number) for number in range(_RANDOM_ITEMS)]
    try:
        for item in items:
            signature(*item)
    except _native.Error:
        specs = {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}
        zeros = tuple(make_inputs(specs, "zeros"))
        try:
            signature(*zeros)
        except _native.Error as error:
            raise _native.Error(f"the model refuses random inputs, and zeros: {error}; pass data") from error
        return [zeros]
    return items


def _random_item(tensors: list[Tensor], seed: int) -> Item:
    specs = {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}
    arrays = make_inputs(specs, seed=seed)
    rng = np.random.default_rng(seed)
    for place, tensor in enumerate(tensors):
        dtype = np.dtype(tensor.dtype)
        if tensor.quantization is not None and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            arrays[place] = rng.integers(limits.min, limits.max, tensor.shape, dtype, endpoint=True)
    return tuple(arrays)


def _items_of(signature: CompiledModel | Signature, data: Any) -> Iterator[Item]:
    specs = [tensor_spec(tensor) for tensor in signature.inputs.values()]
    leading = {spec.shape[0] if spec.shape else 0 for spec in specs}
    if len(leading) != 1 or 0 in leading:
        shapes = ", ".join(f"{spec.name!r} {spec.shape}" for spec in specs) or "none"
        raise ValueError(
            f"data needs inputs with the same leading axis, and the model's inputs are {shapes}; leave data out, and "
            "random inputs are made"
        )
    (per_call,) = leading
    count = 0
    for block in open_items(data, None, [specs]).blocks(per_call):
        if len(block) == per_call and count < _MOST_ITEMS:
            count += 1
            yield block.stored(specs)
        if count == _MOST_ITEMS:
            return
    if count == 0:
        raise ValueError(f"the data has fewer than {per_call} items, and a run takes that many; pass more")


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
    calls = min(max(round(seconds / per_call), _FEWEST_PER_WORKER * workers), _MOST_BATCH_ITEMS, _MOST_BYTES // size)
    chosen = [items[number % len(items)] for number in range(max(calls, workers))]
    join = np.concatenate if _native.batch_layout(signature)[1] else np.stack
    return {name: join([item[place] for item in chosen]) for place, name in enumerate(names)}


def largest_chunk(signature: CompiledModel | Signature, batch: dict[str, NDArray[Any]]) -> int | None:
    """How many items one run may take; None where the leading axis can't be resized."""
    return len(next(iter(batch.values()))) if has_open_leading_axis(signature.inputs) else None
