"""How much memory this process has had in use.

`benchmarking.first_result_program` loads this file by its path, in processes where nothing may be imported but the
runtime under test, so it imports no other part of zerolite.
"""

from __future__ import annotations

import contextlib
import sys

__all__ = ["forget_peak", "peak_of_children", "peak_resident_bytes"]

# What getrusage counts in.
_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_resident_bytes() -> int:
    """The most memory that this process has had in use.

    Linux counts it in VmHWM. What getrusage says there begins with the size of the process that started this one.
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 - no pathlib here
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def forget_peak() -> None:
    """Let `peak_resident_bytes` count from what this process has in use now, where the system can: Linux."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:  # noqa: PTH123 - as above
        file.write("5")


def peak_of_children() -> int:
    """The most memory that one of the processes that this one started, and that have ended, has had in use."""
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT
