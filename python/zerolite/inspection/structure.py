"""What is inside a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["ModelStructure", "Operator", "StoredTensor", "Subgraph", "shape_words"]


def shape_words(shape: Sequence[int]) -> str:
    """A shape for people, open dimensions as "?": "? x 28 x 28 x 1"."""
    return " x ".join("?" if size < 0 else str(size) for size in shape) or "scalar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator, as the file has it.

    Attributes:
        name: of a builtin one, such as "CONV_2D"; of a custom one its own.
        version: the builtin operator's version.
        custom: whether the runtime needs a kernel from elsewhere for it.
        inputs: indices of tensors of the subgraph; -1 for an optional one that is left out.
        outputs: indices of tensors of the subgraph.
    """

    name: str
    version: int
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


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
        return "unknown rank" if self.shape is None else shape_words(self.shape)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgraph:
    """A graph: the main one, another signature's, or a branch or body of a control-flow operator.

    Attributes:
        name: its name, often "main".
        tensors: all of its tensors.
        operators: in the order of execution.
        inputs, outputs: indices of tensors.
    """

    name: str
    tensors: tuple[StoredTensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


_INTEGERS = ("int8", "uint8", "int4", "uint4", "int2")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStructure:
    """The graphs of a .tflite file, and what is written about them.

    Attributes:
        description: what the converter wrote, often "MLIR Converted.".
        schema_version: the version of the file's format.
        min_runtime_version: the oldest TensorFlow Lite that has every operator, as the converter says; None where it
            does not say.
        subgraphs: the main graph first.
        metadata: entry -> bytes.
        attached_files: names of files that are packed at the end, such as labels.
    """

    description: str
    schema_version: int
    min_runtime_version: str | None
    subgraphs: tuple[Subgraph, ...]
    metadata: Mapping[str, int]
    attached_files: tuple[str, ...]

    @property
    def operators(self) -> dict[tuple[str, int], int]:
        """(name, version) -> how many of it, the most frequent first."""
        counts = Counter((one.name, one.version) for graph in self.subgraphs for one in graph.operators)
        return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))

    @property
    def custom_operators(self) -> tuple[str, ...]:
        """Names of the operators that the runtime needs kernels from elsewhere for."""
        return tuple(sorted({one.name for graph in self.subgraphs for one in graph.operators if one.custom}))

    @property
    def constant_bytes(self) -> dict[str, int]:
        """Bytes by dtype of constants, weights above all; the largest first."""
        sizes: Counter[str] = Counter()
        for graph in self.subgraphs:
            for tensor in graph.tensors:
                if tensor.constant_bytes:
                    sizes[tensor.dtype] += tensor.constant_bytes
        return dict(sizes.most_common())

    @property
    def computed_tensors(self) -> dict[str, int]:
        """How many tensors are computed or fed, by dtype; the most frequent first."""
        counts = Counter(
            tensor.dtype for graph in self.subgraphs for tensor in graph.tensors if not tensor.constant_bytes
        )
        return dict(counts.most_common())

    @property
    def quantization(self) -> str:
        """How the weights and what is computed are stored, in a few words."""
        weights = {
            tensor.dtype
            for graph in self.subgraphs
            for tensor in graph.tensors
            if tensor.constant_bytes and tensor.scales and tensor.dtype in _INTEGERS
        }
        computed = {
            tensor.dtype
            for graph in self.subgraphs
            for tensor in graph.tensors
            if not tensor.constant_bytes and (tensor.scales or tensor.dtype in ("float32", "float16"))
        }
        integers = computed - {"float32", "float16"}
        kinds = " and ".join(sorted(weights))
        if weights and not integers:
            return f"{kinds} weights, computed in float (dynamic range or weights only)"
        if integers:
            inside = " and ".join(sorted(integers))
            floats = ", with float parts" if computed - integers else ""
            return f"{kinds or 'no'} weights, {inside} in between{floats}"
        if "float16" in self.constant_bytes:
            return "float16 weights, computed in float32"
        return "none"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "description": self.description,
            "schema_version": self.schema_version,
            "min_runtime_version": self.min_runtime_version,
            "quantization": self.quantization,
            "operators": [
                {"name": name, "version": version, "count": count} for (name, version), count in self.operators.items()
            ],
            "custom_operators": list(self.custom_operators),
            "constant_bytes": self.constant_bytes,
            "computed_tensors": self.computed_tensors,
            "metadata": [{"name": name, "size_bytes": size} for name, size in self.metadata.items()],
            "attached_files": list(self.attached_files),
            "subgraphs": [
                {
                    "name": graph.name,
                    "operators": len(graph.operators),
                    "tensors": [tensor.to_dict() for tensor in graph.tensors],
                }
                for graph in self.subgraphs
            ],
        }
