"""What a search compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from zerolite.tuned import Setting

__all__ = ["Contestant", "Opener", "Outputs"]

#: Of each call, the arrays by the outputs' names.
Outputs = list[Mapping[str, NDArray[Any]]]


class Contestant(Protocol):
    """A model that is loaded with one setting."""

    def outputs(self) -> Outputs:
        """What it answers to the items that all settings are compared over."""
        ...

    def time(self, seconds: float) -> float:
        """Run for about that long, and at least one call; nanoseconds per item."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


#: Loads the model with a setting.
Opener = Callable[[Setting], Contestant]
