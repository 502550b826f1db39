"""Models of one operator, for tests of its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.models.generate.graph_builder import GraphBuilder

Operand = tuple[Sequence[int], str]


def model_of(code: int, inputs: Sequence[Operand], output: Operand, options: Any = None) -> bytes:
    """A model of one operator, whose inputs are input_0, input_1 and so on."""
    builder = GraphBuilder()
    operands = [builder.tensor(f"input_{i}", *operand) for i, operand in enumerate(inputs)]
    result = builder.tensor("result", *output)
    builder.operator(code, operands, [result], options=options)
    builder.interface(operands, [result])
    return builder.finish()
