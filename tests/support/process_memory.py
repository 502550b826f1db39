"""How much memory this process has in use."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

STATM = Path("/proc/self/statm")
HARDLY_ANY = 1 << 18

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
    """By how many bytes the process has grown over that many actions, after the first ones.

    What leaks grows each time. A heap that is arranged anew, or another library's thread, grows once: so the least of
    three measurements counts, and the first one that shows hardly any growth is enough.
    """
    for _ in range(warm_up):
        action()
    grown = []
    for _ in range(3):
        before = resident_bytes()
        for _ in range(times):
            action()
        grown.append(resident_bytes() - before)
        if grown[-1] < HARDLY_ANY:
            break
    return min(grown)
