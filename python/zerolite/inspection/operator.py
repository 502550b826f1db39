"""One operator of a graph."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Operator"]


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
