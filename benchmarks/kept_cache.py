"""A step over a key/value cache that is an input and an output: one buffer for both sides beside a copy."""

from __future__ import annotations

import numpy as np

import zerolite as zl
from benchmarks.comparisons import timing_figure
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from tests.memory.cache_models import summing_the_old, updating
from zerolite.benchmarking import Work, time_interleaved

__all__ = ["run"]


def run(settings: Settings) -> Outcome:
    """Time a step that writes one row of 16 MiB and reads them all."""
    rows, width = (64, 64) if settings.quick else (4096, 1024)
    in_place, in_turns = updating((1, rows, width)), summing_the_old((1, rows, width))
    with (
        zl.load(in_place) as bound,
        zl.load(in_turns) as carried,
        zl.load(in_place) as copied,
        zl.load(in_turns) as copied_in_turns,
    ):
        cache = zl.empty((1, rows, width))
        bound.bind(cache=cache, cache_out=cache)
        carried.carry(cache="cache_out")
        works: dict[str, Work] = {
            "bound": ("run()", {"run": bound.run}),
            "copied": _copying(copied),
            "carried": ("run()", {"run": carried.run}),
            "copied in turns": _copying(copied_in_turns),
        }
        timings = time_interleaved(works, seconds=settings.seconds(1.0), rounds=settings.rounds)
    reference = "run() and a copy"
    return Outcome(
        title="A key/value cache of 16 MiB",
        method=(
            f"Float32 (1, {rows}, {width}), one thread: DYNAMIC_UPDATE_SLICE writes a row, and XNNPACK sums over all. "
            "Where it sums over what was there before, no run can write in place, and the operator itself copies all "
            "rows. The reference copies the output into the input after each run, in NumPy."
        ),
        figures=[
            timing_figure(
                "one array bound to both sides",
                ("zerolite", timings["bound"]),
                (reference, timings["copied"]),
                target=0.6,
            ),
            timing_figure(
                "carried over by two memories in turns",
                ("zerolite", timings["carried"]),
                (reference, timings["copied in turns"]),
            ),
        ],
    )


def _copying(model: zl.CompiledModel) -> Work:
    before, after = model.inputs["cache"].array, model.outputs["cache_out"].array
    return "run(); copy(before, after)", {"run": model.run, "copy": np.copyto, "before": before, "after": after}
