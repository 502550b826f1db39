"""One tensor of a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._runtime.quantization import AffineQuantization
from zerolite._runtime.tensor import Quantization

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["TracedTensor"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TracedTensor:
    """A tensor that a run computed.

    Attributes:
        name: its name in the file; it need not be the only one of that name, and may be empty.
        operator: the operator that computed it, as in "CONV_2D".
        subgraph: the position of its graph in the model; 0 is the main one.
        index: its position among the graph's tensors.
        values: a copy of its values, as they are stored: integers for a quantized tensor. Strings are bytes objects.
        quantization: how stored integers stand for real values; None for a tensor that is not quantized.
        times: how often the run computed it: more than once inside of a loop, whose last values these are.
    """

    name: str
    operator: str
    subgraph: int
    index: int
    values: npt.NDArray[Any]
    quantization: Quantization | None
    times: int

    @property
    def real(self) -> npt.NDArray[Any]:
        """The real values: float32 where the tensor is quantized, `values` itself where it is not."""
        if self.quantization is None or self.values.dtype.kind not in "iu":
            return self.values
        return AffineQuantization.from_parameters(self.quantization).dequantize(np.asarray(self.values))

    def __repr__(self) -> str:
        """The name, the operator, the dtype and the shape."""
        return f"TracedTensor({self.name!r}, {self.operator}, {self.values.dtype}, shape={self.values.shape})"
