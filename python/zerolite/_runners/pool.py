"""Pools as runners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.compiled_model import tensor_spec
from zerolite._runners.inner_quantization import with_inner_quantization
from zerolite._runners.runner import ModelFile, OpenItems, check_inputs, chosen_output
from zerolite._runners.score_kind import score_kind

if TYPE_CHECKING:
    from zerolite._inference.pool import Pool
    from zerolite._runtime.validation import Reset

__all__ = ["PoolRunner"]

_ITEMS_PER_WORKER = 32


class PoolRunner:
    """A `Pool`: batches are spread over its replicas."""

    runtime = "zerolite"

    def __init__(
        self,
        pool: Pool,
        *,
        output: str | None = None,
        owned: bool = False,
        reset: Reset = "item",
        source: ModelFile | None = None,
    ) -> None:
        """Adapt `pool`.

        Args:
            pool: a pool of a model.
            output: the name of the output to read; it may be left out when there is only one.
            owned: whether `close` closes the pool, too.
            reset: when a stateful model is reset, as for `Pool.map`.
            source: the file or the bytes that it was loaded from; None where that is not known.

        Raises:
            ValueError: the model has no inputs, or inputs that don't count the same items, or no such output.
        """
        chosen = chosen_output(pool.outputs, output)
        self.inputs_in_doubt = pool._positions_in_doubt
        self._pool = pool
        self._owned = owned
        self._reset: Reset = reset
        self.reset = pool.reset if pool._keeps_state else None
        self._output_name = chosen
        # Items of one stream follow one another.
        self.replicas = 1 if reset == "never" else pool.workers
        self.items_per_call = _ITEMS_PER_WORKER * pool.workers
        inputs = [tensor_spec(tensor, source) for tensor in pool.inputs.values()]
        self.output = tensor_spec(pool.outputs[chosen], source)
        key = pool._replicas[0].key
        content = source if source is not None else pool._replicas[0]._content()
        self.inputs = with_inner_quantization(inputs, content, key)
        self.score_kind = score_kind(content, chosen, key)
        check_inputs(self.inputs)
        self._open_items = OpenItems(self.inputs, pool.resize)

    def function(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Run one item on whichever replica is free."""
        self._open_items.fit(arrays)
        if self._reset == "never":
            return self.run_each([arrays])[0]
        return self._chosen(self._pool.submit(self._named(arrays)).result())

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items over all replicas, in native threads."""
        self._open_items.fit(batches)
        return self._chosen(self._pool.map(self._named(batches), reset=self._reset))

    def run_each(self, calls: Sequence[tuple[NDArray[Any], ...]]) -> list[NDArray[Any]]:
        """Run the model's own arrays, each call on whichever replica is free."""
        if self._reset == "never":
            return [self._chosen(result) for result in self._pool.imap(map(self._named, calls), reset="never")]
        futures = [self._pool.submit(self._named(arrays)) for arrays in calls]
        return [self._chosen(future.result()) for future in futures]

    def close(self) -> None:
        """Close the pool if the adapter owns it; another one gets its shapes back."""
        if self._owned:
            self._pool.close()
        else:
            self._open_items.restore()

    def _chosen(self, results: NDArray[Any] | dict[str, NDArray[Any]]) -> NDArray[Any]:
        return results if isinstance(results, np.ndarray) else results[self._output_name]

    def _named(self, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {spec.name: array for spec, array in zip(self.inputs, arrays, strict=True)}
