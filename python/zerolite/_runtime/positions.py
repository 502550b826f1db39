"""Inputs that are given by position, where nobody tells in which order a model's source takes them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable, Sequence
from typing import Protocol

__all__ = ["caller_level", "has_like_inputs", "warn_of_positions"]


class _Input(Protocol):
    @property
    def shape(self) -> tuple[int | None, ...]: ...

    @property
    def dtype(self) -> Hashable: ...


def has_like_inputs(inputs: Sequence[_Input]) -> bool:
    """Whether some inputs have the same shape and dtype, so that a mistake about their order would not be an error."""
    return len({(one.shape, one.dtype) for one in inputs}) < len(inputs)


def caller_level() -> int:
    """Which frame called zerolite, counted from the frame that asks, which is 1: as warnings count."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "zerolite":
        frame = frame.f_back
        level += 1
    return level


def warn_of_positions(what: str, names: Sequence[str]) -> None:
    """Say that nobody tells the order, and how to do without it.

    Args:
        what: what is given by position, and to which model.
        names: the inputs in the order in which they are taken.
    """
    example = ", ".join(f"{name!r}: ..." for name in names)
    warnings.warn(
        f"{what} by position, and the model does not tell in which order its source takes them; they are taken as "
        f"{', '.join(map(repr, names))}, of which some have the same shape and dtype, so that a mistake would not be "
        f"an error; give them by name, as in {{{example}}}",
        UserWarning,
        stacklevel=caller_level(),
    )
