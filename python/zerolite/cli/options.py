"""The options of the commands that run models over data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

__all__ = [
    "BatchOption",
    "ClassNamesOption",
    "JsonOption",
    "LabelsOption",
    "MetricsOption",
    "OutputOption",
    "PreprocessingOption",
    "ResamplingOption",
    "RoundsOption",
    "SkipCorruptOption",
    "ThreadsOption",
    "class_names_of",
    "resampling_of",
]

_Resampling = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]

LabelsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Labels in an .npy file, where they are not with the data.", exists=True),
]
MetricsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="accuracy, top-K, confusion_matrix, precision, recall, f1, per_class, mse, mae, r2 or mean_iou. "
        "Repeatable; accuracy if none is given.",
    ),
]
OutputOption = Annotated[
    str | None, typer.Option("--output", metavar="NAME", help="The output to read, where there are several.")
]
BatchOption = Annotated[int | None, typer.Option(min=1, help="Items of one timed call, run in the native loop.")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Threads that a run uses.")]
RoundsOption = Annotated[int, typer.Option(min=1, help="How often the items are run; latencies are of all rounds.")]
PreprocessingOption = Annotated[
    str,
    typer.Option(metavar="NAME", help="Of images: a Keras application such as mobilenet_v2, or none, unit, tf."),
]
ResamplingOption = Annotated[
    str, typer.Option(metavar="NAME", help=f"Of images, when they are resized: {', '.join(get_args(_Resampling))}.")
]
SkipCorruptOption = Annotated[
    bool, typer.Option("--skip-corrupt", help="Leave out images that can't be decoded, instead of failing.")
]
ClassNamesOption = Annotated[
    Path | None,
    typer.Option(
        "--class-names",
        metavar="FILE",
        help="The classes' names in the order of the outputs, one a line, if the order is not alphabetical.",
        exists=True,
        dir_okay=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def class_names_of(file: Path | None) -> list[str] | None:
    """The names in the file of --class-names; None without one."""
    if file is None:
        return None
    from zerolite.vision import load_labels

    return load_labels(file)


def resampling_of(word: str) -> _Resampling:
    """The word of --resampling, checked.

    Raises:
        typer.BadParameter: there is no such resampling.
    """
    for known in get_args(_Resampling):
        if word == known:
            resampling: _Resampling = known
            return resampling
    raise typer.BadParameter(f"There is {', '.join(get_args(_Resampling))}; came {word!r}.", param_hint="--resampling")
