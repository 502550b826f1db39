"""One tensor of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["StoredTensor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """A tensor, as the file has it.

    Attributes:
        name: its name; it need not be the only one of that name.
        dtype: the element type as the format calls it, in small letters: "float32", "int8", "int4", "resource".
        shape: the shape, -1 for open dimensions; None where not even their number is known.
        constant_bytes: the size of its content in the file; 0 for what is computed.
        scales: how many quantization scales it has: 0 for a float, 1 for a whole tensor, more along `axis`.
        axis: the axis that several scales belong to; None otherwise.
        variable: whether it keeps its value from run to run.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    constant_bytes: int
    scales: int
    axis: int | None
    variable: bool

    @property
    def shape_words(self) -> str:
        """The shape for people: "? x 28 x 28 x 1"."""
        if self.shape is None:
            return "unknown rank"
        return " x ".join("?" if size < 0 else str(size) for size in self.shape) or "scalar"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "constant_bytes": self.constant_bytes,
            "scales": self.scales,
            "axis": self.axis,
            "variable": self.variable,
        }
