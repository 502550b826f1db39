"""One graph of a model."""

from __future__ import annotations

from dataclasses import dataclass

from zerolite.inspection.operator import Operator
from zerolite.inspection.stored_tensor import StoredTensor

__all__ = ["Subgraph"]


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
