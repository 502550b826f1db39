"""The operators of a model, and those that stand in the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

__all__ = ["UnsupportedOperator", "count_operators", "refused_operators", "without_kernel"]

_FLEX = "Flex"


@dataclass(frozen=True, slots=True)
class UnsupportedOperator:
    """An operator that a .tflite file has no builtin for, or that zerolite has no kernel for.

    Attributes:
        name: the operator's name in TensorFlow, or that of the custom operator in the file.
        advice: what can be done about it.
    """

    name: str
    advice: str


def count_operators(content: bytes) -> dict[str, int]:
    """How often each operator occurs in all subgraphs of a .tflite file, the most frequent first.

    Custom operators count under their own names; those of the Select TF ops begin with "Flex".

    Args:
        content: the bytes of a sound .tflite file.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    names = [_name(model.OperatorCodes(index)) for index in range(model.OperatorCodesLength())]
    count: Counter[str] = Counter()
    for index in range(model.SubgraphsLength()):
        subgraph = model.Subgraphs(index)
        count.update(names[subgraph.Operators(op).OpcodeIndex()] for op in range(subgraph.OperatorsLength()))
    return dict(count.most_common())


def refused_operators(message: str) -> list[UnsupportedOperator]:
    """The operators that TensorFlow's converter names when it refuses a model (as of TensorFlow 2.21).

    Args:
        message: the text of its error, or its log.
    """
    refused = [
        UnsupportedOperator(
            name,
            "TFLite has no kernel for it: replace it in the model, or let TensorFlow's own kernel into the file "
            "with select_tf_ops (--select-tf-ops), for runtimes with the Select TF ops; zerolite has none of them",
        )
        for name in _listed("TF Select ops", message)
    ]
    refused += [
        UnsupportedOperator(
            name,
            "it is a custom operator: let it into the file with allow_custom_ops (--allow-custom-ops), for "
            "runtimes that bring a kernel of that name",
        )
        for name in _listed("Custom ops", message)
    ]
    return refused


def without_kernel(operators: Iterable[str]) -> list[UnsupportedOperator]:
    """Those of a finished model's operators for which a runtime needs more than the builtin kernels.

    Args:
        operators: the names that `count_operators` gives.
    """
    found = []
    for name in operators:
        if name in _builtin_names():
            continue
        if name.startswith(_FLEX):
            advice = (
                "a kernel of TensorFlow's (Select TF ops), which zerolite has none of: run the file with "
                "tf.lite.Interpreter, or replace the operator in the model"
            )
        else:
            advice = "a custom operator: it runs where a kernel of that name is registered, as by a delegate"
        found.append(UnsupportedOperator(name, advice))
    return found


def _listed(heading: str, message: str) -> list[str]:
    names: list[str] = []
    for line in re.findall(rf"^{heading}: (.+)$", message, re.M):
        names += [name.strip() for name in line.split(",")]
    return list(dict.fromkeys(name for name in names if name))


def _name(code: object) -> str:
    # Files for old runtimes have the code in a byte; what does not fit in there is in the other field.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # type: ignore[attr-defined]
    custom: bytes | None = code.CustomCode()  # type: ignore[attr-defined]
    if _builtin(number) == "CUSTOM" and custom:
        return custom.decode("utf-8", errors="replace")
    return _builtin(number)


def _builtin(number: int) -> str:
    return _builtin_table().get(number, f"operator {number}")


@cache
def _builtin_table() -> dict[int, str]:
    from ai_edge_litert import schema_py_generated as schema

    return {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}


@cache
def _builtin_names() -> frozenset[str]:
    return frozenset(_builtin_table().values()) - {"CUSTOM"}
