"""What an evaluation asks of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from zerolite._runners.tensor_spec import TensorSpec

__all__ = ["Runner"]


@runtime_checkable
class Runner(Protocol):
    """A model, in whatever runtime, that is fed item by item or in batches.

    Arrays go in and come out as the model stores them; `TensorSpec.store` and `TensorSpec.real` convert.
    """

    @property
    def runtime(self) -> str:
        """The runtime's name, such as "zerolite"."""
        ...

    @property
    def inputs(self) -> Sequence[TensorSpec]:
        """What goes in, in the order in which `function` takes it."""
        ...

    @property
    def output(self) -> TensorSpec:
        """What comes out."""
        ...

    @property
    def items_per_call(self) -> int:
        """How many items one call runs where nobody asks for another number."""
        ...

    @property
    def function(self) -> Callable[..., NDArray[Any]]:
        """Runs one item: arrays of `inputs`' shapes and dtypes in, a new array of `output`'s out."""
        ...

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items, (items, ...) of each input, in the way that is usual for the runtime: (items, ...) out."""
        ...

    def close(self) -> None:
        """Give back what the runner has opened itself."""
        ...
