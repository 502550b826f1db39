"""Threads that all ask one pool, and look at every answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import numpy as np

import zerolite as zl

Model = Callable[[np.ndarray], np.ndarray]
ROWS = 16  # that a thread asks for in turn


class PoolClients:
    """As many threads as asked for submit to one pool, wait for the answer and compare it, until they are closed.

    Each thread has rows of its own, so that an answer that went to another thread is a wrong one.
    """

    def __init__(self, pool: zl.Pool, model: Model, *, threads: int, width: int) -> None:
        """Start the threads; the model tells what the pool has to answer to rows of so many numbers."""
        self._pool = pool
        self._ended = threading.Event()
        self._answered = [0] * threads  # each is counted by one thread
        rows = np.random.default_rng(0).standard_normal((threads, ROWS, 1, width)).astype(np.float32)
        expected = [[model(row) for row in own] for own in rows]
        self._executor = ThreadPoolExecutor(threads)
        self._work = [self._executor.submit(self._ask, index, rows[index], expected[index]) for index in range(threads)]

    def _ask(self, index: int, rows: np.ndarray, expected: list[np.ndarray]) -> None:
        while not self._ended.is_set():
            for row, answer in zip(rows, expected, strict=True):
                given = self._pool.submit(row).result()
                if not isinstance(given, np.ndarray) or not np.array_equal(given, answer):
                    self._ended.set()
                    raise RuntimeError(f"the pool gave thread {index} a wrong answer")
            self._answered[index] += ROWS

    def work(self, seconds: float) -> int:
        """Let the threads go on for some time, and return how many answers they have compared since the last call."""
        before = sum(self._answered)
        self._ended.wait(seconds)
        return sum(self._answered) - before

    def __enter__(self) -> PoolClients:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the threads.

        Raises:
            RuntimeError: an answer was wrong.
        """
        self._ended.set()
        self._executor.shutdown()
        for work in self._work:
            work.result()
