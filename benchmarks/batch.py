"""Many items at once: `map` beside a loop in Python."""

from __future__ import annotations

from benchmarks.comparisons import call_figure
from benchmarks.models import DENSE, FIXED_BATCH
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import benchmark

__all__ = ["run"]


def run(settings: Settings) -> Outcome:
    """Time 10,000 items in a model whose batch can be resized, and in one whose batch can't."""
    items = 100 if settings.quick else 10_000
    figures = []
    details = {}
    for model, name, target in (
        (DENSE, f"map of {items:,} rows, dense model", 0.04),
        (FIXED_BATCH, f"map of {items:,} items, batch fixed at 2", 0.12),
    ):
        result = benchmark(
            model,
            batch=items,
            against=["tf", "litert"],
            seconds=settings.seconds(1.5),
            turns=settings.rounds,
            processes=0,
        )
        details[model.stem] = result.to_dict()
        figures += [call_figure(result, "tf", name, target=target), call_figure(result, "litert", name)]
    return Outcome(
        title="A batch",
        method=(
            "One array with all items in, one array with all results out; one thread. The interpreters run a loop in "
            "Python of set_tensor, invoke and get_tensor into an array made before, for one item at a time (for two "
            "where the model takes two). TensorFlow is imported in the same process."
        ),
        figures=figures,
        details=details,
    )
