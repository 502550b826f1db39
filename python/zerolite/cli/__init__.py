"""The command line `zerolite`. Needs the extra "cli"; importing this module does not."""

from __future__ import annotations

import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from zerolite.cli.printable import printable_streams

__all__ = ["main"]

_PACKAGE = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows the program's name; None takes it from `sys.argv`.

    Returns:
        The exit code: 0 for success, 1 for a failure (told in one line on stderr), 2 for wrong use, 143 when it was
        terminated.
    """
    if arguments is None and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)
    with printable_streams(), _warnings_in_one_line():
        return _run(arguments)


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Tell what the package warns of as its failures are told, without the line of code that warned."""
    usual = warnings.formatwarning

    def formatted(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if _PACKAGE in Path(filename).parents:
            return f"zerolite: {' '.join(str(message).split())}\n"
        return usual(message, category, filename, lineno, line)

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _run(arguments: Sequence[str] | None) -> int:
    try:
        from zerolite.cli.app import build_app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("rich", "typer"):
            raise
        sys.stderr.write(
            f"zerolite: the command line needs the package {error.name}, which is not installed; "
            "install it with: pip install 'zerolite[cli]'\n"
        )
        return 1
    try:
        build_app()(args=None if arguments is None else list(arguments), prog_name="zerolite")
    except Exception:  # noqa: BLE001 - the interpreter would print its message as it is
        traceback.print_exc()
        return 1
    except SystemExit as finished:
        return finished.code if isinstance(finished.code, int) else int(finished.code is not None)
    return 0


def _terminated(number: int, _frame: object) -> None:
    """End by an exception, so that temporary files are removed and child processes are ended."""
    sys.exit(128 + number)
