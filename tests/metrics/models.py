"""Models and runners whose answers are what they are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.models.generate.graph_builder import GraphBuilder, Op
from zerolite._runners import TensorSpec

__all__ = ["Echo", "write_scores"]


class Echo:
    """A runner whose answer is its input."""

    runtime = "echo"
    items_per_call = 1

    def __init__(self, *shape: int) -> None:
        self.output = TensorSpec("y", (1, *shape), np.dtype(np.float32))
        self.inputs = (TensorSpec("x", (1, *shape), np.dtype(np.float32)),)

    def function(self, *arrays: np.ndarray) -> np.ndarray:
        return arrays[0].copy()

    def map(self, *batches: np.ndarray) -> np.ndarray:
        return batches[0].copy()

    def close(self) -> None:
        """Nothing to give back."""


def write_scores(path: Path, ending: str, *shape: int) -> Path:
    """A model whose output is its input less 0, or the sigmoid or softmax of that, or the logarithm of its input."""
    builder = GraphBuilder()
    size = (1, *shape)
    source = builder.tensor("x", size)
    linear = builder.tensor("linear", size)
    target = builder.tensor("y", size)
    if ending == "logarithm":
        builder.operator(Op.LOG, [source], [target])
    else:
        nothing = builder.constant("nothing", np.zeros(1, np.float32))
        builder.operator(
            Op.SUB, [source, nothing], [linear if ending != "logit" else target], options=schema.SubOptionsT()
        )
        if ending == "sigmoid":
            builder.operator(Op.LOGISTIC, [linear], [target])
        elif ending == "softmax":
            options: Any = schema.SoftmaxOptionsT()
            options.beta = 1.0
            builder.operator(Op.SOFTMAX, [linear], [target], options=options)
    builder.interface([source], [target])
    builder.signature("serving_default", {"x": source}, {"y": target})
    path.write_bytes(builder.finish())
    return path
