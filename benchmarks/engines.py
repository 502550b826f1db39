"""Whole networks beside LiteRT and OpenVINO."""

from __future__ import annotations

from typing import Any

from benchmarks.comparisons import call_figure
from benchmarks.models import DENSE, model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import BenchmarkResult, benchmark

__all__ = ["run"]

_MODELS = {
    "digits_cnn": "digits CNN",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v2_int8": "MobileNetV2 int8",
    "mobilenet_v2_dynamic_range": "MobileNetV2 dynamic range",
    "resnet50": "ResNet50",
}
_OTHERS = ("litert", "openvino")
_MEBIBYTE = 2**20


def run(settings: Settings) -> Outcome:
    """Time one call of each network with one thread and with two, in processes that take turns."""
    figures = []
    rows: list[tuple[str, ...]] = [("", *(f"{name}: {what}" for name in ("zerolite", *_OTHERS) for what in _COLUMNS))]
    details: dict[str, Any] = {}
    paths = {"dense": DENSE, **{name: model_path(name, settings) for name in _MODELS}}
    for name, path in paths.items():
        for threads in (1, 2):
            words = f"{_MODELS.get(name, 'dense 64-32-10')}, {threads} thread{'s' if threads > 1 else ''}"
            result = benchmark(
                path,
                threads=threads,
                against=_OTHERS,
                seconds=settings.seconds(2.0),
                turns=settings.rounds,
                warmup_s=settings.seconds(0.5),
                processes=1 if settings.quick else 3,
            )
            figures += [call_figure(result, other, words) for other in _OTHERS]
            rows.append((words, *_cells(result)))
            details[f"{name}, {threads}"] = result.to_dict()
    return Outcome(
        title="Whole networks beside other engines",
        method=(
            "Array in to array out, over zeros, float32 unless it says so, each engine through its Python API in a "
            "process of its own; the processes take turns. Loading and peak memory are the medians of fresh processes."
        ),
        figures=figures,
        table=rows,
        details=details,
    )


_COLUMNS = ("ms", "load / ms", "peak / MiB")


def _cells(result: BenchmarkResult) -> list[str]:
    cells = []
    for one in result.runtimes:
        cells.append(f"{one.call.per_call_us / 1e3:.3g}")
        first = one.first_result
        cells.append("-" if first is None else f"{first.median('load_ms'):.3g}")
        cells.append("-" if first is None else f"{first.median('peak_rss_bytes') / _MEBIBYTE:.0f}")
    return cells
