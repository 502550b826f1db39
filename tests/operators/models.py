"""Models with custom operators, and functions that compute them, which other processes can import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op

Array = NDArray[Any]
SHAPE = (2, 3)
X = np.arange(-3, 3, dtype=np.float32).reshape(SHAPE)


def chain(*names: str, shape: Sequence[int] = SHAPE, options: bytes = b"", open_axis: bool = False) -> bytes:
    """A model of operators after one another, from x to y; those called NEG are builtin."""
    builder = GraphBuilder()
    signature = [-1, *shape[1:]] if open_axis else None
    first = last = builder.tensor("x", shape, shape_signature=signature)
    for position, name in enumerate(names):
        final = position == len(names) - 1
        result = builder.tensor("y" if final else f"t{position}", shape, shape_signature=signature)
        if name == "NEG":
            builder.operator(Op.NEG, [last], [result], options=schema.NegOptionsT())
        else:
            builder.custom_operator(name, [last], [result], options=options)
        last = result
    builder.interface([first], [last])
    builder.signature("serving_default", {"x": first}, {"y": last})
    return builder.finish()


@zl.custom_op("Double")
def double(x: Array) -> Array:
    """Twice the input."""
    return x * np.float32(2)


def same_shape(x: tuple[int, ...]) -> tuple[int, ...]:
    return x
