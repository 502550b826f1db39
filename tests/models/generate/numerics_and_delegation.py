"""Models that show how floats are treated, and where each part of a graph runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .graph_builder import GraphBuilder, Op
from .recipe import Recipe


def denormal() -> bytes:
    """Tiny products and sums, once by operators that are delegated and once by operators that are not."""
    graph = GraphBuilder()
    x = graph.tensor("x", [16])
    factor = graph.constant("factor", np.array([1e-3], np.float32))
    axis = graph.constant("axis", np.array(0, np.int32))
    outputs = {name: graph.tensor(name, [16]) for name in ("product", "absolute", "sum", "cumulated")}
    graph.operator(Op.MUL, [x, factor], [outputs["product"]], options=schema.MulOptionsT())
    graph.operator(Op.ABS, [x], [outputs["absolute"]], options=schema.AbsOptionsT())
    graph.operator(Op.ADD_N, [x, x], [outputs["sum"]], options=schema.AddNOptionsT())
    graph.operator(Op.CUMSUM, [x, axis], [outputs["cumulated"]], options=schema.CumsumOptionsT())
    graph.interface([x], list(outputs.values()))
    graph.signature("serving_default", {"x": x}, outputs)
    return graph.finish()


def denormal_builtin() -> bytes:
    """Sums of tiny numbers by an operator that is not delegated."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [16]), graph.tensor("y", [16])
    graph.operator(Op.ADD_N, [x, x], [y], options=schema.AddNOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def special_values() -> bytes:
    """NaN and infinities through a copy, a sum with zero, a maximum, a clamp and a division."""
    graph = GraphBuilder()
    x = graph.tensor("x", [8])
    shape = graph.constant("shape", np.array([2, 4], np.int32))
    zero = graph.constant("zero", np.array([0.0], np.float32))
    outputs = {
        "copied": graph.tensor("copied", [2, 4]),
        **{name: graph.tensor(name, [8]) for name in ("added", "maximum", "clamped", "divided")},
    }
    graph.operator(Op.RESHAPE, [x, shape], [outputs["copied"]])
    graph.operator(Op.ADD, [x, zero], [outputs["added"]], options=schema.AddOptionsT())
    graph.operator(Op.MAXIMUM, [x, zero], [outputs["maximum"]], options=schema.MaximumMinimumOptionsT())
    graph.operator(Op.RELU6, [x], [outputs["clamped"]])
    graph.operator(Op.DIV, [x, zero], [outputs["divided"]], options=schema.DivOptionsT())
    graph.interface([x], list(outputs.values()))
    graph.signature("serving_default", {"x": x}, outputs)
    return graph.finish()


def chain(steps: str, *, length: int, batch: int = -1) -> bytes:
    """A chain of unary operators [1, 8] that repeats `steps`: "d" is delegated, "b" is not."""
    graph = GraphBuilder()
    axis = graph.constant("axis", np.array(1, np.int32))
    reverse_axis = graph.constant("reverse_axis", np.array([1], np.int32))
    operators: dict[str, list[tuple[int, list[int], Callable[[], object]]]] = {
        "d": [(Op.NEG, [], schema.NegOptionsT), (Op.ABS, [], schema.AbsOptionsT)],
        "b": [
            (Op.CUMSUM, [axis], schema.CumsumOptionsT),
            (Op.REVERSE_V2, [reverse_axis], schema.ReverseV2OptionsT),
        ],
    }
    signature = [batch, 8]
    x = current = graph.tensor("x", [1, 8], shape_signature=signature)
    for index in range(length):
        code, more, options = operators[steps[index % len(steps)]][index // len(steps) % 2]
        following = graph.tensor(f"step_{index}", [1, 8], shape_signature=signature)
        graph.operator(code, [current, *more], [following], options=options())
        current = following
    graph.interface([x], [current])
    graph.signature("serving_default", {"x": x}, {"y": current})
    return graph.finish()


def branches() -> bytes:
    """A delegated and a builtin branch from one input that join again, and an output in the middle."""
    graph = GraphBuilder()
    axis = graph.constant("axis", np.array(1, np.int32))
    x = graph.tensor("x", [1, 8])
    left, right, total, y = (graph.tensor(name, [1, 8]) for name in ("left", "right", "total", "y"))
    graph.operator(Op.EXP, [x], [left], options=schema.ExpOptionsT())
    graph.operator(Op.CUMSUM, [x, axis], [right], options=schema.CumsumOptionsT())
    graph.operator(Op.ADD, [left, right], [total], options=schema.AddOptionsT())
    graph.operator(Op.CUMSUM, [total, axis], [y], options=schema.CumsumOptionsT())
    graph.interface([x], [y, left])
    graph.signature("serving_default", {"x": x}, {"y": y, "left": left})
    return graph.finish()


def recipes() -> list[Recipe]:
    tiny = {"x": (1e-39, 2e-38)}
    return [
        Recipe(
            name="denormal",
            purpose="denormal inputs and results, which XNNPACK flushes to zero and builtin kernels may keep",
            tags=("float", "denormal", "mixed_delegation", "multi_output"),
            build=denormal,
            input_ranges=tiny,
        ),
        Recipe(
            name="denormal_builtin",
            purpose="denormal inputs and results in a graph without any delegated operator",
            tags=("float", "denormal", "builtin_only"),
            build=denormal_builtin,
            input_ranges=tiny,
        ),
        Recipe(
            name="special_values",
            purpose="for NaN, infinities and signed zeros in float32",
            tags=("float", "special_values", "multi_output"),
            build=special_values,
        ),
        Recipe(
            name="builtin_chain",
            purpose="40 operators, none of which XNNPACK takes",
            tags=("float", "builtin_only", "resizable"),
            build=partial(chain, "b", length=40),
        ),
        Recipe(
            name="delegated_chain",
            purpose="40 operators, all of which XNNPACK takes",
            tags=("float", "resizable"),
            build=partial(chain, "d", length=40),
        ),
        Recipe(
            name="mixed_chain",
            purpose="delegated and builtin operators in turns: 5 pairs of each",
            tags=("float", "mixed_delegation", "resizable"),
            build=partial(chain, "ddbb", length=20),
        ),
        Recipe(
            name="mixed_branches",
            purpose="a delegated and a builtin branch that join, and an inner tensor as output",
            tags=("float", "mixed_delegation", "multi_output"),
            build=branches,
        ),
    ]
