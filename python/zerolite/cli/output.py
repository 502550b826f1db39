"""What commands print: tables for people and JSON for programs on stdout, failures on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["fail", "failures_in_one_line", "print_json", "print_table"]

# Without a terminal there is no width to fit; a line is then as long as it needs to be, up to this.
_FILE_WIDTH = 200
# What the package raises with a message that is meant to be read; anything else is a bug, named by its type.
_EXPECTED = (OSError, ValueError, TypeError, ImportError, RuntimeError)


def print_json(document: Any) -> None:
    """Print `document` as indented JSON."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def print_table(
    headings: Sequence[str],
    lines: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    left: int = 1,
    shortened: int = 0,
) -> None:
    """Print a table whose first `left` columns are words, set to the left, and whose others are numbers.

    Where a terminal is too narrow, cells are folded; those of the first `shortened` columns are cut instead, so that a
    line of the table stays a line.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_FILE_WIDTH)
    # Names come from files: as Text they are never read as markup.
    table = Table(
        title=None if title is None else Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for place, heading in enumerate(headings):
        table.add_column(
            Text(heading),
            justify="left" if place < left else "right",
            overflow="fold",
            no_wrap=place >= shortened > 0,
        )
    for line in lines:
        table.add_row(
            *(
                Text(cell, no_wrap=True, overflow="ellipsis") if place < shortened else Text(cell)
                for place, cell in enumerate(line)
            )
        )
    console.print(table)


def fail(message: str) -> typer.Exit:
    """Print what went wrong on stderr, and return the exception to raise."""
    typer.echo(f"zerolite: {' '.join(message.split())}", err=True)
    return typer.Exit(1)


@contextmanager
def failures_in_one_line() -> Iterator[None]:
    """Turn any error of the block into one line and exit code 1.

    With the environment variable ZEROLITE_TRACEBACK set, errors keep their traceback.
    """
    try:
        yield
    except Exception as error:
        # Typer's own exceptions (Exit, BadParameter) are part of its control flow.
        own = type(error).__module__.partition(".")[0] in ("click", "typer")
        if own or os.environ.get("ZEROLITE_TRACEBACK"):
            raise
        if isinstance(error, _EXPECTED) and str(error):
            raise fail(str(error)) from error
        raise fail(
            f"unexpected {type(error).__name__}: {error} (set ZEROLITE_TRACEBACK=1 for the traceback)"
        ) from error
