"""This machine: its processor, its cores, and what is installed on it."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["describe_machine", "processor_name", "usable_cores"]

# For ARM processors, Linux gives these numbers instead of a name.
_ARM_KEYS = ("CPU implementer", "CPU variant", "CPU part")
_DISTRIBUTIONS = ("zerolite", "ai-edge-litert", "numpy", "tensorflow", "tflite-runtime")


def processor_name() -> str:
    """The name that the system has for the processor; on ARM the numbers of its maker and kinds of cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    numbers: dict[str, list[str]] = {key: [] for key in _ARM_KEYS}
    for line in lines:
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "model name" and value:
            return value
        if key in numbers and value not in numbers[key]:
            numbers[key].append(value)
    told = ", ".join(f"{key} {'/'.join(values)}" for key, values in numbers.items() if values)
    if told:
        return f"{platform.machine()} ({told})"
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_machine() -> dict[str, str | int]:
    """Label -> value: processor, usable cores, system, Python, installed versions, and the date (UTC)."""
    import datetime as dt
    import importlib.metadata

    described: dict[str, str | int] = {
        "processor": processor_name(),
        "cores": usable_cores(),
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
