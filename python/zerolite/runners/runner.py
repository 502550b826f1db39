"""What an evaluation asks of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from zerolite.runners.tensor_spec import TensorSpec

__all__ = ["Runner"]


@runtime_checkable
class Runner(Protocol):
    """A model with one input, made ready to run one item after another.

    `function` is what the clock is put around: it takes an array of `input.shape` and `input.dtype` and
    returns a new array of `output.shape` and `output.dtype`. It is an attribute rather than a method, so
    that nothing of the adapter lies between the clock and the runtime's own call where that is possible.
    """

    @property
    def runtime(self) -> str:
        """The runtime's name, such as "zerolite"."""
        ...

    @property
    def input(self) -> TensorSpec:
        """The only input."""
        ...

    @property
    def output(self) -> TensorSpec:
        """The output that is read."""
        ...

    @property
    def function(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """Array in, new array out, for one item."""
        ...

    def close(self) -> None:
        """Give back what the adapter itself opened; a model that it was handed stays open."""
        ...
