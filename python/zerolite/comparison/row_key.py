"""What tells one row from another."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["RowKey"]


class RowKey(NamedTuple):
    """A model in a runtime."""

    model: str
    runtime: str

    @property
    def name(self) -> str:
        """Both in one string; the runtime alone where the model is called like it."""
        return self.model if self.model == self.runtime else f"{self.model} in {self.runtime}"
