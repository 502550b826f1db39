"""The names of ai_edge_litert._pywrap_tfl_calibration, with which LiteRT's quantizers calibrate, from zerolite."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import NamedTuple

from zerolite.interpreter import NativeHandle

__all__ = ["InvokeWithCalibration", "MemoryUsage", "Range", "get_memory_usage"]


class Range(NamedTuple):
    """The smallest and the largest value of a tensor.

    Attributes:
        min: the smallest one.
        max: the largest one.
    """

    min: float
    max: float


class MemoryUsage(NamedTuple):
    """The memory of this process.

    Attributes:
        mem_footprint_kb: the most that it had at once, in KiB.
        total_allocated_bytes: what it has now.
        in_use_allocated_bytes: the same.
        private_footprint_bytes: the same.
    """

    mem_footprint_kb: int
    total_allocated_bytes: int
    in_use_allocated_bytes: int
    private_footprint_bytes: int


def InvokeWithCalibration(interpreter: NativeHandle, subgraph_index: int) -> dict[str, Range]:  # noqa: N802
    """Run a subgraph whose inputs are set, and tell the range of every tensor.

    Args:
        interpreter: what `_native_handle` of an interpreter returned.
        subgraph_index: the subgraph to run.

    Returns:
        Tensor name -> range, for tensors of real numbers and of 32-bit integers that are no constants, over all turns
        of loops. Operators that a delegate has fused show what goes in and comes out.

    Raises:
        TypeError: `interpreter` is no handle of zerolite's.
        Error: (a RuntimeError) the tensors are not allocated, or a kernel failed.
    """
    if not isinstance(interpreter, NativeHandle):
        raise TypeError(
            f"InvokeWithCalibration is zerolite's here, and takes what _native_handle() of its Interpreter returns; it "
            f"got {interpreter!r}, so make the interpreter after zerolite.compat.install()"
        )
    found = interpreter.interpreter._invoke_for_ranges(subgraph_index)
    return {name: Range(*values) for name, values in found.items()}


def get_memory_usage() -> MemoryUsage:
    """Tell how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    now = pages * resource.getpagesize()
    return MemoryUsage(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, now, now, now)
