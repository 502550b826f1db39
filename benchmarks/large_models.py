"""Models that are mostly arithmetic: parity is what can be had."""

from __future__ import annotations

from typing import Any

from benchmarks.comparisons import call_figure, timing_figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import benchmark, make_inputs, open_quietly, time_interleaved

__all__ = ["run"]

_NOISE = 0.02


def run(settings: Settings) -> Outcome:
    """Time MobileNetV2 and the demonstration's network with one thread and two, and MobileNetV2 beside itself."""
    figures = []
    details: dict[str, Any] = {}
    for name, title, seconds in (("mobilenet_v2", "MobileNetV2", 4.0), ("digits_cnn", "digits CNN", 1.0)):
        path = model_path(name, settings)
        for threads in (1, 2):
            result = benchmark(
                path,
                threads=threads,
                against=["tf"],
                seconds=settings.seconds(seconds),
                turns=settings.rounds,
                warmup_s=settings.seconds(0.5),
                processes=0,
            )
            words = f"{title}, {threads} thread{'s' if threads > 1 else ''}"
            figures.append(call_figure(result, "tf", words, target=1.0, noise=_NOISE))
            details[f"{name}, {threads}"] = result.to_dict()

    path = model_path("mobilenet_v2", settings)
    with open_quietly("zerolite", path) as one, open_quietly("zerolite", path) as another:
        works = {key: session.call(make_inputs(session.inputs)) for key, session in (("a", one), ("b", another))}
        same = time_interleaved(works, seconds=settings.seconds(4.0), rounds=settings.rounds)
    figures.append(timing_figure("noise: the same twice", ("zerolite", same["a"]), ("zerolite", same["b"])))
    return Outcome(
        title="One call of larger models",
        method=(
            "MobileNetV2 (224 x 224, random weights) and the demonstration's network for 8 x 8 digits, float32, array "
            f"in to array out, in turns in one process. Up to {_NOISE:.0%} beyond a target counts as noise."
        ),
        figures=figures,
        details=details,
    )
