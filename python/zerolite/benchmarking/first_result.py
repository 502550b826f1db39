"""The time and memory that fresh processes need until their first result."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np

from zerolite._platform.fresh_python import kill_group, printed_lines
from zerolite._timing.interleaved import ProgressCallback
from zerolite.delegates.choice import DelegateChoice

__all__ = ["FIRST_RESULT_FIGURES", "FirstResult", "FirstResults", "FreshProcess", "first_results_in_turns"]

#: The figures of a `FirstResult`, with their units.
FIRST_RESULT_FIGURES = {
    "start_to_first_result_ms": "ms",
    "import_ms": "ms",
    "load_ms": "ms",
    "first_inference_ms": "ms",
    "peak_rss_bytes": "bytes",
}
_PROGRAM = Path(__file__).with_name("first_result_program.py")

# Runtimes are compared on the CPU, and what they print matters only when they fail.
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True, slots=True)
class FirstResult:
    """One fresh process.

    Attributes:
        start_to_first_result_ms: wall time from the start of the process until its first result was there.
        import_ms: of that, importing the runtime, with NumPy.
        load_ms: loading the model, until it is ready to run.
        first_inference_ms: the first call, from array in to array out.
        peak_rss_bytes: the most memory that the process had in use by then.
    """

    start_to_first_result_ms: float
    import_ms: float
    load_ms: float
    first_inference_ms: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class FirstResults:
    """The fresh processes of one runtime, in the order in which they ran."""

    processes: tuple[FirstResult, ...]

    def values(self, figure: str) -> list[float]:
        """One of `FIRST_RESULT_FIGURES`, process by process."""
        return [float(getattr(process, figure)) for process in self.processes]

    def median(self, figure: str) -> float:
        """One of `FIRST_RESULT_FIGURES`, of the middle process."""
        return float(np.median(self.values(figure)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: medians, and each process."""
        return {
            **{figure: self.median(figure) for figure in FIRST_RESULT_FIGURES},
            "processes": [
                {figure: getattr(process, figure) for figure in FIRST_RESULT_FIGURES} for process in self.processes
            ],
        }


