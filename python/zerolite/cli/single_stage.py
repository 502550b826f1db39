"""Progress of a command whose work is one stage."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zerolite.cli.terminal_progress import TerminalProgress

__all__ = ["Advance", "progress_bar"]

#: Called as (done, total) while the work goes on; None where the end is not known.
Advance = Callable[[int, int | None], None]


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
