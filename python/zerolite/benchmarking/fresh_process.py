"""One runtime in a fresh process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import zerolite
from zerolite.benchmarking.first_result import FirstResult
from zerolite.delegates.choice import listed_delegates

__all__ = ["FreshProcess"]

_PROGRAM = Path(__file__).with_name("first_result_program.py")

# Runtimes are compared on the CPU, and what they print is nobody's business unless they fail.
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


class FreshProcess:
    """Context manager: starts a process, waits for its first result, and times more calls in it if asked to.

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
            runtime: a name of `zerolite.benchmarking.RUNTIMES`.
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
        packed = "" if delegates is None else json.dumps(_described(delegates))
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
            bufsize=0,
        )
        try:
            imported, loaded, first, peak = (int(word) for word in self._answer().split())
        except BaseException:
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
        self._end()

    def block(self, kind: Literal["call", "invoke"], count: int) -> float:
        """Nanoseconds that `count` calls took in the process, from array in to array out or running alone.

        Raises:
            RuntimeError: the process ended, or gave no answer in time.
        """
        stdin = self._process.stdin
        if stdin is not None:
            # Of a process that has ended, the answer that does not come tells more than the broken pipe.
            with contextlib.suppress(BrokenPipeError):
                stdin.write(f"{kind} {count}\n".encode())
        return float(self._answer())

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
            # The moment in which the answer was there.
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
        lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"it ended with exit code {code} and said nothing"

    def _end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        # Its stdin is closed, so it is on its way out, unless it hangs.
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def _described(delegates: Any) -> list[tuple[str, dict[str, Any]]]:
    """The class and the arguments of each."""
    described = []
    for delegate in listed_delegates(delegates):
        name = type(delegate).__name__
        if type(delegate) is not getattr(zerolite, name, None):
            raise TypeError(
                f"the delegate {delegate!r} can't be sent to a fresh process; use one of zerolite's own classes, or "
                "processes=0 to do without"
            )
        described.append((name, delegate.arguments))
    return described
