"""What commands print: tables for people and JSON for programs on stdout, failures on stderr."""

from __future__ import annotations

import csv
import io
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

from zerolite.cli.printable import printable, unfiltered

__all__ = [
    "console",
    "fail",
    "failures_in_one_line",
    "print_csv",
    "print_json",
    "print_json_line",
    "print_table",
    "say",
    "wrong_use",
]

# Without a terminal there is no width to fit; a line is then as long as it needs to be, up to this.
_FILE_WIDTH = 200
# What the package raises with a message that is meant to be read; anything else is a bug, named by its type.
_EXPECTED = (OSError, ValueError, TypeError, ImportError, RuntimeError)


def console(*, stderr: bool = False) -> Console:
    """What draws on stdout or stderr; text from outside must be made printable before it gets there."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=unfiltered(stream), width=None if stderr or stream.isatty() else _FILE_WIDTH)


def say(line: str, *, stderr: bool = False) -> None:
    """Print one line, with what a terminal would obey or hide made visible, ends of lines within it as well."""
    typer.echo(printable(line), err=stderr)


def print_csv(table: str) -> None:
    """Print CSV with what a terminal would obey or hide made visible in every cell; names are exact in JSON."""
    shown = io.StringIO()
    rows = csv.reader(io.StringIO(table, newline=""))
    csv.writer(shown, lineterminator="\n").writerows([printable(cell) for cell in row] for row in rows)
    typer.echo(shown.getvalue(), nl=False)


def print_json(document: Any) -> None:
    """Print `document` as indented JSON, whose own escapes keep text from outside exact and harmless."""
    typer.echo(json.dumps(document, indent=2, allow_nan=False))


def print_json_line(document: Any) -> None:
    """Print `document` as JSON in one line, of many that come while the work goes on."""
    typer.echo(json.dumps(document, allow_nan=False))


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
    # Names come from files: as Text they are never read as markup, and made printable they command no terminal.
    table = Table(
        title=None if title is None else Text(printable(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for place, heading in enumerate(headings):
        table.add_column(
            Text(printable(heading)),
            justify="left" if place < left else "right",
            overflow="fold",
            no_wrap=place >= shortened > 0,
        )
    for line in lines:
        table.add_row(
            *(
                Text(printable(cell), no_wrap=True, overflow="ellipsis") if place < shortened else Text(printable(cell))
                for place, cell in enumerate(line)
            )
        )
    console().print(table)


def fail(message: str) -> typer.Exit:
    """Print what went wrong on stderr, and return the exception to raise."""
    say(f"zerolite: {' '.join(message.split())}", stderr=True)
    return typer.Exit(1)


def wrong_use(message: str, *, param_hint: str | None = None) -> typer.BadParameter:
    """The exception to raise for an option or argument that does not fit, possibly the model: exit code 2."""
    return typer.BadParameter(printable(message), param_hint=param_hint)


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
        if isinstance(error, MemoryError):
            raise fail(f"there is not enough memory{f': {error}' if str(error) else ''}") from error
        if isinstance(error, _EXPECTED) and str(error):
            raise fail(str(error)) from error
        raise fail(
            f"unexpected {type(error).__name__}: {error} (set ZEROLITE_TRACEBACK=1 for the traceback)"
        ) from error
