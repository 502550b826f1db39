"""The command `zerolite profile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zerolite.cli.inputs import fill_inputs
from zerolite.cli.options import (
    DelegateOption,
    InputOption,
    ModelArgument,
    SignatureOption,
    chosen_signature,
    delegates_of,
)
from zerolite.cli.output import failures_in_one_line, print_csv, print_json, print_table, say, wrong_use
from zerolite.cli.progress import progress_bar

if TYPE_CHECKING:
    from zerolite._instrumentation import Profile

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="profile")(_profile)


def _profile(
    model_file: ModelArgument,
    *,
    inputs: InputOption = None,
    runs: Annotated[int, typer.Option(min=1, help="How many runs are profiled.")] = 50,
    signature: SignatureOption = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads that a run uses.")] = None,
    delegate: DelegateOption = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all runs in the Trace Event Format, which ui.perfetto.dev opens."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Measure where the time of a run goes, operator by operator; and what the measuring adds.

    Over inputs from files as in `zerolite run`, or over zeros where none are given.
    """
    if as_json and as_csv:
        raise wrong_use("Choose one of --json and --csv.", param_hint="--csv")
    delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite import load
        from zerolite._platform.files import check_writable_target

        if trace is not None:
            check_writable_target(trace)
        with load(model_file, delegates=delegates, threads=threads) as model:
            chosen = chosen_signature(model, signature)
            if inputs:
                fill_inputs(chosen, inputs)
            with progress_bar("profile") as advance:
                profile = chosen.profile(runs=runs, progress=advance)
        if trace is not None:
            profile.save_trace(trace)
        if as_json:
            print_json({**profile.to_dict(), "trace": None if trace is None else str(trace)})
        elif as_csv:
            print_csv(profile.to_csv())
        else:
            _print(profile)
            if trace is not None:
                say(f"{trace} written.")


def _print(profile: Profile) -> None:
    print_table(
        ("name", "type", "delegate", "count", "total / ms", "mean / us", "share"),
        [
            (
                one.name.partition(";")[0],  # the tensor itself; names of operators fused into it follow
                one.type,
                one.delegate,
                f"{one.count:,}",
                f"{one.total_us / 1000:,.3f}",
                f"{one.mean_us:,.2f}",
                f"{one.share:.1%}",
            )
            for one in profile.operators
        ],
        left=3,
        shortened=2,
    )
    say(profile.summary)
