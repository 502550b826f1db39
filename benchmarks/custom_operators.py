"""What a kernel of one's own costs beside one of the runtime's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from statistics import median

import numpy as np

import zerolite as zl
from benchmarks.figure import Figure
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings
from tests.operators.models import chain
from zerolite.benchmarking import Stopwatch

__all__ = ["run"]

_SOURCE = ROOT / "tests" / "sample_libraries" / "sample_operators.cpp"
# So many that the rest of a run is little beside them.
_NODES = 100
_SHAPE = (1, 4)
_RUNS = 2_000
_TARGET_NS = 100.0


def run(settings: Settings) -> Outcome:
    """Time a chain of negations: TensorFlow Lite's kernels, the same in a library, and in a Python function."""
    builtin = zl.XNNPack(kernels="builtin")
    negate = zl.CustomOp("Negate", _build(settings))
    in_python = zl.custom_op("Negate")(np.negative)
    with (
        zl.load(chain(*["NEG"] * _NODES, shape=_SHAPE), delegates=builtin) as stock,
        zl.load(chain(*["Negate"] * _NODES, shape=_SHAPE), delegates=builtin, custom_ops=[negate]) as native,
        zl.load(chain(*["Negate"] * _NODES, shape=_SHAPE), delegates=builtin, custom_ops=[in_python]) as python,
    ):
        models = {"builtin": stock, "CustomOp": native, "custom_op": python}
        stopwatches = {name: Stopwatch(("run()", {"run": model.run})) for name, model in models.items()}
        for stopwatch in stopwatches.values():
            stopwatch.warm_up(settings.seconds(0.2))
        runs = {
            name: max(1, (_RUNS // 10 if settings.quick else _RUNS) // (50 if name == "custom_op" else 1))
            for name in models
        }
        taken: dict[str, list[float]] = {name: [] for name in models}
        for _ in range(settings.rounds):
            for name, stopwatch in stopwatches.items():
                taken[name].append(stopwatch.block(runs[name]) / runs[name] / _NODES)
    added = [own - other for own, other in zip(taken["CustomOp"], taken["builtin"], strict=True)]
    return Outcome(
        title="Custom operators",
        method=(
            f"{_NODES} negations of 4 numbers after one another, on TensorFlow Lite's kernel, on a kernel of a library "
            "and on a Python function; blocks of runs in turns, and their time by the number of operators."
        ),
        figures=[
            Figure(
                name="a CustomOp over a builtin operator, per node",
                subject="zerolite",
                reference="",
                unit="ns",
                subject_value=median(added),
                reference_value=None,
                by_round=tuple(added),
                target=_TARGET_NS,
            )
        ],
        details={"ns_per_node_by_round": taken, "median_ns": {name: median(times) for name, times in taken.items()}},
    )


def _build(settings: Settings) -> Path:
    """Compile the library, as often as it is asked for."""
    path = settings.build / "custom_operators" / "libsample_operators.so"
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler = shutil.which("c++") or "g++"
    options = ["-std=c++20", "-O2", "-shared", "-fPIC", f"-I{zl.get_include()}"]
    subprocess.run([compiler, *options, str(_SOURCE), "-o", str(path)], check=True)
    return path
