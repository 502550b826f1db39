"""The command `zerolite convert`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.text import Text

from zerolite.cli.model_files import model_file_or_folder
from zerolite.cli.options import NormalizationOption, PackedLabelsOption, normalization_of
from zerolite.cli.output import console, fail, failures_in_one_line, print_json, print_table, say, wrong_use
from zerolite.cli.printable import printable

if TYPE_CHECKING:
    from zerolite.conversion import ConversionResult

__all__ = ["register"]

_KIBIBYTE = 1024


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="convert")(_convert)


def _convert(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE",
            help="A .keras, .h5 or .hdf5 file, a SavedModel's folder, a .pt2 file, or a float .tflite file.",
            parser=model_file_or_folder,
        ),
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .tflite file to write; by default SOURCE's name here.", dir_okay=False),
    ] = None,
    quantize: Annotated[
        str,
        typer.Option(help="none, fp16, dynamic, int8, int8-float-io, int16x8, weight-only-int8 or weight-only-int4."),
    ] = "none",
    representative_data: Annotated[
        Path | None,
        typer.Option(help="Typical inputs: a .npy or .npz file, or a folder of images.", exists=True),
    ] = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="How images become inputs, as mobilenet_v2; for a folder of them."),
    ] = None,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Leave out images that can't be read instead of failing.")
    ] = False,
    io_dtype: Annotated[
        str | None, typer.Option(metavar="DTYPE", help="Inputs and outputs of int8 (int8, uint8, float32) or int16x8.")
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=1,28,28,1", help="Fix an input's shape. Repeatable.")
    ] = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", metavar="NAME", help="An output to keep. Repeatable.")
    ] = None,
    signatures: Annotated[
        list[str] | None, typer.Option("--signature", metavar="NAME", help="A signature to convert. Repeatable.")
    ] = None,
    select_tf_ops: Annotated[
        bool, typer.Option("--select-tf-ops", help="Let operators with TensorFlow kernels only into the file.")
    ] = False,
    allow_custom_ops: Annotated[
        bool, typer.Option("--allow-custom-ops", help="Let custom operators into the file.")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Compare source and result.")] = True,
    keras_application: Annotated[
        str | None, typer.Option(metavar="NAME", help="Convert a network of Keras, as MobileNetV2, instead of SOURCE.")
    ] = None,
    weights: Annotated[
        str, typer.Option(metavar="imagenet|none", help="Its weights: downloaded, or random.")
    ] = "imagenet",
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Height and width of its input, if not its own.")
    ] = None,
    labels: PackedLabelsOption = None,
    normalization: NormalizationOption = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the converter's log.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Convert a model to .tflite, quantize it, and compare the result with its source.

    The converter runs in a process of its own. The file appears when it is complete.
    """
    subject = _subject(source, keras_application, weights=weights, image_size=image_size)
    target = _target(out, source, keras_application)
    shapes = dict(map(_shape, inputs or ()))
    chosen_normalization = normalization_of(normalization)
    if (preprocessing is None) != (representative_data is None or not representative_data.is_dir()):
        raise wrong_use("It goes with a folder of images, and such a folder needs it.", param_hint="--preprocessing")
    with _wrong_use():
        from zerolite.conversion.options import check_options
        from zerolite.conversion.source import recognize_source

        check_options(
            recognize_source(subject),
            quantize=quantize,
            has_data=representative_data is not None,
            io_dtype=io_dtype,
            verify=verify,
            reshaped=bool(shapes or outputs or signatures or select_tf_ops or allow_custom_ops),
        )
    with failures_in_one_line(), _log_written(log) as keep_log:
        from zerolite.conversion import convert

        with _steps() as on_step:
            result = convert(
                subject,
                target,
                quantize=cast("Any", quantize),  # checked above, like io_dtype
                representative_data=representative_data,
                input_shapes=shapes or None,
                outputs=outputs,
                io_dtype=cast("Any", io_dtype),
                signatures=signatures,
                select_tf_ops=select_tf_ops,
                allow_custom_ops=allow_custom_ops,
                verify=verify,
                preprocessing=preprocessing,
                on_corrupt="skip" if skip_corrupt else "raise",
                class_names=labels,
                normalization=chosen_normalization,
                on_step=on_step,
            )
        keep_log(result.log)
        if as_json:
            print_json(result.to_dict())
        else:
            _print_result(result)


