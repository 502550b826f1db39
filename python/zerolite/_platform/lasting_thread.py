"""A thread that lasts as long as the process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["run_in_lasting_thread"]

Result = TypeVar("Result")

_Work = tuple[Callable[[], Any], "SimpleQueue[tuple[Any, BaseException | None]]"]


class _LastingThread:
    def __init__(self) -> None:
        self.process = os.getpid()
        self._work: SimpleQueue[_Work] = SimpleQueue()
        threading.Thread(target=self._serve, name="zerolite-processes", daemon=True).start()

    def run(self, work: Callable[[], Result]) -> Result:
        done: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._work.put((work, done))
        result, error = done.get()
        if error is not None:
            raise error
        value: Result = result
        return value

    def _serve(self) -> None:
        while True:
            work, done = self._work.get()
            try:
                done.put((work(), None))
            except BaseException as error:  # noqa: BLE001 - raised for who waits
                done.put((None, error))
            del work, done


_lock = threading.Lock()
_thread: list[_LastingThread] = []


def run_in_lasting_thread(work: Callable[[], Result]) -> Result:
    """Run a function in that thread, after those that came before, and return what it returns or raise what it raises.

    The system can end a process when the thread that has started it ends (PR_SET_PDEATHSIG). A process that is to live
    as long as this one is therefore started here.
    """
    with _lock:
        if not _thread or _thread[0].process != os.getpid():  # a fork leaves threads behind
            _thread[:] = [_LastingThread()]
        thread = _thread[0]
    return thread.run(work)
