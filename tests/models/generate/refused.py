"""Models that can't be run: operators that nobody has, and files that contradict themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .graph_builder import GraphBuilder, Op, TensorType, edit
from .recipe import Recipe


def _negation() -> bytes:
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 3]), graph.tensor("y", [2, 3])
    graph.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def unknown_custom_op(name: str) -> bytes:
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 3]), graph.tensor("y", [2, 3])
    graph.custom_operator(name, [x], [y])
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def unsupported_type() -> bytes:
    """A negation of strings, which no kernel has."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2], TensorType.STRING), graph.tensor("y", [2], TensorType.STRING)
    graph.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def shapes_do_not_fit() -> bytes:
    """A sum of [3] and [4]."""
    graph = GraphBuilder()
    x, y, total = graph.tensor("x", [3]), graph.tensor("y", [4]), graph.tensor("total", [4])
    graph.operator(Op.ADD, [x, y], [total], options=schema.AddOptionsT())
    graph.interface([x, y], [total])
    graph.signature("serving_default", {"x": x, "y": y}, {"total": total})
    return graph.finish()


def short_constant() -> bytes:
    """A constant of 8 elements whose buffer holds 5."""
    graph = GraphBuilder()
    x, total = graph.tensor("x", [8]), graph.tensor("total", [8])
    constant = graph.constant("constant", np.ones(5, np.float32), shape=[8])
    graph.operator(Op.ADD, [x, constant], [total], options=schema.AddOptionsT())
    graph.interface([x], [total])
    graph.signature("serving_default", {"x": x}, {"total": total})
    return graph.finish()


def edited(change: Callable[[schema.ModelT], None]) -> bytes:
    return edit(_negation(), change)


def _version_too_new(model: schema.ModelT) -> None:
    model.operatorCodes[0].version = 99


def _unknown_builtin(model: schema.ModelT) -> None:
    model.operatorCodes[0].builtinCode = 999
    model.operatorCodes[0].deprecatedBuiltinCode = 127


def _schema_version(model: schema.ModelT) -> None:
    model.version = 9


def _no_subgraph(model: schema.ModelT) -> None:
    model.subgraphs, model.signatureDefs = [], None


def _tensor_out_of_range(model: schema.ModelT) -> None:
    model.subgraphs[0].operators[0].inputs = [77]


def _input_out_of_range(model: schema.ModelT) -> None:
    model.subgraphs[0].inputs = [77]


def _opcode_out_of_range(model: schema.ModelT) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 77


def _buffer_out_of_range(model: schema.ModelT) -> None:
    model.subgraphs[0].tensors[0].buffer = 77


def _negative_dimension(model: schema.ModelT) -> None:
    model.subgraphs[0].tensors[0].shape = [2, -3]


def _huge_tensor(model: schema.ModelT) -> None:
    for tensor in model.subgraphs[0].tensors:
        tensor.shape = [2**31 - 1, 2**31 - 1]


def _signature_tensor_out_of_range(model: schema.ModelT) -> None:
    model.signatureDefs[0].inputs[0].tensorIndex = 77


def _signature_subgraph_out_of_range(model: schema.ModelT) -> None:
    model.signatureDefs[0].subgraphIndex = 7


def recipes() -> list[Recipe]:
    malformed = ("refused", "malformed")
    changes: list[tuple[str, str, tuple[str, ...], Callable[[schema.ModelT], None]]] = [
        ("builtin_version_too_new", "version 99 of a builtin operator", ("refused",), _version_too_new),
        ("unknown_builtin", "a builtin operator with the unknown number 999", ("refused",), _unknown_builtin),
        ("schema_version", "version 9 of the schema", malformed, _schema_version),
        ("no_subgraph", "a model without any subgraph", malformed, _no_subgraph),
        ("operand_out_of_range", "an operator reads tensor 77 of 2", malformed, _tensor_out_of_range),
        ("input_out_of_range", "the subgraph's input is tensor 77 of 2", malformed, _input_out_of_range),
        ("opcode_out_of_range", "an operator has code 77 of 1", malformed, _opcode_out_of_range),
        ("buffer_out_of_range", "a tensor has buffer 77 of 1", malformed, _buffer_out_of_range),
        ("negative_dimension", "a tensor of shape [2, -3]", malformed, _negative_dimension),
        ("huge_tensor", "tensors of 2**62 elements", malformed, _huge_tensor),
        (
            "signature_tensor_out_of_range",
            "a signature's input is tensor 77 of 2",
            malformed,
            _signature_tensor_out_of_range,
        ),
        (
            "signature_subgraph_out_of_range",
            "a signature of subgraph 7 of 1, on which the reference's process crashes",
            (*malformed, "crashes_reference"),
            _signature_subgraph_out_of_range,
        ),
    ]
    return [
        Recipe(
            name="unknown_custom_op",
            purpose="a custom operator that nobody registered",
            tags=("refused", "custom_op"),
            build=partial(unknown_custom_op, "NobodyKnowsThis"),
        ),
        Recipe(
            name="flex_op",
            purpose="an operator of TensorFlow (Select TF ops), which the runtime does not carry",
            tags=("refused", "custom_op"),
            build=partial(unknown_custom_op, "FlexErfinv"),
        ),
        Recipe(
            name="unsupported_type",
            purpose="a negation of strings, which no kernel has",
            tags=("refused", "string"),
            build=unsupported_type,
        ),
        Recipe(
            name="shapes_do_not_fit",
            purpose="a sum of [3] and [4]",
            tags=("refused", "multi_input"),
            build=shapes_do_not_fit,
        ),
        Recipe(
            name="short_constant",
            purpose="a constant whose buffer is shorter than its shape",
            tags=malformed,
            build=short_constant,
        ),
        *(
            Recipe(name=name, purpose=purpose, tags=tags, build=partial(edited, change))
            for name, purpose, tags, change in changes
        ),
    ]
