"""Which runs are so short that the event loop makes them itself, since the way to another thread takes longer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING, NamedTuple

from zerolite.serving.protocol import Arrays

if TYPE_CHECKING:
    from zerolite._inference.model import CompiledModel
    from zerolite._inference.signature import SignatureMethods

__all__ = ["QuickRuns", "RunClock", "RunTime", "has_steady_runs"]

# The way to a thread and back takes about that much: a wake-up on each side, and twice the wait for Python's lock.
_QUICK_S = 100e-6
# What one run may hold up the event loop for, where it takes longer than those before it.
_MOST_S = 0.01
# So many runs are looked at together.
_RUNS = 16
# So many shapes are remembered, since clients choose them.
_SHAPES = 64
# Operators whose work depends on the values of a request, and not on its shapes alone.
_UNSTEADY = frozenset(
    {"WHILE", "IF", "CALL", "STABLEHLO_WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE"}
    | {"RANGE", "FILL", "TILE", "BROADCAST_TO", "PAD", "PADV2", "MIRROR_PAD", "ONE_HOT", "TRANSPOSE_CONV"}
    | {"RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL"}
)


class RunTime(NamedTuple):
    """How long a run took, in seconds: of the thread's own processor time, and altogether.

    The first does not grow where others want the processor or Python's lock; the second has what is done elsewhere.
    """

    own: float
    all: float


class RunClock:
    """Measures one run, from when it is made."""

    def __init__(self) -> None:
        """Begin."""
        self._own = time.thread_time()
        self._all = time.monotonic()

    def read(self) -> RunTime:
        """The time since then; for the same thread."""
        return RunTime(time.thread_time() - self._own, time.monotonic() - self._all)


class QuickRuns:
    """Learns what is quick, from how long runs take."""

    def __init__(self, steady: Collection[str]) -> None:
        """Only look at runs of these signatures, which do the same work for all requests of the same shapes."""
        self._steady = steady
        self._taken: dict[Hashable, list[RunTime]] = {}
        self._quick: set[Hashable] = set()

    def kind(self, signature: str, inputs: Arrays) -> Hashable | None:
        """What a run is one of: runs of a kind do the same work; None for a run that may do any."""
        if signature not in self._steady:
            return None
        return signature, *[(name, array.shape) for name, array in inputs.items()]

    def __contains__(self, kind: Hashable | None) -> bool:
        """Whether the event loop should make the runs of this kind."""
        return kind in self._quick

    def note(self, kind: Hashable | None, taken: RunTime) -> None:
        """Note how long a run of one request took, in the event loop or in a thread."""
        if kind is None:
            return
        runs = self._taken.get(kind)
        if runs is None:
            if len(self._taken) == _SHAPES:
                oldest = next(iter(self._taken))
                del self._taken[oldest]
                self._quick.discard(oldest)
            runs = self._taken[kind] = []
        runs.append(taken)
        if taken.own > _MOST_S:
            self._quick.discard(kind)
        elif len(runs) == _RUNS:
            # Of what it took altogether, the shortest has the least of what others did meanwhile.
            if max(statistics.median(run.own for run in runs), min(run.all for run in runs)) < _QUICK_S:
                self._quick.add(kind)
            else:
                self._quick.discard(kind)
        if len(runs) == _RUNS:
            runs.clear()


def has_steady_runs(model: CompiledModel, signature: SignatureMethods) -> bool:
    """Whether runs of a signature do the same work for all requests of the same shapes: no loops, and no strings."""
    tensors = (*signature.inputs.values(), *signature.outputs.values())
    if any(tensor.dtype.hasobject for tensor in tensors):
        return False
    return _UNSTEADY.isdisjoint(name for _, names, *_ in model._delegation() for name in names)
