"""What direct dispatch wins in C++, and what Python adds to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import zerolite as zl
from benchmarks.comparisons import REFERENCES
from benchmarks.figure import Figure
from benchmarks.models import DENSE
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings
from zerolite.benchmarking import Stopwatch, open_quietly

__all__ = ["run"]


def run(settings: Settings) -> Outcome:
    """Time runs in a C++ loop, directly and through LiteRT's call; then `run()` from Python in turns with C++."""
    program = _build(settings)
    runs = 2_000 if settings.quick else 200_000
    loop = _run_loop(program, runs, settings.rounds)

    cpp_ns: list[float] = []
    with zl.load(DENSE) as model, open_quietly("tf", DENSE) as other:
        if other.invoke is None:
            raise RuntimeError(f"{DENSE.name} has a signature that tf.lite.Interpreter runs only with its arguments")
        stopwatches = {
            "python_run_ns": Stopwatch(("run()", {"run": model.run})),
            # What any call of C without arguments costs: list.clear of an empty list does nothing.
            "empty_call_ns": Stopwatch(("clear()", {"clear": [].clear})),
            "tf_invoke_ns": Stopwatch(other.invoke),
        }
        for stopwatch in stopwatches.values():
            stopwatch.warm_up(settings.seconds(0.2))
        taken: dict[str, list[float]] = {name: [] for name in stopwatches}
        for _ in range(max(2, settings.rounds // 4)):
            cpp_ns.append(float(np.median(_run_loop(program, runs, 3)["direct"])))
            for name, stopwatch in stopwatches.items():
                taken[name].append(stopwatch.block(runs) / runs)
    share = tuple((one - other) / 1e3 for one, other in zip(taken["python_run_ns"], cpp_ns, strict=True))
    least = [(one + other) / 1e3 for one, other in zip(cpp_ns, taken["empty_call_ns"], strict=True)]
    return Outcome(
        title="A loop of runs in C++, and what Python adds",
        method=(
            "The dense model over buffers that stay in place. The C++ program takes turns between direct dispatch and "
            "LiteRtRunCompiledModel in one process. For Python's share, that program takes turns with tight loops in "
            "Python over run(), over tf.lite's invoke() and over an empty call (list.clear of an empty list); the loop "
            "itself is part of the share. The least that run() could cost is the C++ loop's run and an empty call."
        ),
        figures=[
            Figure.comparing(
                "C++ loop, per run",
                "µs",
                ("direct dispatch", [value / 1e3 for value in loop["direct"]]),
                ("LiteRtRunCompiledModel", [value / 1e3 for value in loop["runtime"]]),
                target=0.25,
            ),
            Figure(
                name="Python's share of run()",
                subject="zerolite",
                reference="",
                unit="µs",
                subject_value=float(np.median(share)),
                reference_value=None,
                by_round=share,
                target=0.10,
            ),
            Figure.comparing(
                "the least for run() / invoke() alone",
                "µs",
                ("C++ loop and an empty call", least),
                (REFERENCES["tf"], [value / 1e3 for value in taken["tf_invoke_ns"]]),
            ),
        ],
        details={"loop_ns": loop, "cpp_run_ns": cpp_ns, **taken},
    )


def _build(settings: Settings) -> Path:
    """The C++ program, built from this checkout.

    Raises:
        RuntimeError: CMake is missing, or the build fails.
    """
    # First beside the interpreter: the environment need not be activated.
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    cmake = shutil.which("cmake", path=search)
    if cmake is None:
        raise RuntimeError("the C++ benchmark is built with CMake, which is not installed: pip install cmake ninja")
    folder = settings.build / "bench-cpp"
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DZEROLITE_BUILD_PYTHON=OFF", "-DZEROLITE_BUILD_BENCHMARKS=ON"]
    # Another compiler's new warnings are no reason not to measure.
    options.append("-DZEROLITE_WERROR=OFF")
    # scikit-build-core sets these in a build of the package.
    options += ["-DSKBUILD_PROJECT_VERSION=0.0.0", "-DSKBUILD_PROJECT_VERSION_FULL=0.0.0"]
    for command in (
        [cmake, "-S", str(ROOT), "-B", str(folder), *options],
        [cmake, "--build", str(folder), "--target", "run_loop", "--parallel", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
            raise RuntimeError(f"the C++ benchmark could not be built: {(lines or ['no message'])[0]}")
    return folder / "benchmarks" / "cpp" / "run_loop"


def _run_loop(program: Path, runs: int, rounds: int) -> dict[str, list[float]]:
    """Nanoseconds per run, by round, of "direct" and "runtime"."""
    command = [str(program), zl.runtime_info().path, str(DENSE), str(runs), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the C++ benchmark failed: {done.stderr.strip()}")
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found
