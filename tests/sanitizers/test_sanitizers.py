"""The sanitizers are on: what they have to stop is stopped, and the module under test is the one that they watch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.sanitizers.environment import FAULTS, MODULE, options_with
from tests.support.python_process import answer_of, run_python
from zerolite import _native

pytestmark = pytest.mark.skipif(not FAULTS, reason="for builds with a sanitizer: make test-sanitized")

ADDRESS_REPORTS = {
    "overflow": "runtime error: signed integer overflow",
    "read_after_free": "AddressSanitizer: heap-use-after-free",
    "read_past_the_end": "AddressSanitizer: heap-buffer-overflow",
}
THREAD_REPORTS = {"race": "ThreadSanitizer: data race"}
REPORTS = THREAD_REPORTS if "TSAN_OPTIONS" in os.environ else ADDRESS_REPORTS
THREAD_SANITIZER_EXIT = 66
CALL = "import ctypes, sys; getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])()"


@pytest.mark.parametrize("fault", REPORTS)
def test_fault_ends_the_process(fault: str) -> None:
    # Reported on stderr, since a report in a file is one of zerolite.
    process = run_python(CALL, FAULTS, fault, environment=options_with("log_path=stderr"))
    assert process.returncode in (-signal.SIGABRT, THREAD_SANITIZER_EXIT)
    assert REPORTS[fault] in process.stderr


def test_module_is_the_watched_one() -> None:
    assert _native.__file__ == MODULE


def test_module_of_other_processes_is_the_watched_one() -> None:
    assert answer_of("import zerolite._native as native; print(native.__file__)") == f"{MODULE}\n"


def test_module_has_been_compiled_with_the_sanitizer() -> None:
    calls = b"__tsan_read4" if "TSAN_OPTIONS" in os.environ else b"__asan_report_load4"
    assert calls in Path(MODULE).read_bytes()
