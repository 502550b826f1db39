"""A trace: the values of every tensor that a run computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._runtime.quantization import AffineQuantization, Quantization

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Trace", "TracedTensor"]


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
        return AffineQuantization.of(*self.quantization).dequantize(np.asarray(self.values))

    def __repr__(self) -> str:
        """The name, the operator, the dtype and the shape."""
        return f"TracedTensor({self.name!r}, {self.operator}, {self.values.dtype}, shape={self.values.shape})"


class Trace(Mapping[str, "npt.NDArray[Any]"]):
    """What one run computed: a mapping from the names of tensors to their values as they are stored.

    The mapping has the tensors of the graph that was run, without those whose names are empty or shared by several;
    `tensors` has them all.

    Attributes:
        signature: the key of the signature that was run.
        tensors: every tensor that was computed, in the order of the graphs and of their execution.
    """

    def __init__(self, signature: str, subgraph: int, tensors: Sequence[TracedTensor]) -> None:
        """Take the tensors; `CompiledModel.trace` does."""
        self.signature = signature
        self.tensors = tuple(tensors)
        self._by_name: dict[str, TracedTensor] = {}
        shared: set[str] = set()
        for tensor in self.tensors:
            if tensor.subgraph != subgraph or not tensor.name:
                continue
            if tensor.name in self._by_name:
                shared.add(tensor.name)
            self._by_name[tensor.name] = tensor
        for name in shared:
            del self._by_name[name]

    def tensor(self, name: str) -> TracedTensor:
        """The tensor of a name, with its quantization and operator.

        Raises:
            KeyError: no tensor, or more than one, of the graph that was run has that name.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(
                f"the run computed no tensor {name!r}, or several of that name; Trace.tensors lists all of them"
            ) from None

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The values of a tensor as they are stored.

        Raises:
            KeyError: as `tensor`.
        """
        return self.tensor(name).values

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of execution."""
        return iter(self._by_name)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._by_name)

    def __repr__(self) -> str:
        """The signature and how many tensors there are."""
        return f"Trace({self.signature!r}, {len(self.tensors)} tensors)"
