"""What a search compares: a model that is loaded with one setting."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolite._inference.batch import named_outputs
from zerolite._inference.model import CompiledModel
from zerolite._inference.pool import Pool
from zerolite._inference.signature import in_file_order
from zerolite._native import DelegateError
from zerolite._timing.stopwatch import Stopwatch
from zerolite.delegates.choice import DelegateChoice
from zerolite.tuned import Setting

if TYPE_CHECKING:
    from zerolite.tuning.inputs import Sample

__all__ = ["BatchCandidate", "CallCandidate", "Candidate", "OpenCandidates", "Opener", "Outputs", "TimedLoop"]

#: Of each call, the arrays by the outputs' names.
Outputs = list[Mapping[str, NDArray[Any]]]

#: Loads the model with a setting.
Opener = Callable[[Setting], "Candidate"]


class Candidate(Protocol):
    """A model that is loaded with one setting."""

    def outputs(self) -> Outputs:
        """What it answers to the samples that all settings are compared over."""
        ...

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one call; nanoseconds per sample."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class BatchCandidate:
    """A model or a pool of replicas, batch by batch: what counts for throughput."""

    def __init__(
        self, model: CompiledModel, content: bytes, setting: Setting, *, signature: str, batch: dict[str, NDArray[Any]]
    ) -> None:
        """Load the model, or make the pool."""
        self._opened: CompiledModel | Pool
        if setting.workers > 1:
            self._opened = Pool(
                content,
                workers=setting.workers,
                signature=signature,
                delegates=setting.delegates,
            )
            _require_engine(self._opened._models[0], setting)
            self._map, outputs = self._opened.map, self._opened.outputs
        else:
            self._opened = _replica(model, setting)
            chosen = self._opened.signatures[signature]
            self._map, outputs = chosen.map, chosen.outputs
        self._output_names = list(outputs)
        self._batch = batch
        self._chunk = setting.chunk
        self._count = len(next(iter(batch.values())))
        names = {"map": self._map, "batch": batch, "chunk": setting.chunk}
        self._loop = TimedLoop(Stopwatch(("map(batch, chunk=chunk)", names)))

    def outputs(self) -> Outputs:
        """What it answers to the batch."""
        return [named_outputs(self._map(self._batch, chunk=self._chunk), self._output_names)]

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one batch; nanoseconds per sample."""
        return self._loop.time(seconds) / self._count

    def close(self) -> None:
        """Close the model or the pool."""
        self._opened.close()


class CallCandidate:
    """A replica of a model, from arrays in to new arrays out: what counts for latency."""

    def __init__(self, model: CompiledModel, setting: Setting, *, signature: str, samples: Sequence[Sample]) -> None:
        """Load the model."""
        self._model = _replica(model, setting)
        self._call = in_file_order(self._model.signatures[signature])
        self._samples = samples
        names = {"call": self._call, "samples": itertools.cycle(samples)}
        self._loop = TimedLoop(Stopwatch(("call(*next(samples))", names)))

    def outputs(self) -> Outputs:
        """What it answers, sample by sample."""
        found: Outputs = []
        for sample in self._samples:
            named = named_outputs(self._call(*sample), self._call.outputs)
            found.append({name: np.asarray(value) for name, value in named.items()})
        return found

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one call; nanoseconds a call."""
        return self._loop.time(seconds)

    def close(self) -> None:
        """Close the replica."""
        self._model.close()


def _replica(model: CompiledModel, setting: Setting) -> CompiledModel:
    replica = CompiledModel(model, choice=DelegateChoice(setting.delegates, threads=None))
    _require_engine(replica, setting)
    return replica


def _require_engine(model: CompiledModel, setting: Setting) -> None:
    """What would run on LiteRT's kernels after all is no candidate."""
    delegation = model.delegation
    if setting.engine == "openvino" and "OpenVINO" not in delegation.operators:
        model.close()
        raise DelegateError(next((reason for _, reason in delegation.unused), "OpenVINO takes no part of the graph"))


class OpenCandidates:
    """Loads candidates, and keeps the last ones, since loading may take longer than timing."""

    def __init__(self, opener: Opener, clock: Callable[[], float], *, most: int) -> None:
        """Keep at most so many at once, unless a single group has more; the clock tells the time in seconds."""
        #: What it took to load the model with a setting for the first time, in seconds.
        self.load_s: dict[Setting, float] = {}
        self._opener = opener
        self._clock = clock
        self._most = most
        self._open: dict[tuple[Setting, int], Candidate] = {}

    def group(self, settings: Sequence[Setting]) -> list[Candidate]:
        """A candidate for each of the settings; where one occurs twice, two of them.

        What the opener raises goes on to the caller; nothing stays open of a setting that failed.
        """
        keys = [(setting, settings[:place].count(setting)) for place, setting in enumerate(settings)]
        new = [key for key in keys if key not in self._open]
        for key in [key for key in self._open if key not in keys]:
            if len(self._open) + len(new) <= self._most:
                break
            self._open.pop(key).close()
        for key in new:
            begin = self._clock()
            self._open[key] = self._opener(key[0])
            self.load_s.setdefault(key[0], self._clock() - begin)
        return [self._open[key] for key in keys]

    def close(self) -> None:
        """Close all of them."""
        while self._open:
            self._open.popitem()[1].close()


class TimedLoop:
    """Runs a piece of work for about as long as it is asked to."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        """Take what times the work."""
        self._stopwatch = stopwatch
        self._per_call: float | None = None

    def time(self, seconds: float) -> float:
        """Run for about `seconds`, and at least one call; nanoseconds a call."""
        if self._per_call is None:
            # The first call prepares things, and takes longer than those after it.
            first = self._stopwatch.block(1)
            left = 1e9 * seconds - first
            self._per_call = self._stopwatch.warm_up(left / 1e9) if left > 2 * first else first
            return self._per_call
        calls = max(1, round(1e9 * seconds / self._per_call))
        self._per_call = self._stopwatch.block(calls) / calls
        return self._per_call
