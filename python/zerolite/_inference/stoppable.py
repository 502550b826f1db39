"""Futures of runs that can still be stopped when they have begun."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar

from zerolite import _native

__all__ = ["StoppableFuture", "submit_stoppable"]

Result = TypeVar("Result")


class StoppableFuture(Future[Result]):
    """A future whose `cancel` also stops a run that is under way, before its next operator.

    Then `cancel` returns False, as it does for every future that has begun, and `result` raises CancelledError when the
    run has stopped, or gives the result of a run that came to its end before.
    """

    def __init__(self) -> None:
        """Wait for a thread."""
        super().__init__()
        self._stop = _native.StopRequest()

    def cancel(self) -> bool:
        """Cancel what has not begun, and stop what has."""
        cancelled = super().cancel()
        if not cancelled:
            self._stop.stop()
        return cancelled


def submit_stoppable(executor: Executor, task: Callable[[_native.StopRequest], Result], /) -> StoppableFuture[Result]:
    """Run a task on the executor, and give it what asks it to stop."""
    future: StoppableFuture[Result] = StoppableFuture()
    begun = executor.submit(_fulfil, future, task)
    # An executor that is shut down cancels what it has not begun.
    begun.add_done_callback(lambda begun: future.cancel() if begun.cancelled() else None)
    return future


def _fulfil(future: StoppableFuture[Result], task: Callable[[_native.StopRequest], Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = task(future._stop)
    except BaseException as error:  # noqa: BLE001 - raised for whoever asks for the result
        future.set_exception(error)
        del future  # which the error would keep, with the traceback of this function, and be kept by
    else:
        future.set_result(result)
