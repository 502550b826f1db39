"""Tests of a changed module, in a fork of an interpreter that has imported everything else."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

import pytest

__all__ = ["FAILED", "PASSED", "Trial", "module_path"]

PASSED, FAILED = 0, 1
_BROKEN = (2, 3)  # pytest: it was interrupted, as by an error while tests are collected; an error inside of pytest


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives one module other code."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        self._name = name
        self._path = path
        self._code = code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the interface has it, as the next two
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self._code

    def get_source(self, fullname: str) -> None:  # noqa: ARG002
        return None


class Trial:
    """A run of tests that has begun.

    Attributes:
        result: an exit code of pytest, once it has ended; `FAILED` also where it crashed or took too long.
    """

    def __init__(self, name: str, code: CodeType | None, arguments: Sequence[str], seconds: float) -> None:
        """Begin.

        Args:
            name: the module, which must not be imported yet.
            code: what it has in the place of its own code; None leaves it.
            arguments: of pytest.
            seconds: processor time that it may take; ten times of that on the clock.
        """
        self.result: int | None = None
        self._end = time.monotonic() + 10 * seconds
        self._pid = os.fork()
        if self._pid == 0:
            status = FAILED
            try:
                _restrict(seconds)
                if code is not None:
                    sys.meta_path.insert(0, _Changed(name, module_path(name), code))
                status = int(pytest.main([*arguments]))
            finally:
                os._exit(status)
        self._handle = os.pidfd_open(self._pid)

    def poll(self) -> bool:
        """Whether it has ended."""
        if self.result is not None:
            return True
        if not select.select([self._handle], [], [], 0.01)[0]:
            if time.monotonic() < self._end:
                return False
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        os.close(self._handle)
        code = os.waitstatus_to_exitcode(status)
        self.result = FAILED if code < 0 or code in _BROKEN else code
        return True


def module_path(name: str) -> str:
    """The file of a module of zerolite. Neither it nor its packages are imported by that."""
    package, *parts = name.split(".")
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin if spec is not None and spec.origin is not None else "").parent.joinpath(*parts)
    if not path.with_suffix(".py").is_file():
        raise SystemExit(f"there is no module {name}")
    return str(path.with_suffix(".py"))


def _restrict(seconds: float) -> None:
    """Print nothing, and end in time."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    own = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(own.ru_utime + own.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
