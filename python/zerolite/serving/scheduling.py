"""Who runs next: the requests of one model, which wait for a free replica in a queue of limited length."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from queue import Empty
from typing import TYPE_CHECKING, NamedTuple

from zerolite import _native
from zerolite.serving.errors import DeadlineError, OverloadError, UnavailableError
from zerolite.serving.protocol import Arrays
from zerolite.serving.quick_runs import QuickRuns, RunClock, RunTime

if TYPE_CHECKING:
    from concurrent.futures import Future

    from zerolite._inference.pool import Pool
    from zerolite._inference.signature import SignatureMethods
    from zerolite.serving.metrics import ModelMetrics
    from zerolite.serving.telemetry import Tracing

    #: Runs some requests through a signature of a replica, and says of each what came of it.
    Run = Callable[[SignatureMethods, str, Sequence["Work"]], list[Arrays | Exception]]

__all__ = ["Scheduler", "Work"]


class Work(NamedTuple):
    """What a run is given of a request.

    Attributes:
        inputs: what the model is run on.
        stop: stops the run when nobody waits for its result any more.
        end: when that is at the latest, by the clock of `time.monotonic`.
    """

    inputs: Arrays
    stop: _native.StopRequest
    end: float


class _Waiting:
    """A request in the queue, or one that runs."""

    def __init__(self, signature: str, inputs: Arrays, batch: Hashable | None, deadline_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.signature = signature
        self.work = Work(inputs, _native.StopRequest(), time.monotonic() + deadline_s)
        self.batch = batch
        self.since = time.monotonic()  # uvloop's own clock counts milliseconds
        self.begun: float | None = None  # when its run did, and with how many requests, and when it ended
        self.requests = 0
        self.ended: float | None = None
        self.kind: Hashable | None = None  # of its run, see `QuickRuns`
        self.taken: RunTime | None = None  # by its run, without the way to the thread; if it was alone in it
        self.result: asyncio.Future[Arrays] = loop.create_future()

    def expire(self, deadline_s: float) -> None:
        """End the waiting for the result."""
        if not self.result.done():
            self.result.set_exception(DeadlineError(f"the model had no result within {deadline_s:g} s"))


class Scheduler:
    """Gives requests to the replicas of a pool in the order in which they came; used from one event loop only.

    Requests that can go through one run together do, where several wait: up to `max_batch` of them. One that could
    still get company waits `batch_delay_s` for it, also where a replica is free; without a delay nobody waits for that.

    A request that is cancelled while it waits leaves the queue at once. One that already runs is stopped before its
    next operator, and one that runs with others is dropped when the run ends; only then its replica takes the next one.

    Attributes:
        running: how many runs are under way.
    """

    def __init__(
        self,
        pool: Pool,
        run: Run,
        metrics: ModelMetrics,
        *,
        quick: QuickRuns,
        queue_size: int,
        max_batch: int,
        batch_delay_s: float,
        tracing: Tracing | None,
    ) -> None:
        """Schedule for the replicas of `pool`; at most `queue_size` requests wait, beside those that run."""
        self._pool = pool
        self._run = run
        self._metrics = metrics
        self._quick = quick
        self._queue_size = queue_size
        self._max_batch = max_batch
        self._batch_delay_s = batch_delay_s
        self._tracing = tracing
        self._waiting: dict[_Waiting, None] = {}  # in order, and quick to leave
        self._timer: asyncio.TimerHandle | None = None
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
        # What waits for company while a replica is free counts as well, but for a queue without any room.
        most = max(self._queue_size, 0 if self.running >= self._pool.workers else self._max_batch)
        if self.queued >= most:
            raise OverloadError(f"{self.queued} requests wait for this model, which is as many as may; try again later")

    async def run(self, signature: str, inputs: Arrays, *, batch: Hashable | None, deadline_s: float) -> Arrays:
        """Wait for a replica, and run.

        Args:
            signature: the key of the signature.
            inputs: what it is run on.
            batch: requests of the same signature whose `batch` is equal may go through one run; None goes alone.
            deadline_s: how long to wait for the result, in seconds.

        Raises:
            OverloadError: the queue is full.
            DeadlineError: there was no result in time.
            Exception: whatever the run raises.
        """
        self.require_room()
        kind = self._quick.kind(signature, inputs)
        if kind in self._quick and deadline_s > 0 and not self._waiting and self.running < self._pool.workers:
            outputs = self._run_here(signature, inputs, kind, deadline_s)
            if outputs is not None:
                return outputs
        request = _Waiting(signature, inputs, batch, deadline_s)
        request.kind = kind
        self._waiting[request] = None
        timer = asyncio.get_running_loop().call_later(deadline_s, request.expire, deadline_s)
        self._start_runs()
        try:
            return await request.result
        finally:
            timer.cancel()
            self._waiting.pop(request, None)
            request.work.stop.stop()  # the run of a request that is over has nobody to run for
            if self._tracing is not None:
                ended = time.monotonic() if request.ended is None else request.ended
                self._tracing.note_stages(request.since, request.begun, ended, batch_size=request.requests)

    def _run_here(self, signature: str, inputs: Arrays, kind: Hashable, deadline_s: float) -> Arrays | None:
        """What comes of a quick run in the event loop; None where no replica is free."""
        begun = time.monotonic()
        work = Work(inputs, _native.StopRequest(), begun + deadline_s)
        clock = RunClock()
        try:
            outcomes = self._pool._work(lambda replica: self._run(replica, signature, [work]), wait=False)
        except Empty:
            return None
        taken = clock.read()
        self._quick.note(kind, taken)
        self._metrics.note_run([0.0], taken.all)
        if self._tracing is not None:
            ended = begun + taken.all
            self._tracing.note_stages(begun, begun, ended, batch_size=1)
        (outcome,) = outcomes
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _start_runs(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.running < self._pool.workers and (requests := self._next_requests()):
            for request in requests:
                del self._waiting[request]
            self._start(requests)

    def _next_requests(self) -> list[_Waiting]:
        """Those that go through the next run; none where all that wait hope for company."""
        now = time.monotonic()
        hoping: set[Hashable] = set()
        for first in self._waiting:
            if first.batch is None or self._max_batch == 1:
                return [first]
            key = (first.signature, first.batch)
            if key in hoping:
                continue
            company = [other for other in self._waiting if (other.signature, other.batch) == key][: self._max_batch]
            due = first.since + self._batch_delay_s
            if len(company) == self._max_batch or due <= now:
                return company
            if not hoping:
                self._timer = asyncio.get_running_loop().call_later(due - now, self._start_runs)
            hoping.add(key)
        return []

    def _start(self, requests: Sequence[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        begun = time.monotonic()
        for request in requests:
            request.begun, request.requests = begun, len(requests)

        def work(replica: SignatureMethods) -> list[Arrays | Exception]:
            clock = RunClock()
            outcomes = self._run(replica, requests[0].signature, [request.work for request in requests])
            if len(requests) == 1:
                requests[0].taken = clock.read()
            return outcomes

        def finished(future: Future[list[Arrays | Exception]]) -> None:  # in the replica's thread
            loop.call_soon_threadsafe(self._finish, requests, future, begun)

        self._pool._submit_work(work).add_done_callback(finished)
        self.running += 1

    def _finish(self, requests: Sequence[_Waiting], future: Future[list[Arrays | Exception]], begun: float) -> None:
        self.running -= 1
        now = time.monotonic()
        self._metrics.note_run([begun - request.since for request in requests], now - begun)
        taken = requests[0].taken
        if taken is not None:
            self._quick.note(requests[0].kind, taken)
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            # Such as SystemExit, which would end the event loop where it is raised again. The thread lives on.
            error = UnavailableError("the run was ended from within")
        outcomes = [error] * len(requests) if error is not None else future.result()
        for request, outcome in zip(requests, outcomes, strict=True):
            request.ended = now
            if request.result.done():
                continue  # nobody waits for it any more
            if isinstance(outcome, BaseException):
                request.result.set_exception(outcome)
            else:
                request.result.set_result(outcome)
        self._start_runs()
