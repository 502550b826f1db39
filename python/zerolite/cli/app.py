"""The application that the commands register with."""

from __future__ import annotations

from typing import Annotated

import typer

from zerolite.cli.commands import (
    benchmark,
    check,
    classify,
    compare,
    convert,
    demo,
    evaluate,
    info,
    layers,
    metadata,
    profile,
    run,
    serve,
    tune,
)
from zerolite.cli.commands.tasks import audio, embed, pictures, text
from zerolite.cli.output import say

__all__ = ["build_app"]

_COMMANDS = (
    info,
    metadata,
    convert,
    run,
    evaluate,
    compare,
    classify,
    pictures,
    embed,
    text,
    audio,
    benchmark,
    profile,
    layers,
    tune,
    check,
    serve,
    demo,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from zerolite import __version__, runtime_info

        say(f"zerolite {__version__}, on LiteRT {runtime_info().version}")
        raise typer.Exit


def build_app() -> typer.Typer:
    """The command line with all of its commands."""
    app = typer.Typer(
        help="TensorFlow Lite models from the command line: convert them, look into them, run them, and measure them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    # With a callback the application stays a group of commands, however few there are.
    @app.callback()
    def _group(
        *,
        version: Annotated[
            bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the versions and exit.")
        ] = False,
    ) -> None: ...

    for command in _COMMANDS:
        command.register(app)
    return app
