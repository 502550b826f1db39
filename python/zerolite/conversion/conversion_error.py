"""What `convert` raises when a model can't be converted."""

from __future__ import annotations

from collections.abc import Sequence

from zerolite._native import Error
from zerolite.conversion.operators import UnsupportedOperator

__all__ = ["ConversionError", "first_line"]


class ConversionError(Error):
    """A model can't be converted.

    Attributes:
        log: everything that was printed on the way, by the converter and by what it is built on.
        unsupported: the operators that stood in the way, each with advice; empty when it was something else.
    """

    def __init__(self, message: str, *, log: str, unsupported: Sequence[UnsupportedOperator] = ()) -> None:
        super().__init__(message)
        self.log = log
        self.unsupported = tuple(unsupported)


def first_line(error: Exception) -> str:
    """The first line of an error's message that says something: converters print pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
