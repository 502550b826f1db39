"""Work on several threads, which all start at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PATIENCE = 60  # seconds after which a deadlock is called one


def in_threads(work: Callable[[int], Any], count: int) -> list[Any]:
    """What `work` returns on each of the threads."""
    barrier = threading.Barrier(count)

    def at_once(index: int) -> Any:
        barrier.wait(PATIENCE)
        return work(index)

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(at_once, index) for index in range(count)]
        return [future.result(timeout=PATIENCE) for future in futures]
