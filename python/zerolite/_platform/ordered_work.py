"""Work on several threads, whose results come in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from zerolite._platform.machine import usable_cores

__all__ = ["in_order", "overlapping_threads"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# So many items for each thread are under way, so that none waits for the one who iterates.
_AHEAD = 2


def overlapping_threads(replicas: int = 1) -> int:
    """How many threads keep all cores at work when each item is decoded and then run by one of so many replicas.

    One more than there are cores: where a thread waits for the replica, or for a disk, another one takes its core.
    """
    cores = usable_cores()
    return max(replicas, cores + 1) if cores > 1 else replicas


def in_order(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int
) -> Iterator[Callable[[], _Result]]:
    """For each item what gives its result, or raises what the work raised.

    Args:
        work: what is done with an item; it may be called from several threads at once.
        items: the items, fetched in the thread that iterates. With several threads, a few are fetched ahead of the
            results; however many there are, no more are held than these.
        threads: how many; with one, items are worked at in the thread that asks for the result.

    Returns:
        An iterator in the order of the items. What fetching them raises comes after the results of those before.
    """
    if threads == 1:
        for item in items:
            yield lambda item=item: work(item)  # type: ignore[misc] # a default of the item's own type
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="zerolite-work") as executor:
        waiting: deque[Future[_Result]] = deque()
        failure: Exception | None = None
        source = iter(items)
        try:
            while True:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised when the results before it were taken
                    failure = error
                    break
                waiting.append(executor.submit(work, item))
                # What is done is not held back until more items come: they may come slowly, as from a camera.
                if len(waiting) > _AHEAD * threads or waiting[0].done():
                    yield waiting.popleft().result
            while waiting:
                yield waiting.popleft().result
            if failure is not None:
                raise failure
        finally:
            for future in waiting:
                future.cancel()
