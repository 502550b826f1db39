"""MLPerf's load generator, a harness that is not ours, over zerolite and LiteRT's own interpreter.

`python -m benchmarks.loadgen RUNTIME SCENARIO MODEL FOLDER MILLISECONDS` is the program of one process, which leaves
the harness's own files in the folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.comparisons import REFERENCES
from benchmarks.figure import Figure, Goal
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings

__all__ = ["run"]

# What tf.lite.Interpreter is called by now; it starts in a fraction of the time that TensorFlow takes.
_RUNTIMES = ("zerolite", "litert")
_MODELS = {"digits_cnn": "digits CNN", "mobilenet_v2": "MobileNetV2"}
# What the harness calls the figure that a scenario is judged by, and how it is told here.
_SCENARIOS = {
    "SingleStream": (r"90.0th percentile latency \(ns\) : (\d+)", "µs", 1e-3),
    "Offline": (r"Samples per second: ([\d.]+)", "samples/s", 1.0),
}
_SAMPLES = 64
_SUMMARY = "mlperf_log_summary.txt"

#: Runs a batch of samples, one answer each.
_Engine = Callable[[NDArray[Any]], Any]


def run(settings: Settings) -> Outcome:
    """Run both scenarios for each model and runtime, each in a process of its own, in turns."""
    figures = []
    kept = settings.results / "loadgen"
    kept.mkdir(parents=True, exist_ok=True)
    for model, words in _MODELS.items():
        for scenario, (pattern, unit, scale) in _SCENARIOS.items():
            values: dict[str, list[float]] = {name: [] for name in _RUNTIMES}
            for turn in range(1 if settings.quick else 3):
                for name in _RUNTIMES if turn % 2 == 0 else _RUNTIMES[::-1]:
                    summary = _summary(name, scenario, model_path(model, settings), settings)
                    found = re.search(pattern, summary.read_text(encoding="utf-8"))
                    if found is None or "Result is : " not in summary.read_text(encoding="utf-8"):
                        raise RuntimeError(f"the load generator gave no figure for {name}, {scenario}")
                    values[name].append(float(found[1]) * scale)
                    shutil.copyfile(summary, kept / f"{model}-{scenario}-{name}.txt")
            own, other = (values[name] for name in _RUNTIMES)
            goal: Goal = "at least" if scenario == "Offline" else "at most"
            figures.append(
                Figure.comparing(
                    f"{words}, {scenario}",
                    unit,
                    ("zerolite", own),
                    (REFERENCES["litert"], other),
                    target=None,
                    goal=goal,
                )
            )
    return Outcome(
        title="MLPerf's load generator",
        method=(
            "`mlcommons-loadgen`, performance mode, float32, each run in a process of its own, in turns. SingleStream "
            "is one sample after the other with one thread, and its figure the 90th percentile of the latency. Offline "
            "is one query of all samples over all cores: `zl.Pool` with a replica a core, and LiteRT's Interpreter "
            "with a thread a core. The harness's own summary of the last run of each kind is in the folder loadgen. It "
            "calls a run invalid that is shorter than its rules ask for."
        ),
        figures=figures,
    )


def _summary(name: str, scenario: str, model: Path, settings: Settings) -> Path:
    folder = settings.build / "loadgen" / f"{model.stem}-{scenario}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    milliseconds = int(1000 * settings.seconds(5.0))
    command = [sys.executable, "-m", "benchmarks.loadgen", name, scenario, str(model), str(folder), str(milliseconds)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(
            f"the load generator ended with {ended.returncode}: {ended.stderr.strip().splitlines()[-1:]}"
        )
    return folder / _SUMMARY


def _zerolite(path: str, scenario: str) -> _Engine:
    import zerolite as zl

    if scenario == "Offline":
        return zl.Pool(path, workers=os.cpu_count()).map
    model = zl.load(path)
    return lambda batch: [model(batch[i : i + 1]) for i in range(len(batch))]


def _litert(path: str, scenario: str) -> _Engine:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=os.cpu_count() if scenario == "Offline" else 1)
    interpreter.allocate_tensors()
    first, last = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def answer(sample: NDArray[Any]) -> Any:
        interpreter.set_tensor(first, sample)
        interpreter.invoke()
        return interpreter.get_tensor(last)

    return lambda batch: [answer(batch[i : i + 1]) for i in range(len(batch))]


def _main(name: str, scenario: str, path: str, folder: str, milliseconds: str) -> None:
    import mlperf_loadgen as loadgen

    import zerolite as zl

    with zl.load(path) as model:
        shape = model.inputs[0].shape
    engine = {"zerolite": _zerolite, "litert": _litert}[name](path, scenario)
    data = np.random.default_rng(0).normal(size=(_SAMPLES, *shape[1:])).astype(np.float32)
    engine(data[:2])

    def issue(samples: list[Any]) -> None:
        for first in range(0, len(samples), _SAMPLES):
            block = samples[first : first + _SAMPLES]
            answers = [np.ascontiguousarray(answer) for answer in engine(data[[sample.index for sample in block]])]
            loadgen.QuerySamplesComplete(
                [
                    loadgen.QuerySampleResponse(sample.id, answer.ctypes.data, answer.nbytes)
                    for sample, answer in zip(block, answers, strict=True)
                ]
            )

    asked = loadgen.TestSettings()
    asked.scenario = getattr(loadgen.TestScenario, scenario)
    asked.mode = loadgen.TestMode.PerformanceOnly
    asked.min_duration_ms = int(milliseconds)
    asked.min_query_count = 1 if scenario == "Offline" else 64
    # The harness prepares as many samples as fill the time at this rate.
    rate = _rate(engine, data)
    asked.offline_expected_qps = rate
    asked.single_stream_expected_latency_ns = int(1e9 / rate)
    output = loadgen.LogOutputSettings()
    output.outdir = folder
    log = loadgen.LogSettings()
    log.log_output = output
    log.enable_trace = False
    system = loadgen.ConstructSUT(issue, lambda: None)
    library = loadgen.ConstructQSL(_SAMPLES, _SAMPLES, lambda _: None, lambda _: None)
    loadgen.StartTestWithLogSettings(system, library, asked, log)
    loadgen.DestroyQSL(library)
    loadgen.DestroySUT(system)


def _rate(engine: _Engine, data: NDArray[Any]) -> float:
    """About how many samples it answers a second."""
    from time import perf_counter

    begin = perf_counter()
    engine(data)
    return len(data) / (perf_counter() - begin)


if __name__ == "__main__":
    _main(*sys.argv[1:])