class FreshProcess:
    """Context manager: starts a process, waits for its first result, and times more calls in it if asked to.

    It is no `FreshPython`: the interpreter may be another one, with nothing but a runtime in it, and what is prepared
    there before the runtime's import would count as the runtime's time and memory.

    Attributes:
        first_result: what the process needed until then.
    """

    first_result: FirstResult

    def __init__(
        self,
        runtime: str,
        model: Path,
        *,
        signature: str | None = None,
        threads: int | None = None,
        delegates: Any = None,
        replicas: int = 1,
        python: str = sys.executable,
        timeout: float = 300.0,
    ) -> None:
        """Choose what to run.

        Args:
            runtime: a name of `zerolite.benchmarking.RUNTIMES` or `ENGINES`.
            model: a .tflite file.
            signature: the signature to run; None is the default one.
            threads: how many threads a run uses; None is the runtime's default.
            delegates: for zerolite, what `zerolite.load` takes.
            replicas: how many times the model is loaded; the first result is there when each has run once.
            python: the interpreter to start.
            timeout: seconds to wait for an answer.

        Raises:
            TypeError: the delegates can't be sent to another process.
        """
        packed = "" if delegates is None else _described(delegates)
        self._runtime = runtime
        self._timeout = timeout
        options = (signature or "", "" if threads is None else str(threads), str(replicas), packed)
        self._command = [python, str(_PROGRAM), runtime, str(model.absolute()), *options]

    def __enter__(self) -> FreshProcess:
        self._log = tempfile.TemporaryFile()
        started = time.perf_counter_ns()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**_ENVIRONMENT, **os.environ},
            start_new_session=True,
            bufsize=0,
        )
        try:
            imported, loaded, first, peak = (int(word) for word in self._answer().split())
        except BaseException:
            self._kill()
            self._end()
            raise
        self.first_result = FirstResult(
            start_to_first_result_ms=(self._answered - started) / 1e6,
            import_ms=imported / 1e6,
            load_ms=loaded / 1e6,
            first_inference_ms=first / 1e6,
            peak_rss_bytes=peak,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:  # an interrupt for example, which did not reach the process's own group
            self._kill()
        self._end()

    def block(self, kind: Literal["call", "invoke"], count: int) -> float:
        """Nanoseconds that `count` calls took in the process, from array in to array out or running alone.

        Raises:
            RuntimeError: the process ended, or gave no answer in time.
        """
        return float(self._asked(f"{kind} {count}"))

    def calls(self, count: int) -> list[float]:
        """The nanoseconds of each of `count` calls from array in to array out.

        Raises:
            RuntimeError: as for `block`.
        """
        return [float(word) for word in self._asked(f"calls {count}").split()]

    def _asked(self, request: str) -> str:
        stdin = self._process.stdin
        if stdin is not None:
            # When the process has ended, the missing answer leads to a better error than the broken pipe.
            with contextlib.suppress(BrokenPipeError):
                stdin.write(f"{request}\n".encode())
        return self._answer()

    def _answer(self) -> str:
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("the process has no stdout to read")
        line, deadline = b"", time.monotonic() + self._timeout
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise RuntimeError(f"the fresh process with {self._runtime} gave no answer within {self._timeout:g} s")
            read = stdout.read(4096)
            # When the answer arrived.
            self._answered = time.perf_counter_ns()
            if not read:
                raise RuntimeError(f"the fresh process with {self._runtime} failed: {self._last_words()}")
            line += read
        return line.decode().strip()

    def _last_words(self) -> str:
        try:
            code = self._process.wait(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            return "it closed its stdout and did not end"
        self._log.seek(0)
        lines = printed_lines(self._log.read().decode(errors="replace"))
        return lines[-1] if lines else f"it ended with exit code {code} and said nothing"

    def _end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        # Its stdin is closed, so it is about to end, unless it hangs.
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._log.close()

    def _kill(self) -> None:
        if self._process.poll() is None:
            kill_group(self._process)


def first_results_in_turns(
    runtimes: Sequence[str],
    model: Path,
    *,
    processes: int = 3,
    signature: str | None = None,
    threads: int | None = None,
    delegates: Any = None,
    replicas: int = 1,
    progress: ProgressCallback | None = None,
) -> dict[str, FirstResults]:
    """Start fresh processes in turns, A B C, A B C, one at a time, and wait for the first result of each.

    Args:
        runtimes: names of `zerolite.benchmarking.RUNTIMES` and `ENGINES`.
        model: a .tflite file.
        processes: how many are started for each runtime.
        signature: the signature to run; None is the default one.
        threads: how many threads a run uses; None is the runtime's default.
        delegates: for zerolite, what `zerolite.load` takes.
        replicas: how many times each process loads the model.
        progress: called after each process.

    Returns:
        runtime -> what its processes needed.

    Raises:
        TypeError: the delegates can't be sent to another process.
        RuntimeError: a process failed; the message has its last line.
    """
    found: dict[str, list[FirstResult]] = {name: [] for name in runtimes}
    done = 0
    for _ in range(processes):
        for name in runtimes:
            with FreshProcess(
                name,
                model,
                signature=signature,
                threads=threads,
                delegates=delegates if name == "zerolite" else None,
                replicas=replicas,
            ) as process:
                found[name].append(process.first_result)
            done += 1
            if progress is not None:
                progress(done, processes * len(runtimes))
    return {name: FirstResults(tuple(results)) for name, results in found.items()}


def _described(delegates: Any) -> str:
    choice = DelegateChoice(delegates, threads=None)
    try:
        return choice.to_json()
    except TypeError as error:
        raise TypeError(f"{error}, or processes=0 to do without") from error
