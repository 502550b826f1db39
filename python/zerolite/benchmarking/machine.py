"""The machine and the versions that numbers belong to."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from pathlib import Path

__all__ = ["describe_machine"]

_DISTRIBUTIONS = ("zerolite", "ai-edge-litert", "numpy", "tensorflow", "tflite-runtime")


def describe_machine() -> dict[str, str | int]:
    """Label -> value: processor, usable cores, system, Python, installed versions, and the date (UTC)."""
    described: dict[str, str | int] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "python": platform.python_version(),
    }
    for distribution in _DISTRIBUTIONS:
        try:
            described[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    described["date"] = dt.datetime.now(dt.timezone.utc).date().isoformat()
    return described


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
