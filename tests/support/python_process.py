"""Running a few lines in a Python process of their own."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_python(
    program: str, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the program with this interpreter; `tests` is importable, zerolite is the installed one."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )


def answer_after_interrupt(program: str, *arguments: str, timeout: float = 60) -> str:
    """What the program prints after "begun", which is when it is interrupted, if it ends well and quietly."""
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()
    assert errors == ""
    assert process.returncode == 0
    return output


def begun_once() -> Callable[[int, int], None]:
    """For a program that `answer_after_interrupt` runs: a progress callback that prints "begun" at its first call."""
    calls = itertools.count()

    def note(_done: int, _total: int) -> None:
        if next(calls) == 0:
            print("begun", flush=True)

    return note


def answer_of(program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What the program prints, if it ends well and says nothing on stderr."""
    process = run_python(program, *arguments, environment=environment)
    assert process.returncode == 0, process.stderr or f"exit code {process.returncode}"
    assert process.stderr == ""
    return process.stdout
