"""Delegates as words on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

__all__ = ["DELEGATE_HELP", "delegates_of"]

_KERNELS = {"xnnpack": "delegate", "builtin": "builtin", "reference": "reference"}

DELEGATE_HELP = (
    "Where the model runs: xnnpack, builtin or reference (kernels on the CPU), gpu, npu, or the .so file of an "
    "external delegate. Repeatable, in order of preference."
)


def delegates_of(words: Sequence[str]) -> list[Any] | None:
    """The delegates that the words name; None for no words.

    Raises:
        typer.BadParameter: a word names no delegate.
    """
    import zerolite

    delegates: list[Any] = []
    for word in words:
        if word in _KERNELS:
            delegates.append(zerolite.XNNPack(kernels=_KERNELS[word]))  # type: ignore[arg-type]
        elif word == "gpu":
            delegates.append(zerolite.Gpu())
        elif word == "npu":
            delegates.append(zerolite.Npu())
        elif word.endswith(".so"):
            delegates.append(zerolite.ExternalDelegate(word))
        else:
            known = ", ".join([*_KERNELS, "gpu", "npu"])
            raise typer.BadParameter(
                f"There is no delegate {word!r}; there are {known}, and files that end in .so.", param_hint="--delegate"
            )
    return delegates or None
