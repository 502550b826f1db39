"""The inputs and outputs of signatures, and memory for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite import _native
from zerolite._runtime.quantization import Quantization, quantization_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Tensor", "TensorMap", "Value", "empty"]

#: Arrays of NumPy and of others (DLPack, Arrow, buffers), and whatever NumPy makes an array of: numbers, nested lists,
#: objects with ``__array__``.
Value = Any


class Tensor(_native.Tensor):
    """An input or output of a signature, as it is when you look at it.

    Other libraries see its memory, too, by DLPack (``torch.from_dlpack(tensor)``, ``np.from_dlpack(tensor)``) and by
    the buffer protocol (``memoryview(tensor)``). What they make of it is a view like `array`, and lives as long. There
    are none of strings and of int4, uint4 and int2, and the buffer protocol has no format for bfloat16 and 8-bit
    floats: that is a BufferError.

    Attributes:
        name: the signature's name for it.
        dtype: the NumPy dtype of its elements. bfloat16, the 8-bit floats, int4, uint4 and int2 are ml_dtypes'
            types; strings are objects (bytes).
        shape: its current shape.
        shape_signature: its shape in the model, with -1 for dimensions that are made to be resized.
        array: a writable view of its memory, 64-byte aligned, of its shape and dtype. Writing to an input's view and
            reading an output's after `run` is how to exchange values without copying. The view stays valid after the
            model is resized, rebound or closed, but the model then uses other memory. int4, uint4 and int2 tensors
            are shown as the bytes that hold them (uint8, one dimension); string tensors as a copy.
    """

    @property
    def quantization(self) -> Quantization | None:
        """Scales and zero points; None for a tensor that is not quantized."""
        return quantization_of(self._quantization, self.dtype)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """The tensor's `array` for NumPy, where the buffer protocol has no format for the elements."""
        view = self.array
        return np.array(view, dtype=dtype, copy=True) if copy else np.asarray(view, dtype=dtype)

    def __repr__(self) -> str:
        """Name, dtype and shape, and the quantization of a whole tensor."""
        try:
            text = f"{self.name!r}, {self.dtype}, shape={self.shape}"
            quantization = self.quantization
        except _native.Error:  # the model is closed, or can't be prepared: a repr tells what it can
            return f"Tensor({self.name!r}, {self.dtype}, not available)"
        if quantization is not None and len(quantization.scales) == 1:
            text += f", scale={quantization.scales[0]:.6g}, zero_point={quantization.zero_points[0]}"
        elif quantization is not None:
            text += f", {len(quantization.scales)} scales along axis {quantization.axis}"
        return f"Tensor({text})"


class TensorMap(Mapping[str, Tensor]):
    """The inputs or the outputs of a signature: by name as a mapping, and by position as a sequence."""

    def __init__(self, signature: _native.Signature, *, is_input: bool) -> None:
        """Take the tensors of one side of a signature."""
        names = signature._input_names() if is_input else signature._output_names()
        self._role = "input" if is_input else "output"
        self._tensors = {name: Tensor(signature, is_input=is_input, index=index) for index, name in enumerate(names)}

    def __getitem__(self, key: str | int) -> Tensor:
        """Find a tensor by name or by position.

        Raises:
            KeyError: no tensor has that name.
            IndexError: there is no such position.
        """
        if isinstance(key, str):
            try:
                return self._tensors[key]
            except KeyError:
                known = ", ".join(map(repr, self._tensors)) or "none"
                raise KeyError(f"there is no {self._role} {key!r}; the signature's are {known}") from None
        try:
            return list(self._tensors.values())[key]
        except IndexError:
            raise IndexError(f"there is no {self._role} {key}; the signature has {len(self)}") from None

    def __contains__(self, key: object) -> bool:
        """Whether a tensor has that name."""
        return key in self._tensors

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of positions."""
        return iter(self._tensors)

    def __len__(self) -> int:
        """How many tensors there are."""
        return len(self._tensors)

    def __repr__(self) -> str:
        """The tensors by name."""
        return f"TensorMap({self._tensors!r})"


def empty(shape: int | Sequence[int], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Make an array in memory that `CompiledModel.bind` takes: 64-byte aligned, padded for kernels that read on.

    Args:
        shape: the array's shape.
        dtype: its dtype, of numbers; float32 by default.

    Returns:
        A writable, C-contiguous array of zeros.

    Raises:
        TypeError: the dtype holds Python objects.
        ValueError: a dimension is negative.
        MemoryError: there is not that much memory.
    """
    return _native.empty(shape, dtype)
