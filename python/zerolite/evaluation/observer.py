"""Who looks on while models are evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from zerolite._data.block import ItemBlock

__all__ = ["Observer"]


class Observer(Protocol):
    """Is shown every block of items with what all models make of it, once."""

    def observe(self, block: ItemBlock, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Look at the items and at the real outputs of each model, shape (items, *output shape)."""
        ...
