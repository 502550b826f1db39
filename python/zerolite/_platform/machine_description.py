"""The machine and the versions that numbers belong to."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform

from zerolite._platform.machine import processor_name, usable_cores

__all__ = ["describe_machine"]

_DISTRIBUTIONS = ("zerolite", "ai-edge-litert", "numpy", "tensorflow", "tflite-runtime")


def describe_machine() -> dict[str, str | int]:
    """Label -> value: processor, usable cores, system, Python, installed versions, and the date (UTC)."""
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
