"""The command `zerolite demo`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from zerolite.cli.output import fail, failures_in_one_line, print_json, say
from zerolite.cli.progress import LineProgress, TerminalProgress

__all__ = ["register"]

_PACKAGES = ("jinja2", "matplotlib", "sklearn", "tensorflow")


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="demo")(_demo)


def _demo(
    out: Annotated[Path, typer.Option(help="Folder for the models and reports.", file_okay=False)] = Path("build/demo"),
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 25,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the split and the training.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of a table.")] = False,
) -> None:
    """Train on scanned digits, convert to every variant, and compare runtimes on held-out ones.

    Writes the models, report.json and report.html. Fails when zerolite and tf.lite.Interpreter predict
    differently on any test image.
    """
    with failures_in_one_line():
        missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
        if missing:
            raise fail(
                f"the demonstration needs {', '.join(missing)}, not installed here; install with: "
                "pip install 'zerolite[demo]'"
            )
        from zerolite.cli.tables import print_comparison
        from zerolite.demo import DemoSettings, run_demo

        settings = DemoSettings(out=out, epochs=epochs, seed=seed)
        if sys.stderr.isatty():
            with TerminalProgress() as progress:
                report = run_demo(settings, progress)
        else:
            report = run_demo(settings, LineProgress())

        if as_json:
            print_json(report.to_dict())
        else:
            print_comparison(report.comparison)
            say(f"{out / 'report.html'} and {out / 'report.json'} written in {report.seconds:.0f} s.")
        if report.disagreement is not None:
            raise fail(report.disagreement)
        if not as_json:
            say("zerolite and tf.lite.Interpreter predict the same on every test image.")
