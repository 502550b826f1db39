"""MobileNetV2 after dynamic-range quantization, with the weights as they are stored and with dequantized ones."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import zerolite as zl
from benchmarks.comparisons import REFERENCES
from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.runtimes import milliseconds_in_turns
from benchmarks.settings import Settings
from zerolite.benchmarking import FreshProcess

__all__ = ["run"]

_DEQUANTIZED = "zerolite, dequantized weights"
_STORED = "zerolite"
# The part of tf.lite's time that dequantized weights are to take at most.
_TARGET = 0.5


def run(settings: Settings) -> Outcome:
    """Time runs and first results with one thread and two; a process for each, in turns."""
    path = model_path("mobilenet_v2_dynamic_range", settings)
    figures: list[Figure] = []
    times: dict[str, dict[str, list[float]]] = {}
    first: dict[str, dict[str, dict[str, float]]] = {}
    for threads in (1, 2):
        title = f"{threads} thread{'s' * (threads > 1)}"
        with ExitStack() as stack:
            processes = {
                _DEQUANTIZED: FreshProcess(
                    "zerolite", path, threads=threads, delegates=zl.XNNPack(weights="dequantized")
                ),
                _STORED: FreshProcess("zerolite", path, threads=threads),
                REFERENCES["tf"]: FreshProcess("tf", path, threads=threads),
                REFERENCES["litert"]: FreshProcess("litert", path, threads=threads),
            }
            for process in processes.values():
                stack.enter_context(process)
            first[title] = {name: asdict(process.first_result) for name, process in processes.items()}
            times[title] = milliseconds_in_turns(processes, settings)
        for other in list(processes)[1:]:
            target = _TARGET if other == REFERENCES["tf"] else None
            subject, reference = times[title][_DEQUANTIZED], times[title][other]
            figures.append(Figure.comparing(title, "ms", (_DEQUANTIZED, subject), (other, reference), target=target))
    with zl.load(path, delegates=zl.XNNPack(weights="dequantized")) as model:
        cost = model.delegation.dequantized_bytes
    details: dict[str, Any] = {
        "ms_by_round": times,
        "first_result": first,
        "file_bytes": path.stat().st_size,
        "dequantized_bytes": cost,
    }
    return Outcome(
        title="Dynamic range",
        method=(
            "MobileNetV2 (224 x 224, random weights) with int8 weights and float32 values, running alone over zeros; a "
            "process for each runtime and setting, and blocks of calls in turns. With dequantized weights the filters "
            "of 15 depthwise convolutions are float32 in memory, so that XNNPACK runs the whole graph."
        ),
        figures=figures,
        details=details,
    )
