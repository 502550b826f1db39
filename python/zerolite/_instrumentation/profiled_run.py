"""One profiled run, and the names of its nodes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from zerolite import _native
from zerolite.delegates.delegation import delegate_name

__all__ = ["NodeName", "ProfiledRun", "TimedNode", "name_nodes"]


class TimedNode(NamedTuple):
    """A node that a run invoked.

    Attributes:
        subgraph: the position of its graph.
        node: its position among the graph's nodes.
        begin_ns: when it began, since the run did.
        elapsed_ns: how long it took, with the nodes of other graphs that it ran.
        steps: what XNNPACK or OpenVINO did in it, in order: the kernel's name and microseconds, rounded down.
    """

    subgraph: int
    node: int
    begin_ns: int
    elapsed_ns: int
    steps: list[tuple[str, int]]

    @property
    def end_ns(self) -> int:
        """When it ended, since the run began."""
        return self.begin_ns + self.elapsed_ns


class ProfiledRun(NamedTuple):
    """What one run took.

    Attributes:
        elapsed_ns: the whole run.
        nodes: in the order in which they began.
    """

    elapsed_ns: int
    nodes: list[TimedNode]

    def own_ns(self) -> list[int]:
        """What each node took without the nodes of other graphs that it ran, in the order of `nodes`."""
        own = [node.elapsed_ns for node in self.nodes]
        running: list[int] = []  # positions of the nodes that run, the innermost last
        for place, node in enumerate(self.nodes):
            while running and self.nodes[running[-1]].end_ns <= node.begin_ns:
                running.pop()
            if running:
                own[running[-1]] -= node.elapsed_ns
            running.append(place)
        return own


class NodeName(NamedTuple):
    """A node's name.

    Attributes:
        name: the first tensor that it computes.
        type: the operator, or the operators of the partition that a delegate runs.
        delegate: who runs it; "builtin" for TensorFlow Lite's own kernels.
        operators: the operators in it, each with the first tensor that it computes.
    """

    name: str
    type: str
    delegate: str
    operators: tuple[tuple[str, str], ...] = ()


def name_nodes(signature: _native.Signature) -> dict[tuple[int, int], NodeName]:
    """(subgraph, node) -> names, for every node of the model that a signature belongs to."""
    names = {}
    for subgraph, node, operators, delegate, tensor in _native.planned_nodes(signature):
        counts = Counter(name for name, _ in operators).most_common()
        kind = ", ".join(name if count == 1 else f"{count} {name}" for name, count in counts)
        names[subgraph, node] = NodeName(
            tensor, kind, delegate_name(delegate) if delegate else "builtin", tuple(operators)
        )
    return names
