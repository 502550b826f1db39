"""Where the operators of a model run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from zerolite import _native

_NAMES = {"TfLiteXNNPackDelegate": "XNNPACK", "LITERT_WEBGPU": "GPU", "DispatchDelegate": "NPU"}


class Partition(NamedTuple):
    """Operators of one subgraph that run in one place, next to one another.

    Attributes:
        delegate: who runs them, by the name that its kernel gives itself; "XNNPACK" for XNNPACK, "GPU" for `Gpu`,
            "NPU" for `Npu` and "OpenVINO" for `OpenVino`.
        subgraph: the subgraph's position in the model; 0 is the main one.
        indices: the operators' positions in the subgraph, in the order of the file.
        operators: their names, as in "CONV_2D"; for custom operators those that they have in the model.
    """

    delegate: str
    subgraph: int
    indices: tuple[int, ...]
    operators: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "delegate": self.delegate,
            "subgraph": self.subgraph,
            "indices": list(self.indices),
            "operators": list(self.operators),
        }


class UnusedDelegate(NamedTuple):
    """A delegate of the list that a model goes without.

    Attributes:
        delegate: its name, as in "GPU".
        reason: why, in a sentence with the runtime's or the driver's words.
    """

    delegate: str
    reason: str


class Delegation(NamedTuple):
    """Which delegate runs which operators, and which stayed on TensorFlow Lite's own kernels.

    Subgraphs that the runtime keeps to itself, as some that only an operator calls, are left out.

    Attributes:
        partitions: what delegates took, in the order of execution.
        builtin: for each subgraph with any, the operators on builtin kernels, under the delegate "builtin".
        threads: how many threads a run may use on the CPU.
        unused: delegates that were asked for and could not be used, so that the model runs without them.
        dequantized_bytes: how much memory ``XNNPack(weights="dequantized")`` costs: the bytes of a copy of the model
            with these weights, which its replicas share. 0 where there are none.
    """

    partitions: tuple[Partition, ...]
    builtin: tuple[Partition, ...]
    threads: int
    unused: tuple[UnusedDelegate, ...] = ()
    dequantized_bytes: int = 0

    @classmethod
    def of(cls, model: _native.CompiledModel, *, openvino_threads: int = 1) -> Delegation:
        """Ask a model; OpenVINO has threads of its own, as many as it was told."""
        partitions = []
        builtin = []
        for subgraph, names, taken, left in model._delegation():
            for delegate, indices in taken:
                partitions.append(_partition(delegate_name(delegate), subgraph, indices, names))
            if left:
                builtin.append(_partition("builtin", subgraph, left, names))
        unused = tuple(UnusedDelegate(name, reason) for name, reason in model._unused_delegates())
        with_openvino = any(part.delegate == "OpenVINO" for part in partitions)
        threads = max(model.threads, openvino_threads) if with_openvino else model.threads
        return cls(tuple(partitions), tuple(builtin), threads, unused, model._dequantized_bytes)

    @property
    def complete(self) -> bool:
        """Whether delegates took every operator."""
        return not self.builtin

    @property
    def operators(self) -> dict[str, Counter[str]]:
        """How many operators of each kind run where; the keys are delegates' names, and "builtin"."""
        counts: dict[str, Counter[str]] = {}
        for part in (*self.partitions, *self.builtin):
            counts.setdefault(part.delegate, Counter()).update(part.operators)
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "threads": self.threads,
            "complete": self.complete,
            "operators": {delegate: dict(kinds) for delegate, kinds in self.operators.items()},
            "partitions": [part.to_dict() for part in self.partitions],
            "builtin": [part.to_dict() for part in self.builtin],
            "unused": dict(self.unused),
            "dequantized_bytes": self.dequantized_bytes,
        }

    def __repr__(self) -> str:
        """A line for each place, with its partitions and operators."""
        total = sum(len(part.operators) for part in (*self.partitions, *self.builtin))
        lines = [f"Delegation({_counted(total, 'operator')}, {_counted(self.threads, 'thread')})"]
        for delegate, kinds in self.operators.items():
            parts = sum(part.delegate == delegate for part in self.partitions)
            where = f" in {_counted(parts, 'partition')}" if parts else ""
            kinds_text = ", ".join(f"{count} {name}" for name, count in kinds.most_common())
            lines.append(f"  {delegate}: {_counted(kinds.total(), 'operator')}{where} ({kinds_text})")
        if self.dequantized_bytes:
            lines.append(f"  dequantized weights: {self.dequantized_bytes:,} bytes for a copy of the model with them")
        lines.extend(f"  {name} is not used: {reason}" for name, reason in self.unused)
        return "\n".join(lines)


def delegate_name(kernel: str) -> str:
    """What people call the delegate whose kernel calls itself that."""
    return _NAMES.get(kernel, kernel)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _partition(delegate: str, subgraph: int, indices: list[int], names: list[str]) -> Partition:
    return Partition(delegate, subgraph, tuple(indices), tuple(names[index] for index in indices))
