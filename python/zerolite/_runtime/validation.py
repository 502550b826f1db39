"""Counts that callers give."""

from __future__ import annotations

import operator


def checked_count(name: str, count: int, *, most: int | None = None, otherwise: str = "") -> int:
    """`count` as an int, which `name` calls it in messages.

    Args:
        name: the parameter.
        count: what came for it.
        most: the most that it may be, if there is such a thing.
        otherwise: what else may be given, to be said at the end of messages.

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
