"""The application that the commands register with."""

from __future__ import annotations

import typer

from zerolite.cli import (
    benchmark_command,
    check_command,
    classify_command,
    compare_command,
    convert_command,
    demo_command,
    evaluate_command,
    info_command,
    layers_command,
    profile_command,
    run_command,
    tune_command,
)

__all__ = ["build_app"]

_COMMANDS = (
    info_command,
    convert_command,
    run_command,
    evaluate_command,
    compare_command,
    classify_command,
    benchmark_command,
    profile_command,
    layers_command,
    tune_command,
    check_command,
    demo_command,
)


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
    def _group() -> None: ...

    for command in _COMMANDS:
        command.register(app)
    return app
