"""Short forms of the soak program's loads, and loads that leak on purpose: `python -m tests.support.soak_loads NAME`.

A program, since only a process that does nothing else tells how a load makes it grow: where tests were before, the
memory that they gave back hides what is leaked.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial

import numpy as np

import zerolite as zl
from benchmarks import serving_soak, soak
from benchmarks.process_growth import FEWEST_READINGS, Load, Work, growth_under

SHORT: Mapping[str, Load] = {
    "calls": partial(soak.calls, 500),
    "loads": partial(soak.loads, 20),
    "pools": partial(soak.pools, 2),
    "resizes": partial(soak.resizes, 50),
    "clients": partial(soak.clients, threads=16, seconds=0.05),
    "requests": partial(serving_soak.requests, 50),
    "loads of a server": partial(serving_soak.loads, 4),
    "connections that are dropped": partial(serving_soak.dropped, 40),
    "regions of shared memory": partial(serving_soak.regions, 40),
}


def leaking(keep_some: Callable[[list[object]], int]) -> Load:
    """A load whose work keeps what it makes for as long as the process lives."""
    kept: list[object] = []

    @contextmanager
    def load() -> Iterator[Work]:
        yield lambda: keep_some(kept)

    return load


def keep_models(kept: list[object]) -> int:
    kept += [zl.load(soak.MODEL) for _ in range(10)]
    return 10


def keep_a_pool(kept: list[object]) -> int:
    pool = zl.Pool(soak.MODEL, workers=1)
    pool.submit(np.ones((1, soak.WIDTH), np.float32)).result()
    kept.append(pool)
    return 1


def keep_pages(kept: list[object]) -> int:
    for _ in range(10):
        pages = mmap.mmap(-1, 1 << 18)
        pages.write(b"x" * (1 << 18))
        kept.append(pages)
    return 10


def keep_descriptors(kept: list[object]) -> int:
    kept += [os.open(os.devnull, os.O_RDONLY) for _ in range(10)]
    return 10


LEAKING: Mapping[str, Load] = {
    "models": leaking(keep_models),
    "a pool": leaking(keep_a_pool),
    "pages": leaking(keep_pages),
    "descriptors": leaking(keep_descriptors),
}


def main() -> None:
    """Print how the process grows under a load."""
    load = {**SHORT, **LEAKING}[sys.argv[1]]
    print(json.dumps(asdict(growth_under(load, readings=FEWEST_READINGS))))


if __name__ == "__main__":
    main()
