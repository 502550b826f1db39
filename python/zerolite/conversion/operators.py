"""The operators of a model, and those that stand in the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from zerolite import _native

__all__ = ["UnsupportedOperator", "count_operators", "refused_operators", "without_kernel"]

_FLEX = "Flex"
# How the converter writes the types of numbers that most kernels of TFLite don't take.
_UNUSUAL_TYPES = {"f16": "float16", "bf16": "bfloat16", "f64": "float64"}


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
    return dict(Counter(one.name for one in _operators(content)).most_common())


def refused_operators(message: str) -> list[UnsupportedOperator]:
    """The operators that TensorFlow's converter names when it refuses a model (as of TensorFlow 2.21).

    Args:
        message: the text of its error, or its log.
    """
    refused = [UnsupportedOperator(name, _advice(name, message)) for name in _listed("TF Select ops", message)]
    refused += [
        UnsupportedOperator(
            name,
            "it is a custom operator: let it into the file with allow_custom_ops (--allow-custom-ops), for "
            "runtimes that bring a kernel of that name",
        )
        for name in _listed("Custom ops", message)
    ]
    return refused


def without_kernel(content: bytes) -> list[UnsupportedOperator]:
    """The custom operators of a sound .tflite file, for which a runtime needs more than the builtin kernels.

    Args:
        content: the file's bytes.
    """
    found = []
    for name, _ in Counter(one.name for one in _operators(content) if one.custom).most_common():
        if name.startswith(_FLEX):
            advice = (
                "a kernel of TensorFlow's (Select TF ops), which zerolite has none of: run the file with "
                "tf.lite.Interpreter, or replace the operator in the model"
            )
        else:
            advice = (
                "a custom operator: it runs with a kernel of that name (custom_ops=[zl.CustomOp(...)]), or where a "
                "delegate takes it"
            )
        found.append(UnsupportedOperator(name, advice))
    return found


def _advice(name: str, message: str) -> str:
    """What to do about an operator that has kernels of TensorFlow's only, or none for numbers of its type."""
    for call in re.findall(rf"^\s*tf\.{re.escape(name)}\((.*?)\) ->", message, re.M):
        for code, dtype in _UNUSUAL_TYPES.items():
            if re.search(rf"[<x]{code}>", call) and not _has_float32_alone(name, message):
                return (
                    f"TFLite has no kernel for {dtype} numbers: where a dtype policy such as mixed_float16 asks for "
                    "them, give the Keras model or its .keras file, which are converted in float32; else cast to "
                    "float32 in the model"
                )
    return (
        "TFLite has no kernel for it: replace it in the model, or let TensorFlow's own kernel into the file "
        "with select_tf_ops (--select-tf-ops), for runtimes with the Select TF ops; zerolite has none of them"
    )


def _has_float32_alone(name: str, message: str) -> bool:
    """Whether the operator was refused for float32 numbers, too."""
    calls = re.findall(rf"^\s*tf\.{re.escape(name)}\((.*?)\) ->", message, re.M)
    return any("f32>" in call and not any(f"{code}>" in call for code in _UNUSUAL_TYPES) for call in calls)


def _listed(heading: str, message: str) -> list[str]:
    names: list[str] = []
    for line in re.findall(rf"^{heading}: (.+)$", message, re.M):
        names += [name.strip() for name in line.split(",")]
    return list(dict.fromkeys(name for name in names if name))


def _operators(content: bytes) -> Iterator[_native.StoredOperator]:
    for subgraph in _native.read_contents(content).subgraphs:
        yield from subgraph.operators
