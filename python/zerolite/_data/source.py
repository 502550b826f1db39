"""Where items come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from zerolite._data.block import ItemBlock

if TYPE_CHECKING:
    from zerolite.vision import ImageError

__all__ = ["ItemSource"]


class ItemSource(Protocol):
    """Items to evaluate models over."""

    @property
    def total(self) -> int | None:
        """How many items there are; None where only the end will tell."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether `blocks` can be asked for more than once."""
        ...

    @property
    def in_memory(self) -> bool:
        """Whether all items are in memory, so that outputs may be, too."""
        ...

    @property
    def class_names(self) -> Sequence[str]:
        """The classes' names; empty where they are not known."""
        ...

    @property
    def skipped(self) -> Sequence[ImageError]:
        """The files that were left out because they are corrupt."""
        ...

    def blocks(self, size: int) -> Iterator[ItemBlock]:
        """All items from the first on, `size` at a time and fewer at the end."""
        ...
