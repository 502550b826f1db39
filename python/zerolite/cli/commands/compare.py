"""The command `zerolite compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from zerolite._hub.address import address_of
from zerolite.cli.limits import MaxOption, MinOption, check_differences, check_metrics, limits_of
from zerolite.cli.model_files import model_file
from zerolite.cli.options import (
    BatchOption,
    ClassNamesOption,
    DelegateOption,
    JsonOption,
    LabelsOption,
    MetricsOption,
    OutputOption,
    PreprocessingOption,
    ResamplingOption,
    ResetOption,
    RoundsOption,
    SizeOption,
    SkipCorruptOption,
    ThreadsOption,
    ThresholdOption,
    VoidOption,
    class_names_of,
    delegates_of,
    resampling_of,
    reset_of,
    size_of,
    void_of,
)
from zerolite.cli.output import failures_in_one_line, print_json, say, wrong_use
from zerolite.cli.progress import progress_bar
from zerolite.cli.tables import print_comparison, print_skipped

__all__ = ["register"]

_Runtime = Literal["zerolite", "tf.lite", "ai_edge_litert"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="compare")(_compare)


def _compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]MODEL...",
            help="Files that end in .tflite, .keras, .h5 or .hdf5; the others are compared with the first. A name in "
            "front replaces the file's.",
        ),
    ],
    *,
    data: Annotated[
        Path,
        typer.Option(
            metavar="DATA",
            help="An .npz file with inputs and labels, an .npy file, or a folder of images with one folder for each "
            "class.",
            exists=True,
        ),
    ],
    labels: LabelsOption = None,
    metric: MetricsOption = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What .tflite files run in: zerolite, tf.lite or ai_edge_litert. Repeatable, one row for each.",
        ),
    ] = None,
    output: OutputOption = None,
    batch: BatchOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = 1,
    rounds: RoundsOption = 3,
    reset: ResetOption = "item",
    size: SizeOption = None,
    preprocessing: PreprocessingOption = None,
    resampling: ResamplingOption = "nearest",
    skip_corrupt: SkipCorruptOption = False,
    class_names: ClassNamesOption = None,
    threshold: ThresholdOption = None,
    void: VoidOption = "auto",
    report: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Write a report: .html with plots and pictures, .md or .json. Repeatable."),
    ] = None,
    max_difference: Annotated[
        float | None,
        typer.Option(min=0, help="Exit with code 1 if any output is further from the first model's than this."),
    ] = None,
    least: MinOption = None,
    greatest: MaxOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare models over the same data, in turns: accuracy, latency, throughput, size."""
    lower_limits, upper_limits = limits_of(least, "--min"), limits_of(greatest, "--max")
    sources = _named(models)
    runtimes = _runtimes(runtime or ["zerolite"])
    chosen_resampling = resampling_of(resampling)
    chosen_size = size_of(size)
    chosen_reset = reset_of(reset)
    chosen_void = void_of(void)
    delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite.comparison import compare
        from zerolite.comparison.result import check_report_target

        for path in report or []:
            check_report_target(path)
        with progress_bar("compare") as advance:
            comparison = compare(
                sources,
                data,
                labels,
                metrics=metric or ["accuracy"],
                runtimes=runtimes,
                output=output,
                batch=batch,
                delegates=delegates,
                threads=threads,
                rounds=rounds,
                reset=chosen_reset,
                size=chosen_size,
                preprocessing=preprocessing,
                resampling=chosen_resampling,
                on_corrupt="skip" if skip_corrupt else "raise",
                class_names=class_names_of(class_names),
                threshold=threshold,
                void=chosen_void,
                progress=advance,
            )
        for path in report or []:
            comparison.save(path)
        if as_json:
            print_json(comparison.to_dict())
        else:
            print_comparison(comparison)
            print_skipped(comparison.first.result)
            for path in report or []:
                say(f"{path} written.")
        check_differences(comparison, max_difference)
        for row in comparison.rows:
            check_metrics(row.name, row.result.metrics, least=lower_limits, greatest=upper_limits)


def _named(arguments: Sequence[str]) -> dict[str, Path]:
    """Name -> file; without a name the file's own, without its end."""
    named: dict[str, Path] = {}
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        word = rest if equals and not Path(argument).is_file() else argument
        path = Path(word) if address_of(word) is None else model_file(word)
        if not path.is_file():
            raise wrong_use(f"There is no file {path}.", param_hint="MODEL")
        chosen = name if equals and word == rest else path.stem
        if chosen in named:
            raise wrong_use(f"Two models are called {chosen}; give another name as NAME={path}.", param_hint="MODEL")
        named[chosen] = path
    return named


def _runtimes(words: Sequence[str]) -> list[_Runtime]:
    known: list[_Runtime] = []
    for word in words:
        for runtime in get_args(_Runtime):
            if word == runtime:
                known.append(runtime)
                break
        else:
            raise wrong_use(
                f"There is no runtime {word!r}; there are {', '.join(get_args(_Runtime))}.", param_hint="--runtime"
            )
    return known
