"""Unusual names of tensors, inputs and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ai_edge_litert import schema_py_generated as schema

from .graph_builder import GraphBuilder, Op
from .recipe import Recipe


def _unary(
    tensor_names: tuple[str | None, str | None, str | None, str | None],
    signatures: Mapping[str, tuple[tuple[str, str], tuple[str, str]]],
) -> bytes:
    """exp of one input [2], negation of another [3]; names of the two inputs and the two outputs."""
    graph = GraphBuilder()
    first, second, exponential, negative = (
        graph.tensor(name, [size]) for name, size in zip(tensor_names, (2, 3, 2, 3), strict=True)
    )
    graph.operator(Op.EXP, [first], [exponential], options=schema.ExpOptionsT())
    graph.operator(Op.NEG, [second], [negative], options=schema.NegOptionsT())
    graph.interface([first, second], [exponential, negative])
    for key, (inputs, outputs) in signatures.items():
        graph.signature(
            key,
            dict(zip(inputs, (first, second), strict=True)),
            dict(zip(outputs, (exponential, negative), strict=True)),
        )
    return graph.finish()


_PLAIN = ("first", "second", "exponential", "negative")


def recipes() -> list[Recipe]:
    tags = ("float", "names", "multi_input", "multi_output")
    return [
        Recipe(
            name="names_duplicate",
            purpose="no signature, both inputs have one name and both outputs another",
            tags=(*tags, "no_signature", "duplicate_names"),
            build=partial(_unary, ("same", "same", "other", "other"), {}),
        ),
        Recipe(
            name="names_input_and_output_alike",
            purpose="no signature, inputs and outputs share their names",
            tags=(*tags, "no_signature"),
            build=partial(_unary, ("a", "b", "a", "b"), {}),
        ),
        Recipe(
            name="names_empty",
            purpose="no signature, tensors with empty names",
            tags=(*tags, "no_signature", "duplicate_names"),
            build=partial(_unary, ("", "", "", ""), {}),
        ),
        Recipe(
            name="names_missing",
            purpose="no signature, tensors without a name field",
            tags=(*tags, "no_signature", "duplicate_names"),
            build=partial(_unary, (None, None, None, None), {}),
        ),
        Recipe(
            name="names_missing_with_signature",
            purpose="tensors without a name field that a signature names",
            tags=tags,
            build=partial(_unary, (None, None, None, None), {"serving_default": (("first", "second"), _PLAIN[2:])}),
        ),
        Recipe(
            name="names_unicode",
            purpose="names with quotes, backslashes, line breaks and letters outside ASCII",
            tags=(*tags, "unicode"),
            build=partial(
                _unary,
                ("größe:0", 'a "quoted"\\name', "日本語", "line\nbreak"),
                {"serving_default": (("größe", 'a "quoted"\\name'), ("日本語", "line\nbreak"))},
            ),
        ),
        Recipe(
            name="names_unicode_signature",
            purpose="two signatures with keys outside ASCII and with quotes",
            tags=(*tags, "unicode", "multi_signature"),
            build=partial(
                _unary,
                _PLAIN,
                {"schlüssel 'x'": (("a", "b"), ("c", "d")), '署"名"': (("e", "f"), ("g", "h"))},
            ),
        ),
        Recipe(
            name="names_empty_signature",
            purpose="one signature, whose key is empty, which the reference's Python takes for none",
            tags=(*tags, "reference_limited"),
            build=partial(_unary, _PLAIN, {"": (("a", "b"), ("c", "d"))}),
        ),
        Recipe(
            name="names_reserved",
            purpose="an input called out, like the argument of a call, and names that are Python's keywords",
            tags=(*tags, "reserved_names"),
            build=partial(_unary, _PLAIN, {"serving_default": (("out", "lambda"), ("class", "return"))}),
        ),
        Recipe(
            name="names_self",
            purpose="an input called self, which the reference's Python can't pass by name",
            tags=(*tags, "reserved_names", "reference_limited"),
            build=partial(_unary, _PLAIN, {"serving_default": (("self", "model"), ("cls", "args"))}),
        ),
        Recipe(
            name="names_long",
            purpose="names of 5,000 letters",
            tags=tags,
            build=partial(_unary, ("a" * 5000, "b" * 5000, "c" * 5000, "d" * 5000), {}),
        ),
    ]
