"""Quantized models with real numbers in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from zerolite import _native
from zerolite._inference.batch import map_signature, named_batch, named_outputs
from zerolite._runtime.tensor import TensorMap, Value

if TYPE_CHECKING:
    import numpy.typing as npt

    from zerolite._inference.batch import Batch, Progress
    from zerolite._runtime.validation import Reset

    _Result = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]

__all__ = ["Numbers", "RealNumbers", "map_real_numbers"]

#: What items and results of quantized tensors are.
Numbers: TypeAlias = Literal["stored", "real"]


class RealNumbers:
    """A model or a signature with the real numbers that its quantized inputs and outputs stand for.

    Takes float32 where an input is quantized, stores it as TensorFlow Lite's QUANTIZE does, and gives the outputs as
    DEQUANTIZE does, in C++ while they are copied: bit for bit what `Quantization.quantize`, a call and
    `Quantization.dequantize` give. What is not quantized stays what it is.

    >>> scores = model.real(picture)
    """

    def __init__(self, signature: _native.Signature, *, chunk: int | None = None) -> None:
        """Take the signature, and the size of the chunks of `map` where nobody says."""
        self._signature = signature
        self._chunk = chunk

    def __call__(self, *args: Value, **kwargs: Value) -> Any:
        """Call the signature; inputs, ``out=`` and results are given as to and by a call of the model itself.

        Raises:
            ValueError: a number is NaN, or as for a call.
            TypeError: as for a call: arrays for quantized inputs are float32, and so are those for quantized outputs.
        """
        return self._signature._call_real(*args, **kwargs)

    def map(
        self,
        batch: Batch,
        *,
        chunk: int | None = None,
        progress: Progress | None = None,
        reset: Reset = "item",
        timeout: float | None = None,
    ) -> _Result:
        """Run every item of a batch; arguments, results and errors are those of `CompiledModel.map`."""
        size = self._chunk if chunk is None else chunk
        return map_real_numbers([self._signature], batch, chunk=size, progress=progress, reset=reset, timeout=timeout)

    def __repr__(self) -> str:
        """The signature."""
        return f"RealNumbers({self._signature!r})"


def map_real_numbers(
    replicas: Sequence[_native.Signature],
    batch: Batch,
    *,
    chunk: int | None,
    progress: Progress | None,
    reset: str,
    timeout: float | None,
) -> _Result:
    """Run all items of a batch of real numbers; see `RealNumbers.map`."""
    first = replicas[0]
    inputs, outputs = TensorMap(first, is_input=True), TensorMap(first, is_input=False)
    stored = {
        name: inputs[name]._quantized(values, f"the batch for input {name!r}")
        for name, values in named_batch(batch, inputs, first).items()
    }
    result = map_signature(replicas, stored, out=None, chunk=chunk, progress=progress, reset=reset, timeout=timeout)
    real = {name: outputs[name]._dequantized(values) for name, values in named_outputs(result, outputs).items()}
    return real if isinstance(result, dict) else next(iter(real.values()))