def _subject(source: Path | None, application: str | None, *, weights: str, image_size: int | None) -> Any:
    """What to convert."""
    if (source is None) == (application is None):
        raise wrong_use("Give either SOURCE or --keras-application.", param_hint="SOURCE")
    if application is None:
        if image_size is not None or weights != "imagenet":
            raise wrong_use("--weights and --image-size go with --keras-application.")
        return source
    from zerolite.conversion import KerasApplication

    with _wrong_use():
        return KerasApplication(name=application, weights=cast("Any", weights), image_size=image_size)


def _target(out: Path | None, source: Path | None, application: str | None) -> Path:
    if out is not None:
        target = out
    elif source is None:
        target = Path(f"{application}.tflite")
    else:
        # A folder's name has no suffix, whatever its dots.
        target = Path(f"{source.resolve().name if source.is_dir() else source.stem}.tflite")
    if source is not None and target.exists() and target.samefile(source):
        raise wrong_use(f"{target} is the source; name another file.", param_hint="--out")
    return target


def _shape(argument: str) -> tuple[str, list[int]]:
    name, equals, sizes = argument.rpartition("=")
    words = sizes.split(",")
    if not equals or not name or not all(word.strip().isdigit() for word in words):
        raise wrong_use(f"'{argument}' is no NAME=SIZE,SIZE,...", param_hint="--input")
    return name, [int(word) for word in words]


@contextmanager
def _wrong_use() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise wrong_use(str(error)) from error


@contextmanager
def _log_written(path: Path | None) -> Iterator[Callable[[str], None]]:
    """Context manager: gives a function that writes the log to `path`, and writes that of a conversion that fails."""
    from zerolite._platform.files import write_atomically
    from zerolite.conversion import ConversionError

    def keep(log: str) -> None:
        if path is not None:
            write_atomically(path, printable(log, keep="\n\t").encode())

    try:
        yield keep
    except ConversionError as error:
        keep(error.log)
        if path is None and error.log.strip():
            raise fail(f"{error} (--log FILE keeps what the converter printed)") from error
        raise


@contextmanager
def _steps() -> Iterator[Callable[[str], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    with console(stderr=True).status("Starting") as status:
        yield lambda step: status.update(Text(printable(step)))


def _print_result(result: ConversionResult) -> None:
    of_source = f", {result.size / result.source_size:.0%} of the source" if result.source_size else ""
    say(
        f"{result.path} written: {result.size / _KIBIBYTE:,.1f} KiB{of_source}, quantize={result.quantize}, "
        f"in {result.seconds:.1f} s."
    )
    print_table(("operator", "count"), [(name, str(count)) for name, count in result.operators.items()])
    for operator in result.unsupported:
        say(f"{operator.name}: {operator.advice}.")
    if result.verification is not None:
        lines: list[Sequence[str]] = [
            (
                signature,
                name,
                f"{difference.max_abs:.3g}",
                f"{difference.mean_abs:.3g}",
                "-" if difference.top1_agreement is None else f"{difference.top1_agreement:.1%}",
            )
            for signature, outputs in result.verification.signatures.items()
            for name, difference in outputs.items()
        ]
        print_table(
            ("signature", "output", "max difference", "mean", "top-1 agreement"),
            lines,
            title=f"against the source, on {result.verification.samples} {result.verification.data} samples",
            left=2,
        )
        for inputs in result.verification.inputs.values():
            for name, found in inputs.items():
                say(f"{name} holds {found}.")
    elif result.not_verified is not None:
        say(f"Not compared with the source: {result.not_verified}.")
