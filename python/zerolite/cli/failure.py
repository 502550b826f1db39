"""How a command fails: one line on stderr and exit code 1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["fail", "failures_in_one_line"]

# What the package raises with a message that is meant to be read; anything else is a bug, named by its type.
_EXPECTED = (OSError, ValueError, TypeError, ImportError, RuntimeError)


def fail(message: str) -> typer.Exit:
    """Tell what went wrong on stderr; raise what this returns."""
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
