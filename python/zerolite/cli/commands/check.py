"""The command `zerolite check`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from zerolite.cli.options import ModelArgument
from zerolite.cli.output import failures_in_one_line, print_json, say

__all__ = ["register"]


class _Level(str, Enum):
    structure = "structure"
    full = "full"
    isolated = "isolated"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="check")(_check)


def _check(
    model_file: ModelArgument,
    *,
    verify: Annotated[
        _Level,
        typer.Option(
            help="structure: what the model refers to exists and fits. full: also what the kernels of its operators "
            "rely on. isolated: also that a process of its own survives loading and running it."
        ),
    ] = _Level.isolated,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a sentence.")] = False,
) -> None:
    """Say whether a model is sound, and whether it can be loaded; exit code 1 when not."""
    with failures_in_one_line():
        from zerolite import Error, InvalidModelError, load

        sound, reason = True, None
        try:
            load(model_file, verify=verify.value).close()
        except InvalidModelError as error:
            sound, reason = False, str(error)
        except Error as error:  # sound as far as can be seen, and nothing that this runtime can load
            reason = str(error)
        if as_json:
            print_json(
                {
                    "file": str(model_file),
                    "verify": verify.value,
                    "sound": sound,
                    "loads": reason is None,
                    "reason": reason,
                }
            )
        elif reason is None:
            say(f"{model_file} is sound ({verify.value}).")
        else:
            say(" ".join(reason.split()))
        if reason is not None:
            raise typer.Exit(1)
