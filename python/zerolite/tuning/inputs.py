"""The samples that settings are compared over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._data.open import open_samples
from zerolite._inference.batch import has_open_leading_axis
from zerolite._inference.signature import in_file_order, warn_of_positions
from zerolite._runners.compiled_model import tensor_spec
from zerolite._timing.stopwatch import Stopwatch
from zerolite.benchmarking.inputs import make_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zerolite._inference.model import CompiledModel
    from zerolite._inference.signature import Signature
    from zerolite._runtime.tensor import Tensor

__all__ = ["Sample", "batch_of", "largest_chunk", "samples_for"]

#: The arguments of a call.
Sample = tuple[NDArray[Any], ...]

# Enough to show a setting that rounds differently, and few enough for each of the settings to run all of them.
_MOST_SAMPLES = 16
_RANDOM_SAMPLES = 4

# The size of a batch: with the default it takes this share of the budget, and at most so many seconds. It has at least
# so many samples for each worker, and at most so many samples and bytes.
_BUDGET_SHARE = 1 / 400
_MOST_SECONDS = 0.05
_FEWEST_PER_WORKER = 8
_MOST_BATCH_ITEMS = 1024
_MOST_BYTES = 64 << 20


def samples_for(signature: CompiledModel | Signature, data: Any, *, seed: int) -> list[Sample]:
    """The first samples of the data, or random ones.

    Args:
        signature: what is going to run them.
        data: as `evaluate` takes it; None makes samples: quantized values over the whole range of their type, and all
            others as `zerolite.benchmarking.make_inputs` does. For a model that refuses those, as one that takes them
            for indices may, a sample of zeros.
        seed: the random samples depend on it and on nothing else.

    Raises:
        TypeError, ValueError, OSError: the data can't be read, does not fit, or holds no samples.
        Error: the model can't be run over any of them.
    """
    if data is not None:
        return list(_samples_of(signature, data))
    tensors = list(signature.inputs.values())
    call = in_file_order(signature)
    samples = [_random_sample(tensors, seed + number) for number in range(_RANDOM_SAMPLES)]
    try:
        for sample in samples:
            call(*sample)
    except _native.Error:
        specs = {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}
        zeros = tuple(make_inputs(specs, "zeros"))
        try:
            call(*zeros)
        except _native.Error as error:
            raise _native.Error(f"the model refuses random inputs, and zeros: {error}; pass data") from error
        return [zeros]
    return samples


def batch_of(
    signature: CompiledModel | Signature, samples: Sequence[Sample], *, workers: int, budget_s: float
) -> dict[str, NDArray[Any]]:
    """Repeat the samples as often as a batch needs them.

    Args:
        signature: what runs the batch with the default setting.
        samples: arguments of calls.
        workers: the most workers that will share the batch.
        budget_s: the seconds of the whole tuning.

    Returns:
        Arrays of shape (samples, ...) by the inputs' names.

    Raises:
        ValueError: the signature has no inputs.
    """
    names = list(signature.inputs)
    if not names:
        raise ValueError("the signature has no inputs, so that there are no batches; tune it for latency")
    stopwatch = Stopwatch(("call(*sample)", {"call": in_file_order(signature), "sample": samples[0]}))
    seconds = min(_BUDGET_SHARE * budget_s, _MOST_SECONDS)
    per_call = stopwatch.warm_up(0.5 * seconds) / 1e9
    size = max(1, sum(array.nbytes for array in samples[0]))
    calls = min(max(round(seconds / per_call), _FEWEST_PER_WORKER * workers), _MOST_BATCH_ITEMS, _MOST_BYTES // size)
    chosen = [samples[number % len(samples)] for number in range(max(calls, workers))]
    join = np.concatenate if _native.batch_layout(signature)[1] else np.stack
    return {name: join([sample[place] for sample in chosen]) for place, name in enumerate(names)}


def largest_chunk(signature: CompiledModel | Signature, batch: dict[str, NDArray[Any]]) -> int | None:
    """How many samples one run may take; None where the leading axis can't be resized."""
    return len(next(iter(batch.values()))) if has_open_leading_axis(signature.inputs) else None


def _random_sample(tensors: list[Tensor], seed: int) -> Sample:
    specs = {tensor.name: (tensor.shape, tensor.dtype) for tensor in tensors}
    arrays = make_inputs(specs, seed=seed)
    rng = np.random.default_rng(seed)
    for place, tensor in enumerate(tensors):
        dtype = np.dtype(tensor.dtype)
        if tensor.quantization is not None and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            arrays[place] = rng.integers(limits.min, limits.max, tensor.shape, dtype, endpoint=True)
    return tuple(arrays)


def _samples_of(signature: CompiledModel | Signature, data: Any) -> Iterator[Sample]:
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
    for block in open_samples(data, None, [specs], on_positions=lambda: warn_of_positions(signature)).blocks(per_call):
        if len(block) == per_call and count < _MOST_SAMPLES:
            count += 1
            yield block.stored(specs)
        if count == _MOST_SAMPLES:
            return
    if count == 0:
        raise ValueError(f"the data has fewer than {per_call} items, and a run takes that many; pass more")
