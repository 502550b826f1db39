"""Progress where there is no terminal: plain lines."""

from __future__ import annotations

import typer

__all__ = ["LineProgress"]


class LineProgress:
    """Writes a line on stderr when a stage begins and at each quarter of it."""

    def __init__(self) -> None:
        self._title = ""
        self._total = 0
        self._quarters = 0

    def stage(self, title: str, total: int) -> None:
        """A stage of `total` steps begins."""
        self._title, self._total, self._quarters = title, total, 0
        typer.echo(f"{title} ...", err=True)

    def advance_to(self, done: int) -> None:
        """`done` steps of the stage are behind us."""
        quarters = 4 * done // max(self._total, 1)
        if quarters > self._quarters:
            self._quarters = quarters
            typer.echo(f"{self._title}: {done} of {self._total}", err=True)
