"""The command `zerolite evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from zerolite.cli.limits import MaxOption, MinOption, check_metrics, limits_of
from zerolite.cli.model_files import model_file_or_folder
from zerolite.cli.options import (
    BatchOption,
    ClassNamesOption,
    CustomOpOption,
    DelegateOption,
    JsonOption,
    LabelsOption,
    MetricsOption,
    OutputOption,
    PreprocessingOption,
    ResamplingOption,
    ResetOption,
    RoundsOption,
    SignatureOption,
    SizeOption,
    SkipCorruptOption,
    ThreadsOption,
    ThresholdOption,
    VoidOption,
    chosen_signature,
    class_names_of,
    custom_ops_of,
    delegates_of,
    resampling_of,
    reset_of,
    size_of,
    void_of,
)
from zerolite.cli.output import failures_in_one_line, print_json, print_table, say, wrong_use
from zerolite.cli.progress import progress_bar
from zerolite.cli.tables import print_skipped

if TYPE_CHECKING:
    from zerolite.delegates import Delegate
    from zerolite.evaluation import EvaluationResult
    from zerolite.operators import CustomOp

__all__ = ["register"]

# More classes would be wider than any terminal.
_WIDEST_MATRIX = 20
# What a task is evaluated with; all other options are for tensors.
_OPTIONS_OF_ALL = (
    "model_file",
    "data",
    "task",
    "metric",
    "delegate",
    "threads",
    "custom_op",
    "least",
    "greatest",
    "as_json",
)
_OPTIONS_OF_TASKS = {
    "detect": ("labels", "class_names", "size", "preprocessing", "skip_corrupt"),
    "text": ("class_names",),
    "answer": (),
}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="evaluate")(_evaluate)


def _evaluate(
    context: typer.Context,
    model_file: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A .tflite, .keras, .h5 or .hdf5 file.", parser=model_file_or_folder),
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="An .npz file with inputs and labels, an .npy file, or a folder of images with one folder for each "
            "class; with --task what that says.",
            exists=True,
        ),
    ],
    *,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="Judge answers instead of tensors: detect (DATA is a folder of pictures, --labels annotations in "
            "COCO's format), text (DATA has the columns text and label) or answer (DATA is in SQuAD's format).",
        ),
    ] = None,
    labels: LabelsOption = None,
    metric: MetricsOption = None,
    output: OutputOption = None,
    signature: SignatureOption = None,
    batch: BatchOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Run batches through a pool of so many replicas.")] = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    custom_op: CustomOpOption = None,
    rounds: RoundsOption = 1,
    reset: ResetOption = "item",
    size: SizeOption = None,
    preprocessing: PreprocessingOption = None,
    resampling: ResamplingOption = "nearest",
    skip_corrupt: SkipCorruptOption = False,
    class_names: ClassNamesOption = None,
    threshold: ThresholdOption = None,
    void: VoidOption = "auto",
    least: MinOption = None,
    greatest: MaxOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how right and how quick a model is over data, in the same run."""
    lower_limits, upper_limits = limits_of(least, "--min"), limits_of(greatest, "--max")
    chosen_resampling = resampling_of(resampling)
    chosen_size = size_of(size)
    chosen_reset = reset_of(reset)
    chosen_void = void_of(void)
    delegates = delegates_of(delegate or [])
    custom_ops = custom_ops_of(custom_op)
    if task is not None:
        _check_options_of(task, context)
    with failures_in_one_line():
        if task is not None:
            result = _of_task(
                cast("Any", task),
                model_file,
                data,
                labels,
                metrics=metric,
                skip_corrupt=skip_corrupt,
                size=chosen_size,
                preprocessing=preprocessing,
                class_names=class_names_of(class_names),
                delegates=delegates,
                threads=threads,
                custom_ops=custom_ops,
            )
        else:
            from zerolite.evaluation import evaluate

            with (
                _opened(
                    model_file,
                    signature=signature,
                    workers=workers,
                    delegates=delegates,
                    threads=threads,
                    custom_ops=custom_ops,
                ) as model,
                progress_bar("evaluate") as advance,
            ):
                result = evaluate(
                    model,
                    data,
                    labels,
                    metrics=metric or ["accuracy"],
                    output=output,
                    batch=batch,
                    rounds=rounds,
                    reset=chosen_reset,
                    size=chosen_size,
                    preprocessing=preprocessing,
                    resampling=chosen_resampling,
                    on_corrupt="skip" if skip_corrupt else "raise",
                    class_names=class_names_of(class_names),
                    threshold=threshold,
                    void=chosen_void,
                    keep_outputs=False,
                    progress=advance,
                )
        if as_json:
            print_json({"model": str(model_file), "data": str(data), **result.to_dict()})
        else:
            _print_result(result)
        check_metrics(str(model_file), result.metrics, least=lower_limits, greatest=upper_limits)


