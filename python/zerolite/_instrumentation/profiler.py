"""The profiler: it runs a signature and takes a profile."""

from __future__ import annotations

import time
from collections.abc import Callable

from zerolite import _native
from zerolite._instrumentation.profile import Profile
from zerolite._instrumentation.profiled_run import ProfiledRun, TimedNode, name_nodes
from zerolite._runtime.validation import positive_int
from zerolite._timing.interleaved import interleave

__all__ = ["profile_signature"]

# The first runs prepare the plan, and find out shapes that are known only after a run.
_WARMUP = 3


def profile_signature(
    signature: _native.Signature, runs: int, *, progress: Callable[[int, int], object] | None = None
) -> Profile:
    """Profile runs of two replicas that take turns, one with a profiler and one without; see `Signature.profile`."""
    count = positive_int("runs", runs)
    plain = _native.replica(signature)
    profiled = _native.replica(signature, profiling=True)
    for replica in (plain, profiled):
        _native.take_inputs(replica, signature)
    for _ in range(_WARMUP):
        plain.run()
        _native.profile_run(profiled)
    plain_ns, profiles = [], []
    for order in interleave((plain, profiled), count):
        for replica in order:
            if replica is plain:
                begin = time.perf_counter_ns()
                plain.run()
                plain_ns.append(time.perf_counter_ns() - begin)
            else:
                elapsed, nodes = _native.profile_run(profiled)
                profiles.append(ProfiledRun(elapsed, [TimedNode(*node) for node in nodes]))
        if progress is not None:
            progress(len(profiles), count)
    return Profile(
        model=_native.model_name(signature),
        signature=signature.key,
        names=name_nodes(profiled),
        runs=profiles,
        plain_ns=plain_ns,
    )
