"""Python functions as kernels."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from zerolite import _native
from zerolite.operators.library import checked_name

__all__ = ["FunctionOp", "custom_op"]

_Function = Callable[..., Any]


class FunctionOp:
    """A Python function that computes the operators of one name; `custom_op` makes it. Calling it calls the function.

    Attributes:
        name: the operator's name in the model, its custom code.
        function: what computes it.
        shapes: what tells the outputs' shapes, or None.
    """

    def __init__(self, name: str, function: _Function, shapes: _Function | None = None) -> None:
        """Note the functions; `custom_op` is the usual way in.

        Raises:
            TypeError: one of them can't be called, or `name` is no text.
            ValueError: `name` is empty or holds a null character.
        """
        self.name = checked_name(name)
        if not callable(function):
            raise TypeError(f"the function of the custom operator {name} is {function!r}, which can't be called")
        if shapes is not None and not callable(shapes):
            raise TypeError(
                f"shapes of the custom operator {name} is {shapes!r}; pass a function that makes the outputs' shapes "
                "of the inputs', or None"
            )
        self.function = function
        self.shapes = shapes
        self.__doc__ = getattr(function, "__doc__", None)
        self.__module__ = getattr(function, "__module__", None) or __name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, as a test of it does."""
        return self.function(*args, **kwargs)

    def native(self) -> _native.CustomOperator:
        """The function as the native core takes it."""
        return _native.CustomOperator.from_function(
            self.name, self.function, _takes_options(self.function), self.shapes, _takes_options(self.shapes)
        )

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle the functions by their names; one that this took the name of, by `custom_op` as a decorator, too."""
        name = getattr(self.function, "__qualname__", "")
        if getattr(sys.modules.get(self.__module__), name, None) is self:
            return str(name)
        return type(self), (self.name, self.function, self.shapes)

    def __repr__(self) -> str:
        """The name and the function."""
        return f"custom_op({self.name!r})({self.function!r}, shapes={self.shapes!r})"


def custom_op(name: str) -> Callable[..., FunctionOp]:
    """Make a kernel of a Python function, for prototypes: ``zl.custom_op("Scale")(scale, shapes=...)``.

    The function is called with an array for each input of the operator (None for one that the model leaves out), and
    returns an array, or a tuple of arrays where the operator has several outputs, of the outputs' dtypes and shapes.
    With a parameter called ``options`` it is given the operator's options, as the bytes that are in the file. The
    arrays are read-only views of the tensors' memory, which is lent for the call alone. The function may use anything
    but the model that calls it. It holds the GIL, so that the workers of a `Pool` run it one after another.

    ``shapes`` is called with the inputs' shapes, tuples of int, and likewise with ``options``, whenever the graph is
    prepared. It returns the output's shape, or a tuple of shapes for several outputs; None in the place of a shape
    leaves it to each run. Without ``shapes``, outputs have the shapes of the file, and those that the file leaves open
    are told by each run.

    An exception of the function ends the run with `zerolite.Error`, whose ``__cause__`` it is. KeyboardInterrupt and
    what else is no Exception comes out itself.

    It works as a decorator, too, and can be pickled where its functions can.

    Args:
        name: the operator's name in the model, its custom code.

    Returns:
        What makes a `FunctionOp` of a function and ``shapes``.

    Raises:
        TypeError: `name` is no text.
        ValueError: `name` is empty or holds a null character.
    """
    checked_name(name)

    def make(function: _Function, *, shapes: _Function | None = None) -> FunctionOp:
        return FunctionOp(name, function, shapes)

    return make


def _takes_options(function: _Function | None) -> bool:
    if function is None:
        return False
    try:
        return "options" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions of C
        return False
