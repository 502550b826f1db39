"""Kernels in libraries."""

from __future__ import annotations

import os
from pathlib import Path

from zerolite import _native

__all__ = ["CustomOp", "checked_name", "get_include"]


class CustomOp:
    """A kernel in a library of one's own, in C or C++, for the operators of one name.

    The library exports a function of C, without parameters, that returns a ``TfLiteRegistration*``: TensorFlow Lite's C
    ABI, in which the kernels of existing libraries are written. The header of `get_include` declares what a kernel
    needs of it; TensorFlow's own headers do as well. Nothing lies between the runtime and the kernel, which costs what
    a builtin one costs.

    A kernel's ``init`` is called for each node of each replica of a model, and its ``free`` with the model. The members
    of ``TfLiteRegistration`` up to ``version`` are used. The library stays loaded.

    Attributes:
        name: the operator's name in the model, its custom code.
        library: the path of the library, or a name that the system's loader finds.
        symbol: the name of the function.
    """

    __slots__ = ("library", "name", "symbol")

    def __init__(self, name: str, library: str | os.PathLike[str], *, symbol: str | None = None) -> None:
        """Note the library; it is opened when a model is loaded.

        Args:
            name: the operator's name.
            library: the library's path.
            symbol: the name of its function; None is ``Register_`` and the operator's name.

        Raises:
            TypeError: `name` or `symbol` is no text, or `library` no path.
            ValueError: one of them is empty or holds a null character.
        """
        self.name = checked_name(name)
        self.library = os.fspath(library)
        self.symbol = f"Register_{name}" if symbol is None else symbol
        for argument, value in (("library", self.library), ("symbol", self.symbol)):
            if not isinstance(value, str):
                raise TypeError(f"{argument} of the custom operator {name} is {value!r}, and must be a str")
            if not value or "\0" in value:
                raise ValueError(f"{argument} of the custom operator {name} is {value!r}, which names nothing")

    def native(self) -> _native.CustomOperator:
        """The kernel as the native core takes it.

        Raises:
            Error: the library can't be opened, or has no such function, or that gives no kernel.
        """
        return _native.CustomOperator.from_library(self.name, self.library, self.symbol)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same function of the same library, for the same operator."""
        if not isinstance(other, CustomOp):
            return NotImplemented
        return (self.name, self.library, self.symbol) == (other.name, other.library, other.symbol)

    def __hash__(self) -> int:
        """Equal operators have equal hashes."""
        return hash((self.name, self.library, self.symbol))

    def __repr__(self) -> str:
        """The name, the library and its function."""
        return f"CustomOp({self.name!r}, {self.library!r}, symbol={self.symbol!r})"


def get_include() -> str:
    """The directory of ``zerolite_custom_op.h``, for a compiler's ``-I``.

    The header stands alone, and may be copied.
    """
    return str(Path(__file__).parent / "include")


def checked_name(name: object) -> str:
    """An operator's name.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty or holds a null character.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a custom operator is {name!r}, and must be a str")
    if not name or "\0" in name:
        raise ValueError(
            f"the name of a custom operator is {name!r}; pass its custom code, as `zerolite info` shows it"
        )
    return name
