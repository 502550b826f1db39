"""Options that several commands have, and what their values mean."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np
import typer
from numpy.typing import NDArray

from zerolite._runtime.validation import Reset

if TYPE_CHECKING:
    from zerolite import CompiledModel, Signature

__all__ = [
    "BatchOption",
    "ClassNamesOption",
    "DelegateOption",
    "InputOption",
    "JsonOption",
    "LabelsOption",
    "MetricsOption",
    "ModelArgument",
    "OutputOption",
    "PreprocessingOption",
    "ResamplingOption",
    "ResetOption",
    "RoundsOption",
    "SignatureOption",
    "SkipCorruptOption",
    "ThreadsOption",
    "chosen_signature",
    "class_names_of",
    "delegates_of",
    "fill_inputs",
    "load_inputs",
    "renamed_option",
    "resampling_of",
    "reset_of",
    "resize_where_open",
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
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Threads that a run uses on the CPU.")]
RoundsOption = Annotated[int, typer.Option(min=1, help="How often the items are run; latencies are of all rounds.")]
ResetOption = Annotated[
    str,
    typer.Option(
        metavar="WHEN",
        help="A model with variables begins anew before each item (item), or the data is one stream (never).",
    ),
]
PreprocessingOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of images: a Keras application such as mobilenet_v2, or none, unit, tf; if not given, what the model's "
        "metadata says.",
    ),
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
_KERNELS = {"xnnpack": "delegate", "builtin": "builtin", "reference": "reference"}

_DELEGATE_HELP = (
    "Where the model runs: xnnpack, builtin or reference (kernels on the CPU), gpu, npu, or the .so file of an "
    "external delegate. Repeatable, in order of preference."
)
DelegateOption = Annotated[list[str] | None, typer.Option("--delegate", metavar="NAME", help=_DELEGATE_HELP)]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A .tflite file.", exists=True, dir_okay=False, readable=True)
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="[NAME=]FILE",
        help="A .npy file for one input, by name when there are several, or an .npz file with all "
        "of them by name. Repeatable.",
    ),
]
SignatureOption = Annotated[
    str | None, typer.Option("--signature", metavar="NAME", help="The signature to run, if not the default.")
]


def renamed_option(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """What was given by the option's name or, with a word on stderr, by the name that it had until zerolite 0.1."""
    if old_value is None:
        return value
    typer.echo(f"zerolite: {old_name} is called {name} now, and the old name goes with zerolite 0.2.", err=True)
    return old_value


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
    resampling: _Resampling = _one_of(get_args(_Resampling), word, "--resampling")
    return resampling


def reset_of(word: str) -> Reset:
    """The word of --reset, checked.

    Raises:
        typer.BadParameter: there is no such rule.
    """
    rule: Reset = _one_of(get_args(Reset), word, "--reset")
    return rule


def _one_of(words: tuple[Any, ...], word: str, option: str) -> Any:
    for known in words:
        if word == known:
            return known
    raise typer.BadParameter(f"There is {', '.join(words)}; came {word!r}.", param_hint=option)


def delegates_of(words: Sequence[str]) -> list[Any] | None:
    """The delegates that the words name; None for no words.

    Raises:
        typer.BadParameter: a word names no delegate.
    """
    import zerolite

    delegates: list[Any] = []
    for word in words:
        if word in _KERNELS:
            delegates.append(zerolite.XNNPack(kernels=_KERNELS[word]))  # type: ignore[arg-type]
        elif word == "gpu":
            delegates.append(zerolite.Gpu())
        elif word == "npu":
            delegates.append(zerolite.Npu())
        elif word.endswith(".so"):
            delegates.append(zerolite.ExternalDelegate(word))
        else:
            known = ", ".join([*_KERNELS, "gpu", "npu"])
            raise typer.BadParameter(
                f"There is no delegate {word!r}; there are {known}, and files that end in .so.", param_hint="--delegate"
            )
    return delegates or None


def chosen_signature(model: CompiledModel, name: str | None) -> CompiledModel | Signature:
    """The signature called `name`; the model itself is its default one.

    Raises:
        typer.BadParameter: there is no such signature.
    """
    from zerolite._inference.model import signature_of

    try:
        return signature_of(model, name)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--signature") from None


def fill_inputs(signature: CompiledModel | Signature, arguments: Sequence[str]) -> None:
    """Put the arrays of files into the inputs, which are resized where their axes are open.

    Raises:
        typer.BadParameter: an argument names no input, or an input is missing or given twice.
        OSError, TypeError, ValueError: a file can't be read, or its arrays do not fit.
    """
    from zerolite import _native

    arrays = load_inputs(arguments, list(signature.inputs))
    resize_where_open(signature, arrays)
    _native.fill_inputs(signature, arrays)


def load_inputs(arguments: Sequence[str], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Input name -> array, complete.

    Raises:
        typer.BadParameter: an argument names no input, or an input is missing or given twice.
        OSError, ValueError: a file can't be read, or holds no arrays.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        named = bool(equals) and name in names
        path = Path(rest if named else argument)
        if not path.is_file():
            raise typer.BadParameter(
                f"There is no file {path}. The model's inputs are {', '.join(names) or 'none'}.",
                param_hint="--input",
            )
        for key, array in _arrays(path).items():
            target = name if named else names[0] if not key and len(names) == 1 else key
            if target not in names:
                came = f"for an input '{key}'" if key else "without a name"
                raise typer.BadParameter(
                    f"{path} holds an array {came}; the model's inputs are {', '.join(names) or 'none'}. "
                    "Name one as NAME=FILE.",
                    param_hint="--input",
                )
            if target in arrays:
                raise typer.BadParameter(f"Input '{target}' came twice.", param_hint="--input")
            arrays[target] = array
    missing = [name for name in names if name not in arrays]
    if missing:
        raise typer.BadParameter(f"Missing for: {', '.join(missing)}.", param_hint="--input")
    return arrays


def resize_where_open(signature: CompiledModel | Signature, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Resize the inputs whose open axes the arrays fill with other sizes."""
    shapes = {}
    for tensor in signature.inputs.values():
        wanted, allowed = arrays[tensor.name].shape, tuple(tensor.shape_signature)
        fits = len(wanted) == len(allowed) and all(
            size in (-1, want) for size, want in zip(allowed, wanted, strict=True)
        )
        if fits and wanted != tuple(tensor.shape):
            shapes[tensor.name] = wanted
    if shapes:
        signature.resize(shapes)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name; "" names the only one of a .npy file. Nothing in it is ever unpickled."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"": content}
            return {name: content[name] for name in content.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no sound .npy or .npz file of plain arrays: {error}") from error
