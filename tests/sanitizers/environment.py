"""What `tools/sanitized_tests.py` tells the tests; without it, there is nothing here that is watched."""

from __future__ import annotations

import os

FAULTS = os.environ.get("ZEROLITE_DELIBERATE_FAULTS", "")
MODULE = os.environ.get("ZEROLITE_SANITIZED_MODULE", "")


def options_with(*changes: str) -> dict[str, str]:
    """The options of the sanitizers that are on, with some that replace those of the same name."""
    names = ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")
    return {name: ":".join([os.environ[name], *changes]) for name in names if name in os.environ}
