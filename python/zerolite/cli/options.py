"""Options that several commands have, and what their values mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from zerolite._runtime.validation import Reset
from zerolite.cli.model_files import model_file
from zerolite.cli.output import say, wrong_use

if TYPE_CHECKING:
    from zerolite import CompiledModel, Signature
    from zerolite.metadata import Normalization
    from zerolite.operators import CustomOp

__all__ = [
    "BatchOption",
    "ClassNamesOption",
    "CustomOpOption",
    "DelegateOption",
    "InputOption",
    "JsonOption",
    "LabelsOption",
    "MetricsOption",
    "ModelArgument",
    "ModelsArgument",
    "NormalizationOption",
    "OutputOption",
    "PackedLabelsOption",
    "PreprocessingOption",
    "ResamplingOption",
    "ResetOption",
    "RoundsOption",
    "ScaledDecodingOption",
    "SignatureOption",
    "SizeOption",
    "SkipCorruptOption",
    "ThreadsOption",
    "ThresholdOption",
    "VoidOption",
    "chosen_signature",
    "class_names_of",
    "custom_ops_of",
    "delegates_of",
    "normalization_of",
    "renamed_option",
    "resampling_of",
    "reset_of",
    "size_of",
    "void_of",
]

_Resampling = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]

LabelsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Labels in an .npy file, where they are not with the data.", exists=True),
]
NormalizationOption = Annotated[
    str | None,
    typer.Option(
        metavar="MEAN,STD",
        help="Into the metadata: how counts from 0 to 255 become the input, minus MEAN, divided by STD; or a mean for "
        "each channel and then a deviation for each.",
    ),
]
PackedLabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Into the metadata: the classes' names, from a text file, .json, .csv, .pbtxt or a .tflite file.",
        exists=True,
        dir_okay=False,
    ),
]
MetricsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Of classes: accuracy, balanced_accuracy, top-K, confusion_matrix, precision, recall, f1 (each also "
        "with _binary), per_class. Of several labels: subset_accuracy, hamming_loss, per_label, and precision, recall, "
        "f1 or jaccard with _micro, _macro, _weighted or _samples. Of the order of scores: roc_auc, average_precision. "
        "Of numbers: mse, rmse, mae, r2. Of pixels: mean_iou, pixel_accuracy. Repeatable; accuracy if none is given.",
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
SizeOption = Annotated[
    str | None,
    typer.Option(
        metavar="HEIGHTxWIDTH",
        help="Of images, for a model that leaves it open; without it such a model takes each picture in its own size.",
    ),
]
ResamplingOption = Annotated[
    str, typer.Option(metavar="NAME", help=f"Of images, when they are resized: {', '.join(get_args(_Resampling))}.")
]
ScaledDecodingOption = Annotated[
    bool,
    typer.Option(
        "--scaled-decoding",
        help="Decode large JPEG files at a part of their size: faster, with slightly other numbers.",
    ),
]
CustomOpOption = Annotated[
    list[str] | None,
    typer.Option(
        "--custom-op",
        metavar="NAME=LIBRARY",
        help="The kernel of a custom operator: the operator's name, and the .so file with its function Register_NAME. "
        "Repeatable.",
    ),
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
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        metavar="SCORE",
        help="The score above which a single score is class 1, or one of several labels applies; if not given, 0.5 for "
        "probabilities and 0 for logits.",
    ),
]
VoidOption = Annotated[
    str,
    typer.Option(
        metavar="NUMBER",
        help="Of masks: the number of pixels that don't count, none, or auto: 255, unless a mask for two classes has "
        "no other number than 0 and 255.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
_CPU: Mapping[str, Mapping[str, Any]] = {
    "xnnpack": {},
    "xnnpack-dequantized": {"weights": "dequantized"},
    "builtin": {"kernels": "builtin"},
    "reference": {"kernels": "reference"},
}

_DELEGATE_HELP = (
    "Where the model runs: xnnpack, builtin or reference (kernels on the CPU), xnnpack-dequantized (float32 weights "
    "where XNNPACK is faster with them), openvino, gpu, npu, or the .so file of an external delegate. Repeatable, in "
    "order of preference."
)
DelegateOption = Annotated[list[str] | None, typer.Option("--delegate", metavar="NAME", help=_DELEGATE_HELP)]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A .tflite file, or hf://owner/name/file.tflite.", parser=model_file)
]
ModelsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL...", help="One .tflite file or more, also as hf://owner/name/file.tflite.", parser=model_file
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="[NAME=]VALUE",
        help="What goes into an input, by name when there are several: an .npy or .csv file, a picture, - for the "
        "standard input, or the value itself, as 3 or [[1, 2]]; or an .npz file with all inputs by name. Repeatable.",
    ),
]
SignatureOption = Annotated[
    str | None, typer.Option("--signature", metavar="NAME", help="The signature to run, if not the default.")
]


def renamed_option(name: str, value: Any, old_name: str, old_value: Any) -> Any:
    """What was given by the option's name or, with a word on stderr, by the name that it had until zerolite 0.1."""
    if old_value is None:
        return value
    say(f"zerolite: {old_name} is called {name} now, and the old name ends with zerolite 0.3.", stderr=True)
    return old_value


