"""Replicas of a model on threads of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy.typing as npt

from zerolite import _native
from zerolite._inference.background import asyncio_wrap
from zerolite._inference.batch import map_signature
from zerolite._inference.loading import model_class
from zerolite._inference.model import CompiledModel, signature_of
from zerolite._inference.ordered_results import ItemError, OrderedResults, closed_error
from zerolite._inference.real_numbers import Numbers, map_real_numbers
from zerolite._inference.signature import SignatureMethods, warn_of_positions
from zerolite._inference.source import Isolation, ModelSource, Resize, read_source
from zerolite._inference.stoppable import submit_stoppable
from zerolite._runtime.tensor import TensorMap, Value
from zerolite._runtime.validation import positive_int, resets_items
from zerolite.delegates.choice import MOST_THREADS, DelegateChoice
from zerolite.delegates.xnnpack import SharedWeights

if TYPE_CHECKING:
    from concurrent.futures import Future

    from zerolite._inference.batch import Batch, Out, Progress
    from zerolite._inference.model import Verify
    from zerolite._runtime.validation import Reset
    from zerolite.delegates import Delegates
    from zerolite.operators import CustomOps

    _Result = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]

__all__ = ["ItemError", "Pool"]

_T = TypeVar("_T")

#: The size of packed weights, in bytes, above which making a replica costs less than holding them twice.
_WORTH_ANOTHER_REPLICA = 1 << 20


class Pool:
    """Replicas of one model, each on a thread of its own: more throughput than threads within one replica give.

    The replicas share the model's bytes and, where XNNPACK packs weights for its kernels, the packed weights too. Each
    has variables of its own, so that a stateful model's items must not depend on one another: each begins with the
    variables of a model just loaded. All methods may be called from any thread. Close the pool, or use it in a with
    statement, when it is done.

    Attributes:
        workers: how many replicas there are.
    """

    def __init__(
        self,
        source: ModelSource | CompiledModel,
        *,
        workers: int | None = None,
        signature: str | None = None,
        delegates: Delegates | None = None,
        threads: int | None = None,
        fallback: bool = True,
        verify: Verify | None = None,
        tuned: str | os.PathLike[str] | None = None,
        map: bool | None = None,  # noqa: A002 - the public name
        numbers: Numbers = "stored",
        resize: Resize = "strict",
        isolation: Isolation | None = None,
        custom_ops: CustomOps | None = None,
    ) -> None:
        """Load the model and make its replicas.

        Args:
            source: the path of a .tflite file, or its bytes; or a model, of which all workers are replicas then, with
                its shapes, and with its delegates where no others are given.
            workers: how many replicas, at least 1; None is one for each core that this process may use, or what
                `tuned` says.
            signature: the signature that items run through; None is the default one.
            delegates: where each replica runs, as for `load`; None is XNNPACK.
            threads: how many threads a run of each replica uses on the CPU, as for `load`; None is the setting of
                `XNNPack`, which by default is 1, and enough where there are as many workers as cores.
            fallback: whether operators that no delegate of the list takes run on the CPU.
            verify: how closely the model is looked at before it is used, as for `load`.
            tuned: a file with the fastest setting, as for `load`; in the place of `workers`, `delegates`
                and `threads`. "auto" searches for it as for `load`, for the most items in a second.
            map: whether the file is used where it lies on disk, as for `load`.
            numbers: what items and results of quantized tensors are: "stored" integers, or the "real" numbers that they
                stand for, as with `CompiledModel.real`; `map` then takes no `out`.
            resize: what becomes of items of other shapes, as for `load`; with "auto" each replica keeps four more.
            isolation: "process", or a `ProcessIsolation`, gives each worker a process, as for `load`.
            custom_ops: kernels for custom operators, as for `load`; None is those of a model.

        Raises:
            ValueError: `workers` or `threads` is not from 1 to 1024, there is no such signature, level, isolation or
                kind of numbers, or `tuned` is damaged, belongs to something else, or came with other settings.
            TypeError: `workers` or `threads` is not an integer.
            OSError, InvalidModelError, Error: as `load` raises them.
        """
        if numbers not in ("stored", "real"):
            raise ValueError(f"numbers is {numbers!r}, and must be 'stored' or 'real'")
        self._takes_real_numbers = numbers == "real"
        file = None
        if tuned is not None:
            from zerolite.tuned import TunedFile, tuning_for

            def content() -> bytes | memoryview:
                return source._content() if isinstance(source, CompiledModel) else read_source(source)[0]

            TunedFile.refuse_beside(workers=workers, delegates=delegates, threads=threads)
            file = tuning_for(tuned, content, goal="throughput", signature=signature)
        if file is not None:
            workers, delegates = file.setting.workers, file.setting.delegates
        if workers is None:
            from zerolite._platform.machine import usable_cores

            workers = min(usable_cores(), MOST_THREADS)
        self.workers = positive_int(
            "workers", workers, most=MOST_THREADS, otherwise=", or None for one for each usable core"
        )
        self._closed = False
        self._process = os.getpid()
        origin = source._origin.choice if isinstance(source, CompiledModel) else None
        choice = DelegateChoice.like(origin, delegates, threads=threads, fallback=fallback, custom_ops=custom_ops)
        self._signature = signature
        kind = type(source) if isinstance(source, CompiledModel) else model_class(isolation)
        self._weights = SharedWeights(choice.xnnpack, sharing=self.workers > 1 and kind is CompiledModel)
        choice.xnnpack = self._weights.delegate
        first = kind(source, choice=choice, verify=verify, tuned=file, map=map, resize=resize)
        self._models = [first]
        self._models += [kind(first, choice=choice, resize=resize) for _ in range(1, self.workers)]
        if self._weights.size > _WORTH_ANOTHER_REPLICA:
            # The replica that packed the weights holds them once more in memory of its own (LiteRT 2.3.0), which only
            # its end gives back. The others, and the one that takes its place, map what it has written.
            self._models = [*self._models[1:], kind(first, choice=choice, resize=resize)]
            first.close()
        if isinstance(source, CompiledModel):
            for model in self._models:
                model._take_shapes(source._shapes)
        self._replicas = [signature_of(model, signature) for model in self._models]
        self._keeps_state = first._keeps_state()
        self._positions_in_doubt = self._replicas[0]._inputs_in_doubt()
        self._free: SimpleQueue[SignatureMethods] = SimpleQueue()
        for replica in self._replicas:
            self._free.put(replica)
        from concurrent.futures import ThreadPoolExecutor

        self._resizing = Lock()
        self._executor = ThreadPoolExecutor(self.workers, thread_name_prefix="zerolite-pool")

    @property
    def inputs(self) -> TensorMap:
        """The input tensors of one of the replicas, by name and by position."""
        self._require_open()
        return self._replicas[0].inputs

    @property
    def outputs(self) -> TensorMap:
        """The output tensors of one of the replicas, by name and by position."""
        self._require_open()
        return self._replicas[0].outputs

    def resize(
        self,
        shapes: Mapping[str, Sequence[int]] | None = None,
        /,
        *,
        strict: bool = True,
        **named_shapes: Sequence[int],
    ) -> None:
        """Give the inputs of all replicas other shapes, as `CompiledModel.resize` does for one.

        Items that are under way are waited for; those that were submitted and have not begun run with the new shapes.

        Args:
            shapes: shapes by name, for names that are no Python identifiers.
            strict: refuse to change what the model fixes.
            **named_shapes: shapes by name.

        Raises:
            ValueError, Error: as `CompiledModel.resize` raises them; all replicas keep the previous shapes then.
            Error: the pool is closed.
        """
        self._require_open()
        wanted = {**(shapes or {}), **named_shapes}
        with self._resizing:  # two who wait for all replicas would each get some
            replicas = [self._free.get() for _ in range(self.workers)]
            done: list[SignatureMethods] = []
            before = replicas[0]._input_shapes
            try:
                for replica in replicas:
                    replica.resize(wanted, strict=strict)
                    done.append(replica)
            except BaseException:
                for replica in done:
                    replica.resize(before, strict=False)
                raise
            finally:
                for replica in replicas:
                    self._free.put(replica)

    def submit(self, *args: Value, **kwargs: Value) -> Future[_Result]:
        """Run one item, given as to a call of the model, and return a future of its result.

        The future can be cancelled until a replica has begun with it. Its `cancel` then stops the run before the next
        operator, and its result is a CancelledError. ``timeout=`` counts from when a replica begins.

        Raises:
            Error: the pool is closed.
        """
        if len(args) > 1:
            self._warn_of_positions()
        return self._submit(args, kwargs, resets=True)

    def _warn_of_positions(self) -> None:
        """Once for all replicas, in the thread that gives the inputs."""
        if self._positions_in_doubt:
            self._require_open()
            warn_of_positions(self._replicas[0])
            self._settle_positions()

    def _settle_positions(self) -> None:
        self._positions_in_doubt = False
        for replica in self._replicas:
            replica._settle_positions()

    def _submit(self, args: tuple[Value, ...], kwargs: dict[str, Value], *, resets: bool) -> Future[_Result]:
        self._require_open()
        try:
            anew = resets and self._keeps_state
            return submit_stoppable(self._executor, lambda stop: self._run_item(stop, args, kwargs, resets=anew))
        except RuntimeError as error:  # another thread has closed the pool meanwhile
            raise closed_error() from error

    def _submit_work(self, work: Callable[[SignatureMethods], _T]) -> Future[_T]:
        """Run a function over a free replica, which it has for itself and leaves as fit for use as it was.

        The replica is the model itself where the pool was made for the default signature, and so has all signatures.
        """
        self._require_open()
        try:
            return self._executor.submit(self._work, work)
        except RuntimeError as error:  # another thread has closed the pool meanwhile
            raise closed_error() from error

    async def run_async(self, *args: Value, **kwargs: Value) -> _Result:
        """Run one item on the pool's threads, so that an event loop goes on meanwhile.

        A task that is cancelled stops the run before its next operator.
        """
        return await asyncio_wrap(self.submit(*args, **kwargs))

    def map(
        self,
        batch: Batch,
        *,
        out: Out | None = None,
        chunk: int | None = None,
        progress: Progress | None = None,
        reset: Reset = "item",
        timeout: float | None = None,
    ) -> _Result:
        """Run every item of a batch over all replicas, in native threads; results are in the batch's order.

        Arguments, results and errors are those of `CompiledModel.map`.
        """
        self._require_open()
        size = self._replicas[0]._tuned_chunk if chunk is None else chunk
        if self._takes_real_numbers:
            if out is not None:
                raise ValueError("out is given, and a pool of real numbers makes new arrays; leave out out")
            return map_real_numbers(self._replicas, batch, chunk=size, progress=progress, reset=reset, timeout=timeout)
        prepared = self._replicas[0]._prepared
        map_items = map_signature if prepared is None else prepared.map
        return map_items(self._replicas, batch, out=out, chunk=size, progress=progress, reset=reset, timeout=timeout)

    def reset(self) -> None:
        """Put the variables of all replicas back to what they are in a model just loaded; see `CompiledModel.reset`.

        Only what ran with ``reset="never"`` leaves something there.

        Raises:
            Error: the pool is closed, or a model can't be compiled anew.
        """
        self._require_open()
        for model in self._models:
            model.reset()

    def imap(self, items: Iterable[Value], *, ahead: int | None = None, reset: Reset = "item") -> Iterator[_Result]:
        """Run items from any iterable, and yield the results in its order.

        Only a few items are taken ahead of the results, so that an endless generator needs no more memory than a short
        one. An item is what a call takes by position: an array, or a tuple or mapping for several inputs.

        Args:
            items: the items; they are fetched in the thread that iterates.
            ahead: how many items may be under way; None is four for each worker.
            reset: as for `map`. With "never" an item goes on from where the replica is that happens to take it, which
                is a stream with one worker alone.

        Returns:
            An iterator. Where an item fails it raises `ItemError`, with the item's index and the cause, and goes on
            with the next item when it is asked again. What the iterable raises comes after the results of the items
            before.

        Raises:
            ValueError: `ahead` is less than 1, or `reset` is no such rule.
            TypeError: `ahead` is no integer, or `items` can't be iterated over.
            Error: the pool is closed.
        """
        self._require_open()
        count = (
            4 * self.workers
            if ahead is None
            else positive_int("ahead", ahead, otherwise=", or None for four items a worker")
        )
        resets = resets_items(reset)

        def submit(item: tuple[Value, ...]) -> Future[_Result]:
            if len(item) > 1:
                self._warn_of_positions()
            return self._submit(item, {}, resets=resets)

        return OrderedResults(submit, iter(items), count)

    def close(self) -> None:
        """Cancel what has not begun, wait for the rest, and give back threads and replicas. Closing twice is fine.

        In a process that was forked this waits for nothing: the threads, and what they were at, are the parent's.
        """
        self._closed = True
        if os.getpid() != self._process:
            return
        self._executor.shutdown(wait=True, cancel_futures=True)
        for model in self._models:
            model.close()
        self._weights.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the model, see `CompiledModel.__reduce__`, and how it is run: what is under way stays here.

        Raises:
            Error: the pool is closed.
        """
        self._require_open()
        numbers: Numbers = "real" if self._takes_real_numbers else "stored"
        return _restored_pool, (self._models[0], self.workers, self._signature, numbers)

    def __enter__(self) -> Pool:
        """Close the pool at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the pool."""
        self.close()

    def __repr__(self) -> str:
        """The model and the number of workers."""
        state = ", closed" if self._closed else ""
        return f"Pool({self._models[0].name!r}, workers={self.workers}{state})"

    def _run_item(
        self, stop: _native.StopRequest, args: tuple[Value, ...], kwargs: dict[str, Value], *, resets: bool
    ) -> _Result:
        def run(replica: SignatureMethods) -> _Result:
            if resets:
                replica.reset()
            result: _Result = replica._call_until(stop, args, kwargs, real=self._takes_real_numbers)
            return result

        return self._work(run)

    def _work(self, work: Callable[[SignatureMethods], _T], *, wait: bool = True) -> _T:
        # There are as many replicas as threads, so that one is free whenever a thread of the pool is.
        replica = self._free.get(wait)  # without waiting it raises queue.Empty
        try:
            return work(replica)
        finally:
            self._free.put(replica)

    def _require_open(self) -> None:
        if self._closed:
            raise closed_error()
        if os.getpid() != self._process:
            raise _native.Error(
                f"the pool was made before this process ({os.getpid()}) was forked, and its threads stayed in the "
                f"parent ({self._process}); make a pool in each process, or start processes with 'spawn'"
            )


def _restored_pool(model: CompiledModel, workers: int, signature: str | None, numbers: Numbers) -> Pool:
    with model:
        return Pool(model, workers=workers, signature=signature, numbers=numbers)
