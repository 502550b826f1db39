"""Pools to test, what they are to answer, and a gate that keeps a replica busy."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import Array

PATIENCE = 60  # seconds after which what should have ended is called hung
DENSE = zoo.model_path("dense_2layer")


def rows(count: int) -> Array:
    return np.random.default_rng(0).standard_normal((count, 1, 64)).astype(np.float32)


def answers(items: Array) -> Array:
    with zl.load(DENSE) as model:
        return np.stack([model(item) for item in items])


def make_pool(source: Any, **options: Any) -> Any:
    """A pool whose answers are taken for what they are known to be: arrays, or mappings."""
    return zl.Pool(source, **options)


class Gate:
    """An input that a worker waits for: a list whose conversion to an array takes until the gate opens.

    It keeps a replica's thread busy for as long as a test wants, without any clock.
    """

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        self.entered.release()
        assert self.opened.wait(PATIENCE)
        return np.ones((1, 64), np.float32)

    def wait_until_entered(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.entered.acquire(timeout=PATIENCE)
