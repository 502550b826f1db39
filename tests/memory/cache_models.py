"""Models of one step over a key/value cache, which goes in and comes out again."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.models.generate.graph_builder import GraphBuilder, Op

__all__ = ["SHAPE", "StepGraph", "summing_the_old", "updating"]

#: Of the cache: one, rows, width.
SHAPE = (1, 16, 8)


class StepGraph(GraphBuilder):
    """One step over a cache: `cache_out` and whatever else a test looks at."""

    def __init__(self, shape: tuple[int, int, int] = SHAPE) -> None:
        super().__init__()
        open_shape = (-1, *shape[1:])
        self.shape = shape
        self.cache = self.tensor("cache", shape, shape_signature=open_shape)
        self.x = self.tensor("x", (1, 1, shape[2]))
        self.place = self.tensor("place", (3,), "int32")
        self.cache_out = self.tensor("cache_out", shape, shape_signature=open_shape)
        self.outputs = {"cache_out": self.cache_out}

    def update(self) -> None:
        self.operator(Op.DYNAMIC_UPDATE_SLICE, [self.cache, self.x, self.place], [self.cache_out])

    def add(self) -> None:
        self.operator(Op.ADD, [self.cache, self.x], [self.cache_out], options=schema.AddOptionsT())

    def mirror(self) -> None:
        axis = self.constant("mirrored", np.array([1], np.int32))
        self.operator(Op.REVERSE_V2, [self.cache, axis], [self.cache_out])

    def total_of(self, source: int) -> None:
        total = self.tensor("total", (1, self.shape[2]))
        axis = self.constant("summed", np.array([1], np.int32))
        self.operator(Op.SUM, [source, axis], [total], options=schema.ReducerOptionsT())
        self.outputs["total"] = total

    def model(self) -> bytes:
        inputs = {"cache": self.cache, "x": self.x, "place": self.place}
        self.interface(list(inputs.values()), list(self.outputs.values()))
        self.signature("serving_default", inputs, self.outputs)
        return self.finish()


def updating(shape: tuple[int, int, int] = SHAPE) -> bytes:
    """A row is written and all are summed up: a run may write in place."""
    graph = StepGraph(shape)
    graph.update()
    graph.total_of(graph.cache_out)
    return graph.model()


def summing_the_old(shape: tuple[int, int, int] = SHAPE) -> bytes:
    """The sum is that of the rows before, and comes after the writing."""
    graph = StepGraph(shape)
    graph.update()
    graph.total_of(graph.cache)
    return graph.model()
