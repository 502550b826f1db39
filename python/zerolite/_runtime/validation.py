"""Checks of arguments."""

from __future__ import annotations

import operator
from typing import Literal, TypeAlias

__all__ = ["Reset", "positive_int", "resets_items"]

#: When the variables of a model go back to their start: before every item, or never.
Reset: TypeAlias = Literal["item", "never"]


def resets_items(reset: str) -> bool:
    """Whether the variables of a model go back to their start before every item.

    Raises:
        ValueError: `reset` is neither "item" nor "never".
    """
    if reset not in ("item", "never"):
        raise ValueError(f"reset is {reset!r}, and must be 'item' or 'never'")
    return reset == "item"


def positive_int(name: str, count: int, *, most: int | None = None, otherwise: str = "") -> int:
    """`count` as an int of at least 1.

    Args:
        name: the parameter, for messages.
        count: its value.
        most: the largest value that is allowed; None for no limit.
        otherwise: what else may be given, for the end of messages.

    Raises:
        TypeError: it is no integer.
        ValueError: it is below 1, or above `most`.
    """
    sizes = "at least 1" if most is None else f"from 1 to {most}"
    try:
        whole = operator.index(count)
    except TypeError:
        kind = "an int of" if most is None else "an int"
        raise TypeError(f"{name} is {count!r}, and must be {kind} {sizes}{otherwise}") from None
    if whole < 1 or (most is not None and whole > most):
        raise ValueError(f"{name} is {whole}, and must be {sizes}{otherwise}")
    return whole
