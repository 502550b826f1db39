"""A model, or replicas of it, that run batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from zerolite._inference.batch import named_outputs
from zerolite._inference.model import CompiledModel
from zerolite._inference.pool import Pool
from zerolite._timing.stopwatch import Stopwatch
from zerolite.delegates.choice import DelegateChoice
from zerolite.tuned import Setting
from zerolite.tuning.pace import Pace

if TYPE_CHECKING:
    from zerolite.tuning.candidates import Outputs

__all__ = ["BatchContestant"]


class BatchContestant:
    """A model or a pool of replicas, batch by batch: what counts for throughput."""

    def __init__(
        self, model: CompiledModel, content: bytes, setting: Setting, *, signature: str, batch: dict[str, NDArray[Any]]
    ) -> None:
        """Load the model, or make the pool."""
        self._opened: CompiledModel | Pool
        if setting.workers > 1:
            self._opened = Pool(content, workers=setting.workers, signature=signature, delegates=setting.delegate)
            self._map, outputs = self._opened.map, self._opened.outputs
        else:
            self._opened = CompiledModel(model, choice=DelegateChoice(setting.delegate, threads=None))
            chosen = self._opened.signatures[signature]
            self._map, outputs = chosen.map, chosen.outputs
        self._output_names = list(outputs)
        self._batch = batch
        self._chunk = setting.chunk
        self._items = len(next(iter(batch.values())))
        names = {"map": self._map, "batch": batch, "chunk": setting.chunk}
        self._pace = Pace(Stopwatch(("map(batch, chunk=chunk)", names)))

    def outputs(self) -> Outputs:
        """What it answers to the batch."""
        return [named_outputs(self._map(self._batch, chunk=self._chunk), self._output_names)]

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one batch; nanoseconds per item."""
        return self._pace.time(seconds) / self._items

    def close(self) -> None:
        """Close the model or the pool."""
        self._opened.close()
