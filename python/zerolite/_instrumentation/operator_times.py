"""From timed nodes to operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zerolite._instrumentation.node_names import NodeName
from zerolite._instrumentation.profiled_operator import REST, ProfiledOperator
from zerolite._instrumentation.profiled_run import ProfiledRun

__all__ = ["operator_times"]

_NAMELESS = NodeName("", "unknown", "builtin")


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
            for step, (kernel, elapsed_us) in enumerate(node.steps):
                place = (node.subgraph, node.node, step)
                add(place, f"{known.name} [{step}]", kernel, known.delegate, 1000 * elapsed_us)
            rest_ns = max(0, own_ns - sum(1000 * elapsed_us for _, elapsed_us in node.steps))
            kind = REST if node.steps else known.type
            add((node.subgraph, node.node, None), known.name, kind, known.delegate, rest_ns)
    all_ns = sum(one.total_ns for one in sums.values())
    operators = [one.operator(all_ns) for one in sums.values()]
    return tuple(sorted(operators, key=lambda one: -one.total_us))
