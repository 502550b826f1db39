"""Pools as runners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.compiled_model import tensor_spec
from zerolite._runners.runner import ModelFile, check_inputs, chosen_output

if TYPE_CHECKING:
    from zerolite._inference.pool import Pool

__all__ = ["PoolRunner"]

_ITEMS_PER_WORKER = 32


class PoolRunner:
    """A `Pool`: batches are spread over its replicas."""

    runtime = "zerolite"

    def __init__(
        self, pool: Pool, *, output: str | None = None, owned: bool = False, source: ModelFile | None = None
    ) -> None:
        """Adapt `pool`.

        Args:
            pool: a pool of a model.
            output: the name of the output to read; it may be left out when there is only one.
            owned: whether `close` closes the pool, too.
            source: the file or the bytes that it was loaded from; None where that is not known.

        Raises:
            ValueError: the model has no inputs, or inputs that don't count the same items, or no such output.
        """
        chosen = chosen_output(pool.outputs, output)
        self._pool = pool
        self._owned = owned
        self._output_name = chosen
        self.items_per_call = _ITEMS_PER_WORKER * pool.workers
        self.inputs = tuple(tensor_spec(tensor, source) for tensor in pool.inputs.values())
        self.output = tensor_spec(pool.outputs[chosen], source)
        check_inputs(self.inputs)

    def function(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Run one item on whichever replica is free."""
        return self._chosen(self._pool.submit(*arrays).result())

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items over all replicas, in native threads."""
        return self._chosen(self._pool.map(batches[0] if len(batches) == 1 else batches))

    def run_each(self, calls: Sequence[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
        """Run the model's own arrays, each call on whichever replica is free."""
        futures = [self._pool.submit(*arrays) for arrays in calls]
        return [self._chosen(future.result()) for future in futures]

    def close(self) -> None:
        """Close the pool if the adapter owns it."""
        if self._owned:
            self._pool.close()

    def _chosen(self, results: NDArray[Any] | dict[str, NDArray[Any]]) -> NDArray[Any]:
        return results if isinstance(results, np.ndarray) else results[self._output_name]