def _check_options_of(task: str, context: typer.Context) -> None:
    """Refuse a task that there is not, and options that it has not.

    Raises:
        typer.BadParameter: there is no such task, or an option is for tensors or for another task.
    """
    if task not in _OPTIONS_OF_TASKS:
        raise wrong_use(f"'{task}' is none of {', '.join(_OPTIONS_OF_TASKS)}.", param_hint="--task")
    for option in context.command.params:
        name = option.name or ""
        source = context.get_parameter_source(name)
        if name in (*_OPTIONS_OF_ALL, *_OPTIONS_OF_TASKS[task]) or source is None or source.name == "DEFAULT":
            continue
        others = [other for other, known in _OPTIONS_OF_TASKS.items() if name in known]
        meant = f"--task {' and '.join(others)}" if others else "tensors, without --task"
        raise wrong_use(f"It is for {meant}; leave it out with --task {task}.", param_hint=option.opts[0])


def _of_task(
    task: Literal["detect", "text", "answer"],
    model_file: Path,
    data: Path,
    labels: Path | None,
    *,
    metrics: list[str] | None,
    skip_corrupt: bool,
    **options: Any,
) -> EvaluationResult:
    from zerolite import evaluate_task, tasks

    given = {name: value for name, value in options.items() if value is not None}
    with (
        tasks.load(model_file, task, **given) as one,
        progress_bar("evaluate") as advance,
    ):
        return evaluate_task(
            one, data, labels, metrics=metrics, on_corrupt="skip" if skip_corrupt else "raise", progress=advance
        )


@contextmanager
def _opened(
    model_file: Path,
    *,
    signature: str | None,
    workers: int | None,
    delegates: list[Delegate] | None,
    threads: int | None,
    custom_ops: list[CustomOp] | None,
) -> Iterator[Any]:
    """The model as `evaluate` takes it."""
    from zerolite import Pool, load
    from zerolite._runners.keras_file import is_keras_file

    if is_keras_file(model_file):
        for option, value in (
            ("--signature", signature),
            ("--workers", workers),
            ("--delegate", delegates),
            ("--threads", threads),
            ("--custom-op", custom_ops),
        ):
            if value is not None:
                raise wrong_use(
                    f"It is for .tflite files; convert the model first: zerolite convert {model_file}",
                    param_hint=option,
                )
        yield model_file
    elif model_file.is_dir():
        yield model_file  # which is refused with advice
    elif workers is not None:
        with Pool(
            model_file,
            workers=workers,
            signature=signature,
            delegates=delegates,
            threads=threads,
            custom_ops=custom_ops,
        ) as pool:
            yield pool
    else:
        with load(model_file, delegates=delegates, threads=threads, custom_ops=custom_ops) as model:
            yield chosen_signature(model, signature)


def _print_result(result: EvaluationResult) -> None:
    lines = [("items", f"{result.items:,}")]
    if result.nan_items:
        lines.append(("items answered with NaN", f"{result.nan_items:,}"))
    lines += [(f"saturated of {name}", f"{found.saturated:.2%}") for name, found in result.input_ranges.items()]
    lines += [(name, f"{value:.6g}") for name, value in result.metrics.items() if isinstance(value, float)]
    calls = "" if result.items_per_call == 1 else f" of {result.items_per_call} items"
    lines += [(f"latency{calls} p{percent} / µs", f"{result.latency(percent):,.1f}") for percent in (50, 95, 99)]
    lines.append(("items/s", f"{result.throughput:,.0f}"))
    print_table(("", result.runtime), lines)
    for name, value in result.metrics.items():
        if isinstance(value, Mapping) and all(isinstance(one, float) for one in value.values()):
            print_table(("class", name.replace("_", " ")), [(label, f"{one:.4f}") for label, one in value.items()])
        elif isinstance(value, Mapping):
            _print_classes(value, result.class_names, title=name.replace("per_", "by "))
        elif not isinstance(value, float):
            _print_matrix(name, value.tolist(), result.class_names)
    print_skipped(result)


def _print_classes(scores: Mapping[str, Any], class_names: Sequence[str], *, title: str) -> None:
    from zerolite._runners.classes import class_label

    print_table(
        (title.removeprefix("by "), "precision", "recall", "f1", "items"),
        [
            (
                class_label(int(number), class_names),
                *(f"{one[score]:.4f}" for score in ("precision", "recall", "f1")),
                f"{one['items']:,}",
            )
            for number, one in scores.items()
        ],
        title=title,
    )


def _print_matrix(name: str, counts: Sequence[Sequence[int]], class_names: Sequence[str]) -> None:
    from zerolite._runners.classes import class_label

    if len(counts) > _WIDEST_MATRIX:
        say(f"{name}: {len(counts)} x {len(counts)} counts; --json prints them")
        return
    print_table(
        ("labelled \\ predicted", *(class_label(number, class_names) for number in range(len(counts)))),
        [(class_label(number, class_names), *map(str, row)) for number, row in enumerate(counts)],
        title=name.replace("_", " "),
    )
