"""What the nodes of a model are called in a profile."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from zerolite import _native
from zerolite.delegates.delegation import delegate_name

__all__ = ["NodeName", "name_nodes"]


class NodeName(NamedTuple):
    """A node's name.

    Attributes:
        name: the first tensor that it computes.
        type: the operator, or the operators of the partition that a delegate runs.
        delegate: who runs it; "builtin" for TensorFlow Lite's own kernels.
    """

    name: str
    type: str
    delegate: str


def name_nodes(signature: _native.Signature) -> dict[tuple[int, int], NodeName]:
    """(subgraph, node) -> names, for every node of the model that a signature belongs to."""
    names = {}
    for subgraph, node, operators, delegate, tensor in _native.planned_nodes(signature):
        kind = ", ".join(name if count == 1 else f"{count} {name}" for name, count in Counter(operators).most_common())
        names[subgraph, node] = NodeName(tensor, kind, delegate_name(delegate) if delegate else "builtin")
    return names
