"""zerolite's own models as runners."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.affine_quantization import AffineQuantization
from zerolite.runners.interface import check_batch_of_one, check_one_input, chosen_output
from zerolite.runners.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from zerolite import CompiledModel, Tensor

__all__ = ["CompiledModelRunner"]


class CompiledModelRunner:
    """A `CompiledModel` with one input: array in, new array out."""

    runtime = "zerolite"

    def __init__(self, model: CompiledModel, *, output: str | None = None, owned: bool = False) -> None:
        """Adapt `model`.

        Args:
            model: a model with one input whose batch is 1.
            output: the name of the output to read; it may be left out when there is only one.
            owned: whether `close` closes the model, too.

        Raises:
            ValueError: the model has several inputs, a batch other than 1, or no such output.
        """
        check_one_input(model.inputs)
        chosen = chosen_output(model.outputs, output)
        self._model = model
        self._owned = owned
        self.input = _spec(model.inputs[0])
        self.output = _spec(model.outputs[chosen])
        check_batch_of_one(self.input)
        self.function: Callable[[NDArray[Any]], NDArray[Any]] = model
        if len(model.outputs) != 1:

            def choose(x: NDArray[Any]) -> NDArray[Any]:
                result: NDArray[Any] = model(x)[chosen]
                return result

            self.function = choose

    def close(self) -> None:
        """Close the model if the adapter owns it."""
        if self._owned:
            self._model.close()


def _spec(tensor: Tensor) -> TensorSpec:
    parameters = tensor.quantization
    return TensorSpec(
        name=tensor.name,
        shape=tuple(tensor.shape),
        dtype=np.dtype(tensor.dtype),
        quantization=None if parameters is None else AffineQuantization.from_parameters(parameters),
    )
