"""The command `zerolite convert`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from zerolite.cli.conversion_tables import print_conversion
from zerolite.cli.model_files import model_file_or_folder
from zerolite.cli.options import NormalizationOption, PackedLabelsOption, normalization_of
from zerolite.cli.output import console, fail, failures_in_one_line, print_json, say, wrong_use
from zerolite.cli.printable import printable
from zerolite.cli.variants import convert_variants

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="convert")(_convert)


def _convert(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE",
            help="A .keras, .h5 or .hdf5 file, a SavedModel's folder, a .pt2 or .onnx file, or a float .tflite file.",
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
        typer.Option(
            help="none, fp16, dynamic, dynamic-int4, int8, int8-float-io, int16x8, weight-only-int8 or "
            "weight-only-int4."
        ),
    ] = "none",
    keep_float: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A layer that is not quantized: the type of its operator, as SOFTMAX, a name, a part of one, or a "
            "pattern, as 'block_1*'; repeatable. Or auto: those without which the model loses more than --max-loss.",
        ),
    ] = None,
    kept_as: Annotated[
        str,
        typer.Option(
            metavar="float32|int16", help="The activations of layers of --keep-float and --max-loss, beside int8."
        ),
    ] = "float32",
    max_loss: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="How much worse than the float model's the metric on --data may be; layers stay in float until it is "
            "met. 0.01 for --keep-float auto.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="What the metric is measured on: an .npz file with inputs and labels, or a folder of images by class.",
            exists=True,
        ),
    ] = None,
    metric: Annotated[str, typer.Option(metavar="NAME", help="The metric, one that evaluate has.")] = "accuracy",
    every: Annotated[
        bool,
        typer.Option("--all", help="Convert to float32, quantize that in every way, and compare all on --data."),
    ] = False,
    report: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Of --all: write a report, .html, .md or .json. Repeatable."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the trials of --max-loss, metric against size and latency: .svg, ..."),
    ] = None,
    representative_data: Annotated[
        Path | None,
        typer.Option(help="Typical inputs: a .npy or .npz file, or a folder of images.", exists=True),
    ] = None,
    sample_limit: Annotated[
        int | None, typer.Option(min=1, help="How many of these to take at most, the first ones.")
    ] = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="How images become inputs, as mobilenet_v2; for a folder of them."),
    ] = None,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="Leave out images that can't be read instead of failing.")
    ] = False,
    io_dtype: Annotated[
        str | None,
        typer.Option(
            metavar="DTYPE",
            help="Inputs and outputs of int8 (int8, uint8, float32) or int16x8 (float32, int16); with a comma between "
            "them if they differ.",
        ),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            metavar="source|nhwc",
            help="nhwc: inputs and outputs with four axes have channels last, for .pt2 and .onnx files.",
        ),
    ] = "source",
    block_size: Annotated[
        int | None,
        typer.Option(help="Of dynamic-int4: how many weights share a scale, 32, 64, 128 or 256; else those of a row."),
    ] = None,
    quantization_aware: Annotated[
        bool, typer.Option("--quantization-aware", help="The model was trained with its ranges; int8 takes those.")
    ] = False,
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
    custom_objects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.py",
            help="A Python file that defines layers of a .keras or .h5 file's author. Its code is run.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    safe_mode: Annotated[
        bool,
        typer.Option(
            "--safe-mode/--no-safe-mode",
            help="Whether Python code inside a .keras or .h5 file, as of Lambda layers, is left alone; else run: for "
            "files that you trust.",
        ),
    ] = True,
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
    if not every and source is not None and target.exists() and target.samefile(source):
        raise wrong_use(f"{target} is the source; name another file.", param_hint="--out")
    dtypes = None if io_dtype is None else tuple(io_dtype.split(",")) if "," in io_dtype else io_dtype
    shapes = dict(map(_shape, inputs or ()))
    chosen_normalization = normalization_of(normalization)
    searched = max_loss is not None or keep_float == ["auto"]
    if plot is not None and not searched:
        raise wrong_use("It goes with --max-loss, or with --keep-float auto.", param_hint="--plot")
    one_of_them = (
        quantize != "none",
        keep_float,
        kept_as != "float32",
        searched,
        io_dtype,
        block_size,
        quantization_aware,
    )
    _check_every(every=every, data=data, report=report, one_of_them=any(one_of_them))
    if every and representative_data is None:
        representative_data = data
    if (preprocessing is None) != (representative_data is None or not representative_data.is_dir()):
        raise wrong_use("It goes with a folder of images, and such a folder needs it.", param_hint="--preprocessing")
    options: dict[str, Any] = {
        "input_shapes": shapes or None,
        "outputs": outputs,
        "signatures": signatures,
        "select_tf_ops": select_tf_ops,
        "allow_custom_ops": allow_custom_ops,
        "layout": layout,
        "custom_objects": custom_objects,
        "safe_mode": safe_mode,
        "verify": verify,
        "sample_limit": sample_limit,
        "preprocessing": preprocessing,
        "on_corrupt": "skip" if skip_corrupt else "raise",
        "class_names": labels,
        "normalization": chosen_normalization,
    }
    if every and data is not None and representative_data is not None:
        with failures_in_one_line(), _log_written(log) as keep_log:
            keep_log(
                convert_variants(
                    subject,
                    target,
                    data=data,
                    metric=metric,
                    representative_data=representative_data,
                    options=options,
                    report=report or (),
                    steps=_steps,
                    as_json=as_json,
                )
            )
        return
    with _wrong_use():
        from zerolite.conversion.options import check_options
        from zerolite.conversion.sources.recognition import recognize_source

        check_options(
            recognize_source(subject),
            quantize=quantize,
            has_data=representative_data is not None,
            io_dtype=dtypes,
            block_size=block_size,
            quantization_aware=quantization_aware,
            verify=verify,
            reshaped=bool(shapes or outputs or signatures or select_tf_ops or allow_custom_ops),
            keep_float=keep_float or (),
            kept_as=kept_as,
            searched=searched,
            evaluated=data is not None,
        )
    with failures_in_one_line(), _log_written(log) as keep_log:
        from zerolite._plots.plottable import check_plot_target
        from zerolite.conversion import convert

        if plot is not None:
            check_plot_target(plot)
        with _steps() as on_step:
            result = convert(
                subject,
                target,
                quantize=cast("Any", quantize),  # checked above, like io_dtype
                kept_as=cast("Any", kept_as),
                keep_float="auto" if keep_float == ["auto"] else keep_float,
                max_loss=max_loss,
                metric=metric,
                evaluation_data=data,
                representative_data=representative_data,
                io_dtype=cast("Any", dtypes),
                block_size=block_size,
                quantization_aware=quantization_aware,
                on_step=on_step,
                **options,
            )
        keep_log(result.log)
        if plot is not None and result.search is not None:
            result.search.save_plot(plot)
        if as_json:
            print_json(result.to_dict())
        else:
            print_conversion(result)
            if plot is not None:
                say(f"{plot} written.")


def _check_every(*, every: bool, data: Path | None, report: Sequence[Path] | None, one_of_them: bool) -> None:
    if report and not every:
        raise wrong_use("It goes with --all.", param_hint="--report")
    if every and data is None:
        raise wrong_use("It needs --data, on which the models are compared.", param_hint="--all")
    if every and one_of_them:
        raise wrong_use(
            "It is every quantization: leave out --quantize and what goes with a single one.", param_hint="--all"
        )


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
        return out
    if source is None:
        return Path(f"{application}.tflite")
    # A folder's name has no suffix, whatever its dots.
    return Path(f"{source.resolve().name if source.is_dir() else source.stem}.tflite")


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
