"""How the demonstration tells what it is at."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress"]


class Progress(Protocol):
    """Told about stages, one after another."""

    def stage(self, title: str, total: int) -> None:
        """A stage of `total` steps begins; the one before is over."""
        ...

    def advance_to(self, done: int) -> None:
        """`done` steps of the stage are behind us."""
        ...
