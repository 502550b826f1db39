"""From inside of an isolated model's process: every door that a library tries is shut."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo

MODEL = zoo.model_path("builtin_chain")


def result_of(intruder: Path, attempt: str) -> int:
    """What came of an attempt: 0, or the number of an error."""
    delegate = zl.ExternalDelegate(intruder, {"attempt": attempt})
    with zl.load(MODEL, delegates=delegate, isolation="process") as model:
        values = {name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in model.inputs.items()}
        answer = model(values)
        array = next(iter(answer.values())) if isinstance(answer, dict) else answer
        return int(array.flat[0])


@pytest.mark.parametrize(
    "attempt",
    [
        "open",
        "create",
        "stat",
        "unlink",
        "memfd",
        "socket",
        "unix_socket",
        "fork",
        "exec",
        "kill",
        "ptrace",
        "outlive",
        "raise_limits",
        "shrink",
    ],
)
def test_door_is_shut(sample_intruder: Path, attempt: str) -> None:
    assert result_of(sample_intruder, attempt) == errno.EPERM


def test_memory_is_limited(sample_intruder: Path) -> None:
    assert result_of(sample_intruder, "allocate") == errno.ENOMEM


def test_threads_compute(sample_intruder: Path) -> None:
    """The filter lets through what kernels need."""
    assert result_of(sample_intruder, "thread") == 0


def test_printing_fills_no_disk(sample_intruder: Path) -> None:
    assert result_of(sample_intruder, "write") == errno.EFBIG


def test_doors_are_open_in_this_process(sample_intruder: Path) -> None:
    """The library does try."""
    delegate = zl.ExternalDelegate(sample_intruder, {"attempt": "open"})
    with zl.load(MODEL, delegates=delegate) as model:
        values = {name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in model.inputs.items()}
        answer = model(values)
        array = next(iter(answer.values())) if isinstance(answer, dict) else answer
        assert array.flat[0] == 0
