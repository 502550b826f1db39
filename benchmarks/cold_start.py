"""From the start of a process to its first result."""

from __future__ import annotations

from benchmarks.comparisons import first_result_figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import first_results_in_turns

__all__ = ["run"]


def run(settings: Settings) -> Outcome:
    """Start fresh processes of three runtimes in turns, and wait for the first result of a small CNN."""
    path = model_path("small_cnn", settings)
    results = first_results_in_turns(["tf", "litert", "zerolite"], path, processes=settings.processes)
    figures = [
        first_result_figure(results, against, name, quantity, target=target)
        for name, quantity, targets in (
            ("process start to first result", "start_to_first_result_ms", {"tf": 0.05, "litert": 1.0}),
            ("peak memory", "peak_rss_bytes", {"tf": 0.1, "litert": 1.0}),
        )
        for against, target in targets.items()
    ]
    return Outcome(
        title="A fresh process to its first result",
        method=(
            f"A small CNN (28 x 28 digits), one thread; {settings.processes} processes of each, one at a time, in "
            "turns. Each imports its runtime with NumPy, loads the model and runs once. Files are in the page cache. "
            "Memory is the peak of the process's resident set (VmHWM)."
        ),
        figures=figures,
        details={name: result.to_dict() for name, result in results.items()},
    )
