"""Memory of one, two and four replicas."""

from __future__ import annotations

from benchmarks.comparisons import REFERENCES, first_result_figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import first_results_in_turns

__all__ = ["run"]

_REPLICAS = (1, 2, 4)
_MEBIBYTE = 2**20


def run(settings: Settings) -> Outcome:
    """Load MobileNetV2 once, twice and four times in fresh processes, and run each replica once."""
    path = model_path("mobilenet_v2", settings)
    runtimes = ["zerolite", "litert", "tf"]
    results = {
        replicas: first_results_in_turns(
            runtimes, path, processes=1 if settings.quick else 3, threads=1, replicas=replicas
        )
        for replicas in _REPLICAS
    }
    return Outcome(
        title="Memory of replicas",
        method=(
            "MobileNetV2, float32: the peak of a fresh process's resident set after each replica has run once. "
            "Replicas of zerolite run in a Pool, the interpreters as so many interpreters."
        ),
        figures=[
            first_result_figure(
                results[replicas],
                against,
                f"peak memory, {replicas} replica{'s' if replicas > 1 else ''}",
                "peak_rss_bytes",
            )
            for replicas in _REPLICAS
            for against in ("tf", "litert")
        ],
        table=[
            ("peak memory / MiB", *(f"{replicas} replica{'s' if replicas > 1 else ''}" for replicas in _REPLICAS)),
            *(
                (
                    REFERENCES[runtime],
                    *(
                        f"{results[replicas][runtime].median('peak_rss_bytes') / _MEBIBYTE:.1f}"
                        for replicas in _REPLICAS
                    ),
                )
                for runtime in runtimes
            ),
        ],
        details={
            str(replicas): {runtime: found[runtime].to_dict() for runtime in runtimes}
            for replicas, found in results.items()
        },
    )
