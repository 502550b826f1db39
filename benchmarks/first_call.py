"""Loading a large model, and its first call."""

from __future__ import annotations

from benchmarks.comparisons import REFERENCES
from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import FirstResults, first_results_in_turns

__all__ = ["run"]

_NOISE = 0.02
_MODELS = {"mobilenet_v2": "MobileNetV2, 14 MB", "resnet50": "ResNet50, 102 MB"}


def run(settings: Settings) -> Outcome:
    """Start fresh processes of both runtimes in turns, and wait until each has loaded the model and run it once."""
    figures = []
    details = {}
    for name, title in _MODELS.items():
        path = model_path(name, settings)
        results = first_results_in_turns(["litert", "zerolite"], path, processes=settings.processes, threads=1)
        own, other = results["zerolite"], results["litert"]
        for what, quantities, target in (
            ("loading and first call", ("load_ms", "first_inference_ms"), 1.0),
            ("loading", ("load_ms",), None),
            ("first call", ("first_inference_ms",), None),
        ):
            figures.append(
                Figure.comparing(
                    f"{title}: {what}",
                    "ms",
                    ("zerolite", _sums(own, quantities)),
                    (REFERENCES["litert"], _sums(other, quantities)),
                    target=target,
                    noise=_NOISE,
                )
            )
        details[name] = {runtime: result.to_dict() for runtime, result in results.items()}
    return Outcome(
        title="Loading large models",
        method=(
            f"Keras networks with random weights, 224 x 224, float32, one thread; {settings.processes} fresh processes "
            "of each runtime, one at a time, in turns. Loading is until the model is ready to run, from a file in the "
            "page cache; the import comes before. zerolite copies a file of up to 64 MiB, so that nothing that happens "
            "to it later matters; ai_edge_litert maps all files, as zerolite does with larger ones."
        ),
        figures=figures,
        details=details,
    )


def _sums(results: FirstResults, quantities: tuple[str, ...]) -> list[float]:
    """What the quantities are together, process by process."""
    return [sum(values) for values in zip(*(results.values(one) for one in quantities), strict=True)]
