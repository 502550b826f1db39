"""zerolite's own models as runners."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._inference.signature import in_file_order
from zerolite._runners.inner_quantization import with_inner_quantization
from zerolite._runners.runner import ModelFile, OpenItems, TensorSpec, check_inputs, chosen_output
from zerolite._runners.score_kind import score_kind
from zerolite._runtime.quantization import AffineQuantization

if TYPE_CHECKING:
    from zerolite._inference.model import CompiledModel
    from zerolite._inference.signature import Signature
    from zerolite._runtime.tensor import Tensor
    from zerolite._runtime.validation import Reset

__all__ = ["CompiledModelRunner", "tensor_spec"]


class CompiledModelRunner:
    """A `CompiledModel`, or one signature of it: arrays in, new array out."""

    runtime = "zerolite"
    items_per_call = 1

    def __init__(
        self,
        model: CompiledModel | Signature,
        *,
        output: str | None = None,
        owned: bool = False,
        reset: Reset = "item",
        source: ModelFile | None = None,
    ) -> None:
        """Adapt `model`.

        Args:
            model: a model.
            output: the name of the output to read; it may be left out when there is only one.
            owned: whether `close` closes the model, too.
            reset: when `map` resets a stateful model, as for `CompiledModel.map`.
            source: the file or the bytes that it was loaded from, where the model does not know its file itself.

        Raises:
            ValueError: the model has no inputs, or inputs that don't count the same items, or no such output.
        """
        chosen = chosen_output(model.outputs, output)
        self.inputs_in_doubt = model._inputs_in_doubt()
        call = in_file_order(model)
        self._model = model
        self._owned = owned
        self._reset: Reset = reset
        self.reset = model.reset if model._keeps_state() else None
        self._output_name = None if len(model.outputs) == 1 else chosen
        path = model._origin.path
        if source is None and path is not None:
            source = os.fsdecode(path)
        inputs = [tensor_spec(tensor, source) for tensor in model.inputs.values()]
        self.output = tensor_spec(model.outputs[chosen], source)
        # The view of a model in memory is read at once: it does not keep the model.
        content = source if source is not None else model._content()
        self.inputs = with_inner_quantization(inputs, content, model.key)
        self.score_kind = score_kind(content, chosen, model.key)
        check_inputs(self.inputs)
        self.function: Callable[..., NDArray[Any]] = call
        if len(model.outputs) != 1:

            def choose(*arrays: NDArray[Any]) -> NDArray[Any]:
                result: NDArray[Any] = call(*arrays)[chosen]
                return result

            self.function = choose
        self._open_items = OpenItems(self.inputs, model.resize)
        self.function = self._open_items.fitted(self.function)

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items in the native loop."""
        self._open_items.fit(batches)
        results = self._model.map(
            {spec.name: batch for spec, batch in zip(self.inputs, batches, strict=True)}, reset=self._reset
        )
        return results if isinstance(results, np.ndarray) else results[str(self._output_name)]

    def close(self) -> None:
        """Close the model if the adapter owns it; another one gets its shapes back."""
        if self._owned:
            self._model.close()  # type: ignore[union-attr] # only models that were loaded for it are owned
        else:
            self._open_items.restore()


def tensor_spec(tensor: Tensor, source: ModelFile | None = None) -> TensorSpec:
    """What an evaluation needs to know of a tensor."""
    parameters = tensor.quantization
    return TensorSpec(
        name=tensor.name,
        shape=tuple(tensor.shape),
        dtype=np.dtype(tensor.dtype),
        quantization=None if parameters is None else AffineQuantization.of(*parameters),
        open_axes=tuple(axis for axis, size in enumerate(tensor.shape_signature) if size < 0),
        source=source,
    )
