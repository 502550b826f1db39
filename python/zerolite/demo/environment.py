"""The machine and the versions that a report's numbers belong to."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

__all__ = ["environment"]

_DISTRIBUTIONS = ("zerolite", "ai-edge-litert", "tensorflow", "keras", "numpy", "scikit-learn")


def environment() -> dict[str, str]:
    """Label -> value, in the order in which a report shows them."""
    values = {
        "processor": _processor(),
        "usable cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "python": platform.python_version(),
    }
    for distribution in _DISTRIBUTIONS:
        try:
            values[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            values[distribution] = "not installed as a distribution"
    return values


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()
