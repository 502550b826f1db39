"""Who runs next: the requests of one model, which wait for a free replica in a queue of limited length."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from zerolite.serving.errors import OverloadError
from zerolite.serving.protocol import Arrays

if TYPE_CHECKING:
    from concurrent.futures import Future

    from zerolite._inference.pool import Pool
    from zerolite._inference.signature import SignatureMethods

    #: Runs the inputs of one request through a signature of a replica.
    Run = Callable[[SignatureMethods, str, Arrays], Arrays]

__all__ = ["Scheduler"]


class _Waiting:
    """A request in the queue, or one that runs."""

    def __init__(self, signature: str, inputs: Arrays, result: asyncio.Future[Arrays]) -> None:
        self.signature = signature
        self.inputs = inputs
        self.result = result


class Scheduler:
    """Gives requests to the replicas of a pool in the order in which they came; used from one event loop only.

    A request that is cancelled while it waits leaves the queue at once. One that already runs is finished, since a run
    can't be stopped, and its result is dropped; only then its replica takes the next one.

    Attributes:
        running: how many runs are under way.
    """

    def __init__(self, pool: Pool, run: Run, *, queue_size: int) -> None:
        """Schedule for the replicas of `pool`; at most `queue_size` requests wait, beside those that run."""
        self._pool = pool
        self._run = run
        self._queue_size = queue_size
        self._waiting: dict[_Waiting, None] = {}  # in order, and quick to leave
        self.running = 0

    @property
    def queued(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def require_room(self) -> None:
        """Refuse a request that could not even wait.

        Raises:
            OverloadError: the queue is full.
        """
        if self.running >= self._pool.workers and self.queued >= self._queue_size:
            raise OverloadError(f"{self.queued} requests wait for this model, which is as many as may; try again later")

    async def run(self, signature: str, inputs: Arrays) -> Arrays:
        """Wait for a replica, and run.

        Raises:
            OverloadError: the queue is full.
            Exception: whatever the run raises.
        """
        self.require_room()
        request = _Waiting(signature, inputs, asyncio.get_running_loop().create_future())
        self._waiting[request] = None
        self._start_runs()
        try:
            return await request.result
        finally:
            self._waiting.pop(request, None)

    def _start_runs(self) -> None:
        while self._waiting and self.running < self._pool.workers:
            request = next(iter(self._waiting))
            del self._waiting[request]
            self._start(request)

    def _start(self, request: _Waiting) -> None:
        loop = asyncio.get_running_loop()

        def work(replica: SignatureMethods) -> Arrays:
            return self._run(replica, request.signature, request.inputs)

        def finished(future: Future[Arrays]) -> None:  # in the replica's thread
            loop.call_soon_threadsafe(self._finish, request, future)

        self._pool._submit_work(work).add_done_callback(finished)
        self.running += 1

    def _finish(self, request: _Waiting, future: Future[Arrays]) -> None:
        self.running -= 1
        error = future.exception()
        if request.result.done():
            pass  # nobody waits for it any more
        elif error is not None:
            request.result.set_exception(error)
        else:
            request.result.set_result(future.result())
        self._start_runs()
