"""zerolite's interpreter and the reference's, side by side: the same calls, and what both make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support.model_zoo import Array

Outcome = Any
EMPTY = "a tensor without elements"


def same_details(ours: Any, theirs: Any) -> bool:  # noqa: PLR0911 - one for each kind of answer
    """Whether two answers agree in keys, their order, types, dtypes and values; NaN is like NaN."""
    if isinstance(theirs, str) and theirs == EMPTY:
        return isinstance(ours, np.ndarray) and ours.size == 0
    if isinstance(theirs, np.ndarray):
        return isinstance(ours, np.ndarray) and ours.dtype == theirs.dtype and same_values(ours, theirs)
    if type(ours) is not type(theirs):
        return False
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same_details(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same_details, ours, theirs))
    if isinstance(theirs, np.generic):
        return same_values(np.asarray(ours), np.asarray(theirs))
    return bool(ours == theirs)


def same_values(ours: Array, theirs: Array) -> bool:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    if ours.dtype == object:
        return ours.tolist() == theirs.tolist()
    return ours.tobytes() == theirs.tobytes() or bool(np.array_equal(ours, theirs, equal_nan=ours.dtype.kind in "fc"))


def outcome(action: Callable[[], Outcome]) -> Outcome:
    """What an action answers, or the kind of error that it raises: ValueError or RuntimeError."""
    try:
        return action()
    except ValueError as error:
        # LiteRT 2.3.0's Python can't read a tensor without elements when it has memory.
        return EMPTY if "Invalid tensor size" in str(error) else ValueError
    except RuntimeError:
        return RuntimeError


class InterpreterPair:
    """Two interpreters of one model to which the same is done."""

    def __init__(self, model: Any, **options: Any) -> None:
        by_content = isinstance(model, bytes)
        source = {"model_content": model} if by_content else {"model_path": str(model)}
        ours = dict(options)
        if resolver := options.get("experimental_op_resolver_type"):
            ours["experimental_op_resolver_type"] = zl.OpResolverType[resolver.name]
        self.theirs = litert.Interpreter(**source, **options)
        self.ours = zl.Interpreter(**source, **ours)

    def both(self, action: Callable[[Any], Outcome]) -> tuple[Outcome, Outcome]:
        return outcome(lambda: action(self.ours)), outcome(lambda: action(self.theirs))

    def assert_same(self, action: Callable[[Any], Outcome], what: str) -> Outcome:
        """Do something to both, and let them agree on what comes of it."""
        ours, theirs = self.both(action)
        assert same_details(ours, theirs), f"{what}: zerolite gives {ours!r}, the reference {theirs!r}"
        return ours

    def assert_same_call(self, method: str, *arguments: Any) -> Outcome:
        """Call a method of both."""
        what = f"{method}({', '.join(map(repr, arguments))})"
        return self.assert_same(lambda interpreter: getattr(interpreter, method)(*arguments), what)
