"""What each operator took, from the nodes that were timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zerolite._instrumentation.kernel_operators import operators_of_kernels
from zerolite._instrumentation.profiled_run import NodeName, ProfiledRun

__all__ = ["REST", "ProfiledOperator", "operator_times"]

#: The type of the line for what a delegate's node took beyond the operators that it tells of.
REST = "(rest of the partition)"
_NAMELESS = NodeName("", "unknown", "builtin")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledOperator:
    """What one operator took, over all profiled runs.

    Attributes:
        name: the first tensor that it computes, by its name in the file. Inside a partition of XNNPACK or OpenVINO,
            which do not tell, that of the operator that the kernel stands for by its place and kind; for a kernel that
            stands for none, the partition's first tensor with the kernel's place in it: "logits [2]".
        type: the operator's name, as in "CONV_2D"; inside XNNPACK the kernel's, as in "Convolution (NHWC, F32) IGEMM",
            inside OpenVINO the node's with its kernel, as in "Convolution (brgconv_avx512_f32)";
            the operators of the partition where the delegate tells nothing more. `REST` is the rest of a partition.
        delegate: who runs it: "XNNPACK", another delegate by its own name, or "builtin".
        subgraph: the position of its graph in the model; 0 is the main one.
        count: how often it ran.
        total_us: how long that took, in microseconds; without the operators that it calls in other graphs.
        share: that part of the time of all operators, from 0 to 1.
    """

    name: str
    type: str
    delegate: str
    subgraph: int
    count: int
    total_us: float
    share: float

    @property
    def mean_us(self) -> float:
        """How long it took each time, in microseconds."""
        return self.total_us / self.count

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "delegate": self.delegate,
            "subgraph": self.subgraph,
            "count": self.count,
            "total_us": self.total_us,
            "mean_us": self.mean_us,
            "share": self.share,
        }


def operator_times(
    names: Mapping[tuple[int, int], NodeName], runs: Sequence[ProfiledRun]
) -> tuple[ProfiledOperator, ...]:
    """Sum up what each operator took in all runs, the slowest first."""
    sums: dict[tuple[int, int, int | None], _Sum] = {}

    def add(place: tuple[int, int, int | None], name: str, kind: str, delegate: str, elapsed_ns: int) -> None:
        if place not in sums:
            sums[place] = _Sum(name, kind, delegate, place[0])
        sums[place].add(elapsed_ns)

    for run in runs:
        for node, own_ns in zip(run.nodes, run.own_ns(), strict=True):
            known = names.get((node.subgraph, node.node), _NAMELESS)
            tensors = operators_of_kernels(tuple(kernel for kernel, _ in node.steps), known.operators)
            for step, (kernel, elapsed_us) in enumerate(node.steps):
                place = (node.subgraph, node.node, step)
                name = tensors[step] or f"{known.name} [{step}]"
                add(place, name, kernel, known.delegate, 1000 * elapsed_us)
            rest_ns = max(0, own_ns - sum(1000 * elapsed_us for _, elapsed_us in node.steps))
            kind = REST if node.steps else known.type
            add((node.subgraph, node.node, None), known.name, kind, known.delegate, rest_ns)
    all_ns = sum(one.total_ns for one in sums.values())
    operators = [one.operator(all_ns) for one in sums.values()]
    return tuple(sorted(operators, key=lambda one: -one.total_us))


class _Sum:
    """What one operator took so far."""

    def __init__(self, name: str, kind: str, delegate: str, subgraph: int) -> None:
        self.identity = {"name": name, "type": kind, "delegate": delegate}
        self.subgraph = subgraph
        self.count = 0
        self.total_ns = 0

    def add(self, elapsed_ns: int) -> None:
        self.count += 1
        self.total_ns += elapsed_ns

    def operator(self, all_ns: int) -> ProfiledOperator:
        return ProfiledOperator(
            **self.identity,
            subgraph=self.subgraph,
            count=self.count,
            total_us=self.total_ns / 1000,
            share=self.total_ns / all_ns if all_ns else 0.0,
        )
