"""What it costs that a model runs in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import zerolite as zl
from benchmarks.comparisons import timing_figure
from benchmarks.figure import Figure
from benchmarks.models import DENSE, model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import Timing, time_interleaved

__all__ = ["run"]

_HERE, _ISOLATED = "in this process", "isolated"
# The part of a direct run's time that an isolated one of a large model is to take at most.
_LARGE_TARGET = 1.02


def run(settings: Settings) -> Outcome:
    """Time array in to array out, isolated and not, in turns."""
    dense = _timings(DENSE, settings)
    large = _timings(model_path("mobilenet_v2", settings), settings)
    added = np.median(dense[_ISOLATED].rounds_ns - dense[_HERE].rounds_ns) / 1e3
    figures: list[Figure] = [
        _figure("two dense layers", dense),
        _figure("MobileNetV2", large, target=_LARGE_TARGET),
    ]
    return Outcome(
        title="A model in a process of its own",
        method=(
            'Float32, one thread, array in to array out, `isolation="process"` beside the same model in this process, '
            "in turns. What a call of the small model takes longer is in the table."
        ),
        figures=figures,
        table=[["model", "µs a call more"], ["two dense layers", f"{added:.1f}"]],
    )


def _timings(path: Path, settings: Settings) -> dict[str, Timing]:
    with zl.load(path) as here, zl.load(path, isolation="process") as isolated:
        x = np.random.default_rng(0).normal(size=here.inputs[0].shape).astype(np.float32)
        works = {name: ("model(x)", {"model": model, "x": x}) for name, model in ((_HERE, here), (_ISOLATED, isolated))}
        return time_interleaved(works, seconds=settings.seconds(1.0), rounds=settings.rounds)


def _figure(name: str, timings: dict[str, Timing], *, target: float | None = None) -> Figure:
    return timing_figure(name, (_ISOLATED, timings[_ISOLATED]), (_HERE, timings[_HERE]), target=target)
