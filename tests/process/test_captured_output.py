"""What a library prints meanwhile is collected, and afterwards everything is as before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zerolite._platform.output_capture import CapturedOutput


def test_collects_descriptors_and_python(capfd: pytest.CaptureFixture[str]) -> None:
    with CapturedOutput() as output:
        os.write(1, b"to stdout\n")
        os.write(2, b"to stderr\n")
        print("through Python")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    for part in ("to stdout", "to stderr", "through Python", "from a child"):
        assert part in output.text
    assert capfd.readouterr() == ("", "")


def test_output_returns_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    with CapturedOutput():
        pass
    os.write(1, b"out")
    os.write(2, b"err")
    print("python")
    assert capfd.readouterr() == ("outpython\n", "err")


def test_earlier_output_is_not_collected(capfd: pytest.CaptureFixture[str]) -> None:
    print("before", end="")
    with CapturedOutput() as output:
        pass
    assert output.text == ""
    assert capfd.readouterr().out == "before"


def test_restores_and_keeps_the_text_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    output = CapturedOutput()

    def fail() -> None:
        with output:
            os.write(2, b"last words")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    os.write(2, b"after")
    assert output.text == "last words"
    assert capfd.readouterr().err == "after"


def test_descriptors_are_not_leaked() -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        with CapturedOutput():
            pass
    assert len(list(descriptors.iterdir())) == before


def test_works_where_stdout_and_stderr_are_closed() -> None:
    program = (
        "import os, sys\n"
        "from zerolite._platform.output_capture import CapturedOutput\n"
        "os.close(1); os.close(2)\n"
        "with CapturedOutput() as output:\n"
        "    pass\n"
        "os._exit(0 if output.text == '' else 3)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
