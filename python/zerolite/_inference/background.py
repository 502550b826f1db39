"""Work on other threads, with standard futures, whose module is imported when it is first needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from zerolite import _native

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["BackgroundThread", "asyncio_wrap"]

Result = TypeVar("Result")


class BackgroundThread:
    """One thread, started by the first task and ended by `stop`."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._stopped = False
        self._process = os.getpid()

    def submit(self, task: Callable[[_native.StopRequest], Result], /) -> Future[Result]:
        """Run a task on the thread, after those that were submitted before; it is given what asks it to stop.

        Raises:
            Error: the thread was stopped, or stayed in the parent when this process was forked.
        """
        # Before the lock, which a thread of the parent may have held when it forked.
        if os.getpid() != self._process:
            raise _native.Error(
                f"the model's thread stayed in the process ({self._process}) that this one was forked from; "
                "load the model again here"
            )
        from concurrent.futures import ThreadPoolExecutor

        from zerolite._inference.stoppable import submit_stoppable

        with self._lock:
            if self._stopped:
                raise _native.Error("the model is closed; load it again to use it")
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="zerolite-model")
            return submit_stoppable(self._executor, task)

    def stop(self) -> None:
        """Cancel what has not begun and wait for the rest. A forked process has no such thread: do nothing there."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._stopped = True
            executor = self._executor
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)


def asyncio_wrap(future: Future[Result]) -> Awaitable[Result]:
    """Make a future one that an event loop can wait for."""
    import asyncio

    return asyncio.wrap_future(future)
