"""How much memory this process has in use."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

STATM = Path("/proc/self/statm")

needs_proc = pytest.mark.skipif(not STATM.exists(), reason="the process's memory is read from /proc")


def resident_bytes() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_resident_bytes() -> int:
    """Unlike getrusage, not of the process that this one was forked from."""
    return _status("VmHWM")


def anonymous_bytes() -> int:
    """Of memory that belongs to this process alone: no file's, and not shared."""
    return _status("RssAnon")


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def growth(action: Callable[[], object], *, warm_up: int, times: int) -> int:
    """By how many bytes the process has grown over that many actions, after the first ones."""
    for _ in range(warm_up):
        action()
    before = resident_bytes()
    for _ in range(times):
        action()
    return resident_bytes() - before
