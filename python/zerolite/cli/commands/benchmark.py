"""The command `zerolite benchmark`."""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING, Annotated, cast

import typer

from zerolite.cli.options import DelegateOption, ModelArgument, delegates_of, renamed_option
from zerolite.cli.output import failures_in_one_line, print_csv, print_json, print_table, wrong_use
from zerolite.cli.progress import progress_bar

if TYPE_CHECKING:
    from zerolite.benchmarking import BenchmarkResult, InputValues, Ratio, RuntimeResult, Timing

__all__ = ["register"]

_MEBIBYTE = 2**20
_LATENCY_COLUMNS = ("min", "p50", "p90", "p95", "p99", "max", "std")
_TITLES = {
    "call": "array in to array out",
    "invoke": "running alone",
    "start_to_first_result_ms": "process start to first result",
    "import_ms": "import",
    "load_ms": "load",
    "first_inference_ms": "first inference",
    "peak_rss_bytes": "peak memory",
}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="benchmark")(_benchmark)


def _benchmark(
    model_file: ModelArgument,
    *,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads that a run uses, in every runtime.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Run batches through a pool of so many replicas, one thread each.")
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Items of one call, run with map.")] = None,
    signature: Annotated[
        str | None, typer.Option(metavar="NAME", help="The signature to run, if not the default.")
    ] = None,
    delegate: DelegateOption = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Runtimes to compare with, in turns: tf, litert, compiled_model, tflite_runtime, openvino.",
        ),
    ] = "",
    inputs: Annotated[str, typer.Option(metavar="random|zeros", help="What the inputs are filled with.")] = "random",
    seed: Annotated[int, typer.Option(min=0, help="Seed of random inputs.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.0, help="Time for each kind of call, in each runtime.")] = 1.0,
    turns: Annotated[int, typer.Option(min=1, help="How many turns the time is divided into.")] = 20,
    rounds: Annotated[int | None, typer.Option(min=1, hidden=True)] = None,
    warmup_s: Annotated[float, typer.Option(min=0.0, help="Seconds of untimed calls before.")] = 0.2,
    warmup: Annotated[float | None, typer.Option(min=0.0, hidden=True)] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=0, help="Fresh processes of each runtime for loading, first inference and memory; 0 for none."
        ),
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of tables.")] = False,
) -> None:
    """Measure latencies, throughput, loading, first inference and memory, alone or beside other runtimes.

    Times are those of a tight loop in this process; loading, first inference and memory are those of fresh processes.
    With --against, runtimes take turns, and the ratios are taken turn by turn; with openvino among them, each in a
    process of its own, over zeros.
    """
    if as_json and as_csv:
        raise wrong_use("Choose one of --json and --csv.", param_hint="--csv")
    names = [name.strip() for name in against.split(",") if name.strip()]
    delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite.benchmarking import benchmark

        if "compiled_model" in names:
            atexit.register(_end_quietly)
        with progress_bar("benchmark") as advance:
            result = benchmark(
                model_file,
                threads=threads,
                workers=workers,
                batch=batch,
                signature=signature,
                delegates=delegates,
                against=names,
                inputs=cast("InputValues", inputs),  # checked there
                seed=seed,
                seconds=seconds,
                turns=renamed_option("--turns", turns, "--rounds", rounds),
                warmup_s=renamed_option("--warmup-s", warmup_s, "--warmup", warmup),
                processes=processes,
                progress=advance,
            )
        if as_json:
            print_json(result.to_dict())
        elif as_csv:
            print_csv(result.to_csv())
        else:
            _print_tables(result)


def _end_quietly() -> None:
    """LiteRT's `CompiledModel` says goodbye on stderr from C++ when the process ends, after everything else."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)


def _print_tables(result: BenchmarkResult) -> None:
    batch = result.settings["batch"]
    for figure in ("call", "invoke"):
        timed = [(one.runtime, timing) for one in result.runtimes if (timing := _timing(one, figure)) is not None]
        if timed:
            items = f", {batch} items a call" if batch else ""
            print_table(
                ("", "per call / µs", *_LATENCY_COLUMNS, "items/s"),
                [_timing_line(name, timing) for name, timing in timed],
                title=f"{_TITLES[figure]}{items}",
            )
    _print_first_results(result)
    _print_ratios(result)


def _timing(result: RuntimeResult, figure: str) -> Timing | None:
    return result.call if figure == "call" else result.invoke


def _timing_line(name: str, timing: Timing) -> tuple[str, ...]:
    latency = timing.latency_us()
    return (
        name,
        _number(timing.per_call_us),
        *(_number(latency[statistic]) for statistic in _LATENCY_COLUMNS),
        f"{timing.items_per_second:,.0f}",
    )


def _print_first_results(result: BenchmarkResult) -> None:
    lines = [
        (
            one.runtime,
            *(
                f"{one.first_result.median(figure):,.1f}"
                for figure in ("start_to_first_result_ms", "import_ms", "load_ms", "first_inference_ms")
            ),
            f"{one.first_result.median('peak_rss_bytes') / _MEBIBYTE:,.1f}",
        )
        for one in result.runtimes
        if one.first_result is not None
    ]
    if lines:
        print_table(
            ("", "to first result / ms", "import", "load", "first inference", "peak memory / MiB"),
            lines,
            title=f"fresh processes, median of {result.settings['processes']}",
        )


def _print_ratios(result: BenchmarkResult) -> None:
    from zerolite.benchmarking import RATIO_FIGURES

    lines = [
        _ratio_line(name, figure, ratio)
        for name in result.others
        for figure in RATIO_FIGURES
        if (ratio := result.ratio(name, figure)) is not None
    ]
    if lines:
        print_table(
            ("zerolite /", "of", "median", "q1", "q3", "min", "max"),
            lines,
            title="ratios, turn by turn; below 1 zerolite takes less",
            left=2,
        )


def _ratio_line(name: str, figure: str, ratio: Ratio) -> tuple[str, ...]:
    values = (ratio.median, *ratio.quartiles, *ratio.range)
    return (name, _TITLES[figure], *(f"{value:.3f}" for value in values))


def _number(value: float) -> str:
    """Three digits where there are fewer before the point."""
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"  # noqa: PLR2004
