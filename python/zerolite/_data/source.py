"""Where samples come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from zerolite._data.block import SampleBlock

if TYPE_CHECKING:
    from zerolite.vision import ImageError

__all__ = ["SampleSource"]


class SampleSource(Protocol):
    """Samples to evaluate models over."""

    @property
    def total(self) -> int | None:
        """How many samples there are; None where that is known only at the end."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether `blocks` can be asked for more than once."""
        ...

    @property
    def in_memory(self) -> bool:
        """Whether all samples are in memory, so that there is room for the outputs as well."""
        ...

    @property
    def class_names(self) -> Sequence[str]:
        """The classes' names; empty where they are not known."""
        ...

    @property
    def skipped(self) -> Sequence[ImageError]:
        """The files that were left out because they are corrupt."""
        ...

    def blocks(self, size: int) -> Iterator[SampleBlock]:
        """All samples from the first on, `size` at a time and fewer at the end."""
        ...
