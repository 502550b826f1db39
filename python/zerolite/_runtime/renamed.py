"""Parameters that had another name before."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["renamed_parameters"]

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def renamed_parameters(
    **new_by_old: str,
) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Let a function take parameters by the names that they had until zerolite 0.1, with a DeprecationWarning.

    Args:
        **new_by_old: the names of today by those of before.

    Returns:
        What makes such a function of one that has the names of today only.
    """

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        @functools.wraps(function)
        def renaming(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            for old in new_by_old.keys() & kwargs.keys():
                new = new_by_old[old]
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got both {new} and {old}, its old name; pass {new} only")
                warnings.warn(
                    f"{function.__name__}({old}=...) is called {new} now, and the old name ends with zerolite 0.3; "
                    f"write {new}=",
                    DeprecationWarning,
                    stacklevel=2,
                )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return renaming

    return decorate
