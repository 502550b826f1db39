"""Progress on a terminal: a bar."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["TerminalProgress"]

_SECONDS_BETWEEN_REFRESHES = 0.1


class TerminalProgress:
    """Context manager: one bar per stage on stderr; a finished stage's bar stays."""

    def __init__(self) -> None:
        # Drawn only when a stage tells of a step: a thread that redraws would compete with what is timed.
        self._bars = Progress(
            TextColumn("{task.description:<32}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar: TaskID | None = None
        self._total: int | None = 0
        self._refreshed = 0.0

    def __enter__(self) -> TerminalProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, title: str, total: int | None) -> None:
        """A stage of `total` steps begins; None where nobody knows how many."""
        self._bar = self._bars.add_task(title, total=total)
        self._total = total
        self._refresh()

    def advance_to(self, done: int, total: int | None = None) -> None:
        """`done` steps of the stage are behind us; `total` corrects how many there are."""
        if self._bar is None:
            return
        if total is not None:
            self._total = total
        self._bars.update(self._bar, completed=done, total=self._total)
        if done == self._total or time.monotonic() - self._refreshed >= _SECONDS_BETWEEN_REFRESHES:
            self._refresh()

    def _refresh(self) -> None:
        self._bars.refresh()
        self._refreshed = time.monotonic()
