"""One version of a model that is loaded: what it takes, and how it is run for requests."""

from __future__ import annotations

import os
import time
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite import _native
from zerolite._inference.batch import batch_layout, named_outputs
from zerolite._inference.model import CompiledModel
from zerolite._inference.pool import Pool
from zerolite.serving.datatypes import datatype_of
from zerolite.serving.errors import InvalidRequestError, UnavailableError
from zerolite.serving.protocol import Arrays, Interface, TensorMetadata
from zerolite.serving.quick_runs import QuickRuns, has_steady_runs
from zerolite.serving.scheduling import Scheduler, Work

if TYPE_CHECKING:
    from zerolite._inference.signature import SignatureMethods
    from zerolite.serving.metrics import ModelMetrics
    from zerolite.serving.settings import ServingSettings

    Shapes = dict[str, tuple[int, ...]]

__all__ = ["ServedModel", "told"]


class ServedModel:
    """A loaded model with its replicas and its queue.

    Attributes:
        name: the model's name in the server.
        version: the number of its version.
        interfaces: what its signatures take and give, by key.
        default_signature: the key of the signature that runs where a request names none.
        scheduler: its queue.
    """

    def __init__(
        self, path: Path, *, name: str, version: int, settings: ServingSettings, metrics: ModelMetrics
    ) -> None:
        """Load the file and make its replicas, which takes as long as it takes: not for the event loop.

        Raises:
            OSError, InvalidModelError, Error: as `zerolite.load` raises them.
            ValueError: a tensor has a dtype that the protocol does not know.
        """
        self.name = name
        self.version = version
        self._path = path
        self._pool = Pool(
            path,
            workers=settings.workers,
            delegates=settings.delegates,
            threads=settings.threads,
            fallback=settings.fallback,
            verify=settings.verify,
            tuned=settings.tuned,
            isolation=settings.isolation,
        )
        try:
            model = self._pool._models[0]
            self._keeps_state = model._keeps_state()
            self.default_signature: str = model.key
            self.interfaces: Mapping[str, Interface] = {
                key: Interface(_described(signature.inputs), _described(signature.outputs))
                for key, signature in model.signatures.items()
            }
            steady = [
                key
                for key, signature in model.signatures.items()
                if settings.isolation is None and has_steady_runs(model, signature)
            ]
            self._one_item_a_run = {
                key for key, signature in model.signatures.items() if settings.max_batch > 1 and _takes_items(signature)
            }
        except BaseException:
            self._pool.close()
            raise
        # The shapes that the inputs of each replica have now; only the thread that has the replica looks at its own.
        self._shapes: dict[tuple[int, str], Shapes] = {}
        self.scheduler = Scheduler(
            self._pool,
            self._run,
            metrics,
            quick=QuickRuns(steady),
            queue_size=settings.queue_size,
            max_batch=settings.max_batch,
            batch_delay_s=settings.batch_delay_s,
            tracing=settings.tracing,
        )
        self._users = 0
        self._retired = False

    async def infer(self, signature: str, inputs: Arrays, *, deadline_s: float) -> Arrays:
        """Run one request when its turn comes; for use within `in_use` only.

        Raises:
            OverloadError: the queue is full.
            DeadlineError: there was no result within `deadline_s` seconds.
            InvalidRequestError: the model refuses the values.
            UnavailableError: the run failed.
        """
        try:
            batch = self._batch_of(signature, inputs)
            return await self.scheduler.run(signature, inputs, batch=batch, deadline_s=deadline_s)
        except (ValueError, TypeError) as error:
            raise InvalidRequestError(self.told(error)) from error
        except MemoryError as error:
            raise UnavailableError("there is not enough memory for this request") from error
        except _native.Error as error:
            raise UnavailableError(f"the model did not run: {self.told(error)}") from error

    def told(self, error: BaseException) -> str:
        """What an error says, with the model's name in the place of its file's path."""
        return told(error, self._path, self.name)

    def __enter__(self) -> ServedModel:
        """Keep the model open until the end of a with statement, also where it is retired meanwhile."""
        self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Close the model if it was retired and nobody uses it any more."""
        self._users -= 1
        self._close_if_idle()

    def retire(self) -> None:
        """Close the model as soon as the requests that have it are answered."""
        self._retired = True
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._retired and self._users == 0:
            # Waits for runs whose clients have gone, and so not in the event loop. Nobody is left to be told.
            import threading

            threading.Thread(target=self._pool.close, name="zerolite-retire").start()

    def _batch_of(self, signature: str, inputs: Arrays) -> Hashable | None:
        """What requests of one item have to have in common to go through one run; None for other requests.

        Only where the leading axis of all inputs is open, and only for one item each: the batch loop gives such items,
        bit by bit, what a run of each alone gives. A run of several items at once may mix them.
        """
        if signature not in self._one_item_a_run or any(array.shape[0] != 1 for array in inputs.values()):
            return None
        return tuple(inputs[name].shape for name in self.interfaces[signature].inputs)

    def _run(self, replica: SignatureMethods, key: str, requests: Sequence[Work]) -> list[Arrays | Exception]:
        """What comes of each request; in the replica's thread."""
        if not isinstance(replica, CompiledModel):
            raise TypeError("the pool was made for one signature")
        if len(requests) > 1:
            try:
                return [*self._run_batch(replica, key, requests)]
            except (ValueError, RuntimeError, MemoryError):
                pass  # one of them may be at fault, or have less time, and the others must not feel it
        outcomes: list[Arrays | Exception] = []
        for work in requests:
            try:
                outcomes.append(self._run_one(replica, key, work))
            except Exception as error:  # noqa: BLE001 - the request's client is told
                outcomes.append(error)
        return outcomes

    def _run_one(self, replica: CompiledModel, key: str, work: Work) -> Arrays:
        signature = self._fitted(replica, key, work.inputs)
        if self._keeps_state:
            signature.reset()  # no request may depend on another one
        return self._named(key, signature._call_until(work.stop, (work.inputs,), {}, real=False))

    def _run_batch(self, replica: CompiledModel, key: str, requests: Sequence[Work]) -> list[Arrays]:
        first = requests[0].inputs
        signature = self._fitted(replica, key, first)
        items = {name: np.concatenate([work.inputs[name] for work in requests]) for name in first}
        left = max(work.end for work in requests) - time.monotonic()
        outputs = self._named(key, signature.map(items, timeout=max(left, 0.0)))
        return [{name: array[place : place + 1] for name, array in outputs.items()} for place in range(len(requests))]

    def _named(self, key: str, result: Any) -> Arrays:
        return named_outputs(result, self.interfaces[key].outputs)

    def _fitted(self, replica: CompiledModel, key: str, inputs: Arrays) -> SignatureMethods:
        """The signature, with the shapes that these inputs have."""
        signature = replica.signatures[key]
        wanted = {name: array.shape for name, array in inputs.items()}
        place = (id(replica), key)
        shapes = self._shapes.get(place) or signature._input_shapes
        changed = {name: shape for name, shape in wanted.items() if shape != shapes[name]}
        if changed:
            self._shapes.pop(place, None)
            signature.resize(changed)
        self._shapes[place] = wanted
        return signature


def told(error: BaseException, path: Path, name: str) -> str:
    """What an error says to clients: the model's name in the place of its file's path."""
    if isinstance(error, OSError):
        return f"the file of model {name!r} can't be read: {error.strerror or 'the system refused it'}"
    return str(error).replace(os.fspath(path), name).replace(path.name, name)


def _takes_items(signature: SignatureMethods) -> bool:
    """Whether an item of a batch is a whole request of one item, and several may go through one run."""
    layout = batch_layout(signature)
    plain = all(tensor.is_plain for tensor in (*signature.inputs.values(), *signature.outputs.values()))
    return layout.resizable and layout.items_per_run == 1 and plain


def _described(tensors: Mapping[str, Any]) -> dict[str, TensorMetadata]:
    for name, tensor in tensors.items():
        if datatype_of(tensor.dtype) is None:
            raise ValueError(
                f"tensor {name!r} is {tensor.dtype.name}, which the Open Inference Protocol does not have; convert the "
                "model with another dtype of its inputs and outputs"
            )
    return {name: TensorMetadata(name, tensor.dtype, tensor.shape_signature) for name, tensor in tensors.items()}