def class_names_of(file: Path | None) -> list[str] | None:
    """The names in the file of --class-names; None without one."""
    if file is None:
        return None
    from zerolite.vision import load_labels

    return load_labels(file)


def custom_ops_of(words: Sequence[str] | None) -> list[CustomOp] | None:
    """The kernels that the words of --custom-op name; None for no words.

    Raises:
        typer.BadParameter: a word is no name and library.
    """
    from zerolite.operators import CustomOp

    found = []
    for word in words or ():
        name, _, library = word.partition("=")
        if not (name and library):
            raise wrong_use(
                f"Came {word!r}; give the operator's name and its library, as NAME=LIBRARY.", param_hint="--custom-op"
            )
        # What is a file here is no name that the loader looks for elsewhere.
        found.append(CustomOp(name, Path(library).absolute() if Path(library).is_file() else library))
    return found or None


def normalization_of(words: str | None) -> Normalization | None:
    """The numbers of --normalization: all means, then all deviations.

    Raises:
        typer.BadParameter: they are no normalization.
    """
    if words is None:
        return None
    from zerolite.metadata import Normalization

    try:
        numbers = [float(word) for word in words.split(",")]
    except ValueError:
        numbers = []
    half, odd = divmod(len(numbers), 2)
    if odd or not half:
        raise wrong_use(
            f"It is MEAN,STD, as 127.5,127.5, or a mean and then a deviation for each channel; came {words!r}.",
            param_hint="--normalization",
        )
    try:
        return Normalization(tuple(numbers[:half]), tuple(numbers[half:]))
    except ValueError as error:
        raise wrong_use(f"{error}.", param_hint="--normalization") from None


def resampling_of(word: str) -> _Resampling:
    """The word of --resampling, checked.

    Raises:
        typer.BadParameter: there is no such resampling.
    """
    resampling: _Resampling = _one_of(get_args(_Resampling), word, "--resampling")
    return resampling


def size_of(word: str | None) -> tuple[int, int] | None:
    """Height and width of --size.

    Raises:
        typer.BadParameter: it is no such pair.
    """
    if word is None:
        return None
    height, _, width = word.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) > 0 and int(width) > 0):
        raise wrong_use(f"Came {word!r}; give height and width in pixels, as 224x224.", param_hint="--size")
    return int(height), int(width)


def reset_of(word: str) -> Reset:
    """The word of --reset, checked.

    Raises:
        typer.BadParameter: there is no such rule.
    """
    rule: Reset = _one_of(get_args(Reset), word, "--reset")
    return rule


def void_of(word: str) -> int | Literal["auto"] | None:
    """The word of --void, checked.

    Raises:
        typer.BadParameter: it is no number and no such word.
    """
    if word == "auto":
        return "auto"
    if word == "none":
        return None
    try:
        return int(word)
    except ValueError:
        raise wrong_use(f"There is auto, none and numbers; came {word!r}.", param_hint="--void") from None


def _one_of(words: tuple[Any, ...], word: str, option: str) -> Any:
    for known in words:
        if word == known:
            return known
    raise wrong_use(f"There is {', '.join(words)}; came {word!r}.", param_hint=option)


def delegates_of(words: Sequence[str]) -> list[Any] | None:
    """The delegates that the words name; None for no words.

    Raises:
        typer.BadParameter: a word names no delegate.
    """
    import zerolite

    delegates: list[Any] = []
    for word in words:
        if word in _CPU:
            delegates.append(zerolite.XNNPack(**_CPU[word]))
        elif word == "gpu":
            delegates.append(zerolite.Gpu())
        elif word == "npu":
            delegates.append(zerolite.Npu())
        elif word == "openvino":
            delegates.append(zerolite.OpenVino())
        elif word.endswith(".so"):
            delegates.append(zerolite.ExternalDelegate(word))
        else:
            known = ", ".join([*_CPU, "openvino", "gpu", "npu"])
            raise wrong_use(
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
        raise wrong_use(f"{error}.", param_hint="--signature") from None
