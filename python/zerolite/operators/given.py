"""What callers give for ``custom_ops``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from zerolite.operators.function import FunctionOp
from zerolite.operators.library import CustomOp

__all__ = ["CustomOps", "checked_operators"]

#: One kernel, or several for operators of different names.
CustomOps: TypeAlias = CustomOp | FunctionOp | Iterable[CustomOp | FunctionOp]


def checked_operators(custom_ops: CustomOps | None) -> tuple[CustomOp | FunctionOp, ...]:
    """The kernels as a tuple.

    Raises:
        TypeError: something is no kernel.
        ValueError: two are for the same operator.
    """
    if custom_ops is None:
        return ()
    given = (custom_ops,) if isinstance(custom_ops, CustomOp | FunctionOp) else tuple(custom_ops)
    names: set[str] = set()
    for one in given:
        if not isinstance(one, CustomOp | FunctionOp):
            raise TypeError(
                f"custom_ops has {one!r}, and must be made of zl.CustomOp(...) and of what zl.custom_op makes of a "
                "function"
            )
        if one.name in names:
            raise ValueError(f"custom_ops has the operator {one.name!r} twice; leave one out")
        names.add(one.name)
    return given
