"""The schedule of an evaluation: several models over the same samples, in interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import SampleBlock
from zerolite._data.source import SampleSource
from zerolite._runners import Runner, state_reset
from zerolite._runners.input_range import InputRange, RangeMeter
from zerolite._timing.interleaved import interleave
from zerolite.evaluation.latencies import Latencies

__all__ = ["Observer", "ProgressCallback", "Schedule"]

#: Called as (runs done, runs in all) now and then while an evaluation works; None where the end is not known.
ProgressCallback = Callable[[int, int | None], Any]

# Samples that one model runs before the next one does: enough for caches to settle on a model, and few enough for a
# slow moment of the machine to hit all of them.
_BLOCK = 60


class Observer(Protocol):
    """Is shown every block of samples with what all models make of it, once."""

    def observe(self, block: SampleBlock, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Look at the samples and at the real outputs of each model, shape (samples, *output shape)."""
        ...


class Schedule:
    """Runs models over samples, a few dozen at a time; every interleaved round of them begins with another model.

    Attributes:
        latencies: by model.
        items: how many samples there were.
        runs: how many samples each model ran, however often the data was gone through.
        items_per_call: by model.
    """

    def __init__(
        self,
        runners: Mapping[str, Runner],
        source: SampleSource,
        *,
        batch: int | None,
        resets_items: bool = True,
        order: Sequence[str] = (),
    ) -> None:
        """Take models and samples.

        Args:
            runners: name -> model.
            source: the samples.
            batch: how many samples one timed call runs; None leaves it to each runner.
            resets_items: whether the variables of stateful models go back to their start before every sample, which is
                not timed, or only before the first one of each time through the data.
            order: the names of inputs that come without.
        """
        self._runners = runners
        self._source = source
        self._resets = {name: state_reset(runner) for name, runner in runners.items()}
        self._resets_items = resets_items
        self._order = order
        self.items_per_call = {name: batch or runner.items_per_call for name, runner in runners.items()}
        largest = max(self.items_per_call.values())
        self._block = _BLOCK if largest == 1 else largest * max(1, _BLOCK // largest)
        self.latencies = {name: Latencies() for name in runners}
        self.items = 0
        self.runs = 0
        self._meters = {
            name: {spec.name: RangeMeter(spec.stored_as) for spec in runner.inputs if spec.stored_as is not None}
            for name, runner in runners.items()
        }
        self._metered = {
            name: [replace(spec, meter=self._meters[name].get(spec.name)) for spec in runner.inputs]
            for name, runner in runners.items()
        }

    def run(
        self, observers: Sequence[Observer], *, rounds: int, warmup: int, progress: ProgressCallback | None
    ) -> None:
        """Run all samples `rounds` times; show the observers the first time.

        Raises:
            ValueError: the data can't be gone through several times, or a model returns what is not one for each
                sample.
        """
        if rounds > 1 and not self._source.repeatable:
            raise ValueError(
                f"{rounds} rounds need data that can be gone through as often; an iterator can be only once"
            )
        names = list(self._runners)
        orders = interleave(names)
        for round_index in range(rounds):
            first = True
            for block in self._source.blocks(self._block):
                if self.runs == 0 and warmup:
                    for name, runner in self._runners.items():
                        self._warm_up(name, block.stored(runner.inputs, self._order), warmup)
                if first:
                    self._begin_streams()
                    first = False
                outputs: dict[str, NDArray[Any]] = {}
                for place, name in enumerate(next(orders), 1):
                    # Each value is counted once.
                    specs = self._metered[name] if round_index == 0 else self._runners[name].inputs
                    stored = self._run_block(name, block.stored(specs, self._order))
                    if round_index == 0:
                        outputs[name] = self._runners[name].output.real(stored)
                    if progress is not None:
                        done = self.runs * len(names) + place * len(block)
                        total = self._source.total
                        progress(done, None if total is None else rounds * total * len(names))
                self.runs += len(block)
                if round_index == 0:
                    self.items += len(block)
                    for observer in observers:
                        observer.observe(block, {name: outputs[name] for name in names})

    def input_ranges(self, name: str) -> dict[str, InputRange]:
        """What the quantized inputs of a model hold and got, by name; those are left out that got integers."""
        ranges = {key: meter.range() for key, meter in self._meters[name].items()}
        return {key: found for key, found in ranges.items() if found is not None}

    def _begin_streams(self) -> None:
        for reset in self._resets.values():
            if reset is not None:
                reset()

    def _warm_up(self, name: str, arrays: tuple[NDArray[Any], ...], calls: int) -> None:
        runner, size, items = self._runners[name], self.items_per_call[name], len(arrays[0])
        for call in range(calls):
            if size == 1:
                place = call % items
                runner.function(*(array[place : place + 1] for array in arrays))
            else:
                runner.map(*(array[:size] for array in arrays))

    def _run_block(self, name: str, arrays: tuple[NDArray[Any], ...]) -> NDArray[Any]:
        """Time the model over a block; its outputs as stored, (samples, ...)."""
        runner, size = self._runners[name], self.items_per_call[name]
        function = runner.function if size == 1 else runner.map
        # Cut beforehand, so that nothing but the call is between two readings of the clock.
        calls = [tuple(array[start : start + size] for array in arrays) for start in range(0, len(arrays[0]), size)]
        reset = self._resets[name] if self._resets_items and size == 1 else None  # `map` resets by itself
        if reset is not None:
            nanoseconds, outputs = _timed_anew(function, calls, reset)
        elif len(arrays) == 1:
            nanoseconds, outputs = _timed_one(function, calls)
        else:
            nanoseconds, outputs = _timed_several(function, calls)
        self.latencies[name].add(np.asarray(nanoseconds, dtype=np.float64) / 1000)
        for call, output in zip(calls, outputs, strict=True):
            if output.shape[:1] != (len(call[0]),):
                raise ValueError(
                    f"the model returned an array of shape {output.shape} for {len(call[0])} item"
                    f"{'s' * (len(call[0]) != 1)}; expected ({len(call[0])}, "
                    f"{', '.join(map(str, runner.output.shape[1:]))})"
                )
        return np.concatenate(outputs)


def _timed_one(
    function: Callable[..., NDArray[Any]], calls: Sequence[tuple[NDArray[Any], ...]]
) -> tuple[list[int], list[NDArray[Any]]]:
    """The nanoseconds and the output of each call with one argument, without what it costs to unpack a tuple."""
    clock = time.perf_counter_ns
    nanoseconds, outputs = [], []
    for (array,) in calls:
        begin = clock()
        output = function(array)
        nanoseconds.append(clock() - begin)
        outputs.append(output)
    return nanoseconds, outputs


def _timed_several(
    function: Callable[..., NDArray[Any]], calls: Sequence[tuple[NDArray[Any], ...]]
) -> tuple[list[int], list[NDArray[Any]]]:
    """The nanoseconds and the output of each call with several arguments."""
    clock = time.perf_counter_ns
    nanoseconds, outputs = [], []
    for arrays in calls:
        begin = clock()
        output = function(*arrays)
        nanoseconds.append(clock() - begin)
        outputs.append(output)
    return nanoseconds, outputs


def _timed_anew(
    function: Callable[..., NDArray[Any]], calls: Sequence[tuple[NDArray[Any], ...]], reset: Callable[[], object]
) -> tuple[list[int], list[NDArray[Any]]]:
    """The nanoseconds and the output of each call of a stateful model, which begins anew before each."""
    clock = time.perf_counter_ns
    nanoseconds, outputs = [], []
    for arrays in calls:
        reset()
        begin = clock()
        output = function(*arrays)
        nanoseconds.append(clock() - begin)
        outputs.append(output)
    return nanoseconds, outputs
