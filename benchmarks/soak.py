"""Hours of use in some minutes: whether memory, threads and file descriptors grow. `python -m benchmarks.soak`.

Each load is repeated as often as LOADS says: a million calls, 10,000 loads, 1,000 pools, 100,000 resizes, and a minute
of 64 threads on one pool. What is printed is the slope of a straight line through the resident memory, with its
standard error, per 1,000 repetitions; and how many threads and file descriptors there are more than before. The exit
code is 1 when something grows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import zerolite as zl
from benchmarks.pool_clients import PoolClients
from benchmarks.process_growth import FEWEST_READINGS, Growth, Load, Work, growth_under
from zerolite._platform.machine import describe_machine

MODEL = Path(__file__).parent.parent / "tests" / "models" / "dense_2layer.tflite"
WIDTH = 64
MOST_ROWS = 64
CLIENTS = 64
WORKERS = 4


@contextmanager
def calls(count: int = 10_000) -> Iterator[Work]:
    """One model that is called."""
    row = np.ones((1, WIDTH), np.float32)
    with zl.load(MODEL) as model:

        def work() -> int:
            for _ in range(count):
                model(row)
            return count

        yield work


@contextmanager
def loads(count: int = 100) -> Iterator[Work]:
    """Models that are loaded, called once and closed."""
    row = np.ones((1, WIDTH), np.float32)

    def work() -> int:
        for _ in range(count):
            with zl.load(MODEL) as model:
                model(row)
        return count

    yield work


@contextmanager
def pools(count: int = 10) -> Iterator[Work]:
    """Pools that are opened, asked twice for each worker, and closed."""
    row = np.ones((1, WIDTH), np.float32)

    def work() -> int:
        for _ in range(count):
            with zl.Pool(MODEL, workers=WORKERS) as pool:
                for future in [pool.submit(row) for _ in range(2 * WORKERS)]:
                    future.result()
        return count

    yield work


@contextmanager
def resizes(count: int = 1_000) -> Iterator[Work]:
    """One model that gets another number of rows before every call."""
    rows, sizes = np.ones((MOST_ROWS, WIDTH), np.float32), np.random.default_rng(0)
    with zl.load(MODEL) as model:

        def work() -> int:
            for size in sizes.integers(1, MOST_ROWS + 1, count).tolist():
                model.resize(features=(size, WIDTH))
                model(rows[:size])
            return count

        yield work


@contextmanager
def clients(threads: int = CLIENTS, seconds: float = 1.0) -> Iterator[Work]:
    """Threads that all ask one pool; every answer is compared."""
    with (
        zl.load(MODEL) as model,
        zl.Pool(MODEL, workers=WORKERS) as pool,
        PoolClients(pool, model, threads=threads, width=WIDTH) as asking,
    ):
        yield lambda: asking.work(seconds)


# What is done, and how many readings that makes.
LOADS: Mapping[str, tuple[Load, int]] = {
    "call": (calls, 100),
    "load, call, close": (loads, 100),
    f"open, use, close a pool of {WORKERS}": (pools, 100),
    f"resize to 1 to {MOST_ROWS} rows, call": (resizes, 100),
    f"{CLIENTS} threads on a pool of {WORKERS}": (clients, 60),
}


def line_of(name: str, found: Growth) -> str:
    """What is printed about one load."""
    slope = f"{found.slope:+,.0f} +- {found.error:,.0f}"
    return (
        f"{name:<30} {found.repetitions:>12,} {found.seconds:>8.1f} {found.resident / (1 << 20):>8.1f} {slope:>20} "
        f"{found.threads:>+8} {found.descriptors:>+12} {'  grows' if found.leaks() else ''}"
    ).rstrip()


def main(loads: Mapping[str, tuple[Load, int]] = LOADS) -> None:
    """Print a line for each load."""
    parser = argparse.ArgumentParser(description="Repeat what programs do, and tell how the process grows.")
    parser.add_argument(
        "--times",
        type=float,
        default=1.0,
        help=f"so many times the counts, from {FEWEST_READINGS / 100:g} (default: 1)",
    )
    times = parser.parse_args().times
    if not times >= FEWEST_READINGS / 100:
        parser.error(f"--times is {times:g}, and must be {FEWEST_READINGS / 100:g} or more")
    print(", ".join(f"{key} {value}" for key, value in describe_machine().items()))
    print(
        f"{'load':<30} {'repetitions':>12} {'seconds':>8} {'MiB':>8} {'bytes per 1,000':>20} "
        f"{'threads':>8} {'descriptors':>12}"
    )
    leaks = False
    for name, (load, readings) in loads.items():
        found = growth_under(load, readings=round(times * readings))
        leaks = leaks or found.leaks()
        print(line_of(name, found), flush=True)
    sys.exit(int(leaks))


if __name__ == "__main__":
    main()
