"""How a process grows while work is repeated: resident memory, threads and file descriptors, as /proc tells them."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WARM_UP = 0.25  # of the readings
FEWEST_READINGS = 12
ALIKE = 20  # readings of a count, 10 ms apart, that make it settled

# Does some of the work, and returns how many repetitions that was.
Work = Callable[[], int]
# Opens what the work needs, and closes it.
Load = Callable[[], AbstractContextManager[Work]]


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of the process under a load.

    Attributes:
        repetitions: how often the work was done.
        seconds: how long that took.
        resident: bytes of resident memory at the end.
        slope: bytes of resident memory that 1,000 repetitions add.
        error: the standard error of the slope, in the same unit.
        threads: threads after the load, less those before it.
        descriptors: file descriptors after the load, less those before it.
    """

    repetitions: int
    seconds: float
    resident: int
    slope: float
    error: float
    threads: int
    descriptors: int

    @property
    def bytes_in_all(self) -> float:
        """What the slope comes to over all repetitions."""
        return self.slope * self.repetitions / 1000

    def leaks(self, allowance: int = 1 << 20) -> bool:
        """Whether threads or descriptors are left, or memory grows: by more than the bytes allowed and three errors."""
        grows = self.slope > 3 * self.error and self.bytes_in_all > allowance
        return grows or self.threads > 0 or self.descriptors > 0


def growth_under(load: Load, *, readings: int) -> Growth:
    """Do the work so many times, at least `FEWEST_READINGS`, and read the resident memory after each.

    The load is opened, used and closed once before: what a process makes only once is there when the counting begins.
    The line goes through what comes after the first quarter of the readings, in which pools of memory fill up.
    """
    with load() as work:
        work()
    threads, descriptors = settled_count_of("task"), settled_count_of("fd")
    done, resident = 0, []
    begin = time.monotonic()
    with load() as work:
        for _ in range(max(readings, FEWEST_READINGS)):
            done += work()
            resident.append((done, resident_bytes()))
    seconds = time.monotonic() - begin
    settled = np.array(resident[int(WARM_UP * len(resident)) :], np.float64)
    slope, error = line_through(settled[:, 0], settled[:, 1])
    return Growth(
        repetitions=done,
        seconds=seconds,
        resident=resident_bytes(),
        slope=1000 * slope,
        error=1000 * error,
        threads=settled_count_of("task") - threads,
        descriptors=settled_count_of("fd") - descriptors,
    )


def line_through(places: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """The slope of the least squares line through the values, and its standard error for independent residuals."""
    places = places - places.mean()
    spread = float(places @ places)
    slope = float(places @ values) / spread
    residuals = values - values.mean() - slope * places
    return slope, float(np.sqrt(residuals @ residuals / (len(values) - 2) / spread))


def resident_bytes() -> int:
    """What this process has in memory; smaps_rollup counts the pages, statm may be some hundred KiB off."""
    gc.collect()
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Rss:"):
            return 1024 * int(line.split()[1])
    raise OSError("/proc/self/smaps_rollup has no line 'Rss:'")


def settled_count_of(kind: str) -> int:
    """How many threads ("task") or file descriptors ("fd") this process has.

    A thread that was joined stays in /proc for a moment, so the number is read until it no longer changes.
    """
    counts = [count_of(kind)]
    while len(counts) < ALIKE or len(set(counts[-ALIKE:])) > 1:
        time.sleep(0.01)
        counts.append(count_of(kind))
    return counts[-1]


def count_of(kind: str) -> int:
    return len(os.listdir(f"/proc/self/{kind}"))  # noqa: PTH208 - only their number
