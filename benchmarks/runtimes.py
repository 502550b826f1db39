"""Which runtime is quickest where arithmetic is all: the table that the choice of LiteRT's library rests on."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.comparisons import REFERENCES
from benchmarks.environments import tflite_runtime_python
from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import FreshProcess

__all__ = ["milliseconds_in_turns", "run"]

_MODELS = {
    "small_cnn": "small CNN",
    "mobilenet_v2": "MobileNetV2 f32",
    "mobilenet_v2_int8": "MobileNetV2 int8",
    "mobilenet_v2_dynamic_range": "MobileNetV2 dynamic range",
}
_RUNTIMES = ("tflite_runtime", "tf", "zerolite")


def run(settings: Settings) -> Outcome:
    """Run each model in a process of each runtime; the processes take turns."""
    unavailable: dict[str, str] = {}
    pythons = {"tf": sys.executable, "zerolite": sys.executable}
    try:
        pythons["tflite_runtime"] = tflite_runtime_python(settings)
    except RuntimeError as error:
        unavailable["tflite_runtime"] = str(error)

    times: dict[str, dict[str, list[float]]] = {}
    refused: dict[str, dict[str, str]] = {}
    for name in _MODELS:
        times[name], refused[name] = _time_model(model_path(name, settings), pythons, settings)

    figures = [
        Figure.comparing(
            title,
            "ms",
            ("zerolite", times[name]["zerolite"]),
            (REFERENCES[other], times[name][other]),
        )
        for name, title in _MODELS.items()
        for other in ("tf", "tflite_runtime")
        if other in times[name]
    ]
    details: dict[str, Any] = {"ms_by_round": times, "refused": refused, "unavailable": unavailable}
    return Outcome(
        title="Which runtime",
        method=(
            "Running alone, one thread, over zeros; a process for each runtime, and blocks of calls in turns. The "
            "first table shows medians in ms. tflite_runtime 2.14 is the last release of TensorFlow Lite under its old "
            "name, in an environment of its own with NumPy 1."
        ),
        figures=figures,
        table=[
            ("ms", *_MODELS.values()),
            *(
                (REFERENCES[runtime], *(_cell(runtime, times[name], refused[name], unavailable) for name in _MODELS))
                for runtime in _RUNTIMES
            ),
        ],
        details=details,
    )


def _time_model(
    model: Path, pythons: dict[str, str], settings: Settings
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Milliseconds a run by round for each runtime, and what those said that refuse the model."""
    refused: dict[str, str] = {}
    with ExitStack() as stack:
        processes: dict[str, FreshProcess] = {}
        for runtime, python in pythons.items():
            try:
                processes[runtime] = stack.enter_context(FreshProcess(runtime, model, threads=1, python=python))
            except RuntimeError as error:
                if runtime != "tflite_runtime":
                    raise
                refused[runtime] = str(error)
        found = milliseconds_in_turns(processes, settings)
    return found, refused


def milliseconds_in_turns(processes: Mapping[str, FreshProcess], settings: Settings) -> dict[str, list[float]]:
    """Milliseconds a run by round, of blocks of runs that the processes make in turns."""
    turn = 1e9 * settings.seconds(0.2)
    counts = {name: max(1, math.ceil(turn / _warm_up(process, turn))) for name, process in processes.items()}
    found: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(max(2, settings.rounds // 4)):
        for name, process in processes.items():
            found[name].append(process.block("invoke", counts[name]) / counts[name] / 1e6)
    return found


def _warm_up(process: FreshProcess, nanoseconds: float) -> float:
    """Nanoseconds per call after so many nanoseconds of calls."""
    count, spent = 1, 0.0
    while True:
        taken = process.block("invoke", count)
        spent += taken
        if spent >= nanoseconds:
            return taken / count
        count *= 2


def _cell(runtime: str, times: dict[str, list[float]], refused: dict[str, str], unavailable: dict[str, str]) -> str:
    if runtime in times:
        return f"{statistics.median(times[runtime]):.3g}"
    if runtime in refused:
        return "refuses the model"
    return f"not measured ({unavailable[runtime]})" if runtime in unavailable else "not measured"
