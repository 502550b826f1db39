"""The command `zerolite tune`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zerolite.cli.options import ModelArgument, SignatureOption
from zerolite.cli.output import failures_in_one_line, print_json, print_table, say
from zerolite.cli.progress import progress_bar

if TYPE_CHECKING:
    from zerolite.tuning import Trial, TuningResult

__all__ = ["register"]


class _Goal(str, Enum):
    latency = "latency"
    throughput = "throughput"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="tune")(_tune)


def _tune(
    model_file: ModelArgument,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="An .npz or .npy file with inputs, or a folder of images by class; random inputs without it.",
            exists=True,
        ),
    ] = None,
    goal: Annotated[
        _Goal, typer.Option(help="latency: the time of a call. throughput: items of a batch, with replicas as well.")
    ] = _Goal.latency,
    budget: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long it may take.")] = 10.0,
    signature: SignatureOption = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0, help="How far real outputs may be from the default's, as a part of an output's largest value."
        ),
    ] = 1e-4,
    steps: Annotated[
        int, typer.Option(min=0, help="How far quantized outputs may be from the default's, in quantization steps.")
    ] = 1,
    max_threads: Annotated[
        int | None, typer.Option(min=1, help="Threads at once, in all replicas; all usable cores if not given.")
    ] = None,
    max_workers: Annotated[
        int | None, typer.Option(min=1, help="Replicas at most; 1 for a file that zl.load can apply.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the setting as JSON, for zl.load(..., tuned=FILE).")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw what was tried: .svg, .png or .pdf.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Find the fastest threads, kernels, flags, chunks and replicas for a model on this machine, with the same results.

    Settings are timed in turns with the default, which is kept where none beats it.
    """
    with failures_in_one_line():
        from zerolite._platform.files import check_writable_target
        from zerolite._plots.plottable import check_plot_target
        from zerolite.tuning import tune

        if save is not None:
            check_writable_target(save)
        if plot is not None:
            check_plot_target(plot)
        with progress_bar("tune") as advance:
            result = tune(
                model_file,
                data,
                goal=goal.value,
                budget_s=budget,
                signature=signature,
                tolerance=tolerance,
                steps=steps,
                max_threads=max_threads,
                max_workers=max_workers,
                progress=advance,
            )
        # First what can be used again: drawing needs an extra.
        if save is not None:
            result.save(save)
        if plot is not None:
            result.save_plot(plot)
        if as_json:
            written = {"save": save, "plot": plot}
            print_json({**result.to_dict(), **{name: path and str(path) for name, path in written.items()}})
            return
        _print(result)
        for path in (save, plot):
            if path is not None:
                say(f"{path} written.")


def _print(result: TuningResult) -> None:
    order = {"measured": 0, "differs": 1, "failed": 2, "untried": 3}
    trials = sorted(
        result.trials,
        key=lambda trial: (order[trial.outcome], 1.0 if trial.ratio is None else trial.ratio.median),
    )
    print_table(
        ("setting", "what came of it", "per item / us", "of the default's time", "q1", "q3", "load / ms"),
        [_line(trial, won=trial.setting == result.setting) for trial in trials],
        title=f"{result.goal} of {result.model}, {result.signature}",
        left=2,
    )
    say(f"{result.elapsed_s:.1f} s. {result}.")


def _line(trial: Trial, *, won: bool) -> tuple[str, ...]:
    outcome = "chosen" if won else "not chosen" if trial.outcome == "measured" else trial.reason
    if trial.setting.is_default and not won:
        outcome = "compared with"
    time = "-" if trial.per_item_us is None else f"{trial.per_item_us:,.2f}"
    load = "-" if trial.load_s is None else f"{1e3 * trial.load_s:,.1f}"
    if trial.ratio is None:
        return (str(trial.setting), outcome, time, "-", "-", "-", load)
    low, high = trial.ratio.quartiles
    return (str(trial.setting), outcome, time, f"{trial.ratio.median:.3f}", f"{low:.3f}", f"{high:.3f}", load)
