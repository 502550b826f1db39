"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from zerolite.cli.output import console, say
from zerolite.cli.printable import printable

__all__ = ["Advance", "LineProgress", "TerminalProgress", "progress_bar"]

_SECONDS_BETWEEN_REFRESHES = 0.1

#: Called as (done, total) while the work goes on; None where the end is not known.
Advance = Callable[[int, int | None], None]


class LineProgress:
    """Writes a line on stderr when a stage begins and at each quarter of it."""

    def __init__(self) -> None:
        self._title = ""
        self._total = 0
        self._quarters = 0

    def stage(self, title: str, total: int) -> None:
        """A stage of `total` steps begins."""
        self._title, self._total, self._quarters = title, total, 0
        say(f"{title} ...", stderr=True)

    def advance_to(self, done: int) -> None:
        """`done` steps of the stage are behind us."""
        quarters = 4 * done // max(self._total, 1)
        if quarters > self._quarters:
            self._quarters = quarters
            say(f"{self._title}: {done} of {self._total}", stderr=True)


class TerminalProgress:
    """Context manager: one bar per stage on stderr; a finished stage's bar stays."""

    def __init__(self) -> None:
        # Drawn only when a step is done: a thread that redraws would compete with what is timed.
        self._bars = Progress(
            TextColumn("{task.description:<32}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console(stderr=True),
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
        self._bar = self._bars.add_task(printable(title), total=total)
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


@contextmanager
def progress_bar(title: str) -> Iterator[Advance | None]:
    """A function that draws a bar called `title` on stderr from its first call on; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with TerminalProgress() as bars:
        begun = False

        def advance(done: int, total: int | None) -> None:
            nonlocal begun
            if not begun:
                bars.stage(title, total)
                begun = True
            bars.advance_to(done, total)  # images that are skipped make the total smaller

        yield advance
