"""Whole networks beside LiteRT and OpenVINO."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import zerolite as zl
from benchmarks.comparisons import call_figure
from benchmarks.models import DENSE, model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import BenchmarkResult, benchmark

__all__ = ["run"]

_MODELS = {
    "digits_cnn": "digits CNN",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3": "MobileNetV3",
    "efficientnet_b0": "EfficientNet-B0",
    "resnet50": "ResNet50",
    "detector": "SSD-like detector",
    "encoder": "BERT-like encoder",
    "lstm": "LSTM",
}
_KINDS = {"": "", "_int8": " int8", "_dynamic_range": " dynamic range"}
# Calibration of recurrent layers ends in TensorFlow's converter (2.21).
_MISSING = {"lstm_int8"}
_OTHERS = ("litert", "openvino")
_MEBIBYTE = 2**20
# A search that has more time finds settings that differ less.
_SEARCH_S = 5.0


def run(settings: Settings) -> Outcome:
    """Time one call of each network with one thread and with two, in processes that take turns."""
    figures = []
    rows: list[tuple[str, ...]] = [
        (
            "",
            "setting",
            "of the best other",
            *(f"{name}: {what}" for name in ("zerolite", *_OTHERS) for what in _COLUMNS),
        )
    ]
    details: dict[str, Any] = {}
    ratios = []
    for name, words, path in _listed(settings):
        for threads in (1, 2):
            found = zl.tune(path, max_threads=threads, max_workers=1, budget_s=settings.seconds(_SEARCH_S))
            result = benchmark(
                path,
                threads=threads if found.setting.is_default else None,
                delegates=found.setting.delegates,
                against=_OTHERS,
                seconds=settings.seconds(2.0),
                turns=settings.rounds,
                warmup_s=settings.seconds(0.5),
                processes=1 if settings.quick else 3,
            )
            row = f"{words}, {threads} thread{'s' if threads > 1 else ''}"
            figures += [call_figure(result, other, row) for other in _OTHERS]
            best = min(result.others[other].call.per_call_us for other in _OTHERS)
            ratios.append(result.zerolite.call.per_call_us / best)
            rows.append((row, repr(found.setting.delegate), f"{ratios[-1]:.2f}", *_cells(result)))
            details[f"{name}, {threads}"] = result.to_dict()
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    rows.append(("geometric mean", "", f"{mean:.2f}", *[""] * (len(rows[0]) - 3)))
    return Outcome(
        title="Whole networks beside other engines",
        method=(
            "Array in to array out, over zeros, float32 unless it says so, random weights, each engine through its "
            "Python API in a process of its own; the processes take turns. zerolite has the setting that `zl.tune` "
            f"finds in {_SEARCH_S:.0f} seconds for so many threads. Loading and peak memory are the medians of fresh "
            "processes."
        ),
        figures=figures,
        table=rows,
        details=details,
    )


def _listed(settings: Settings) -> list[tuple[str, str, Path]]:
    made = [
        (f"{name}{kind}", f"{words}{kind_words}", model_path(f"{name}{kind}", settings))
        for name, words in _MODELS.items()
        for kind, kind_words in _KINDS.items()
        if f"{name}{kind}" not in _MISSING
    ]
    return [("dense", "dense 64-32-10", DENSE), *made]


_COLUMNS = ("ms", "load / ms", "peak / MiB")


def _cells(result: BenchmarkResult) -> list[str]:
    cells = []
    for one in result.runtimes:
        cells.append(f"{one.call.per_call_us / 1e3:.3g}")
        first = one.first_result
        cells.append("-" if first is None else f"{first.median('load_ms'):.3g}")
        cells.append("-" if first is None else f"{first.median('peak_rss_bytes') / _MEBIBYTE:.0f}")
    return cells
