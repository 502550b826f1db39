"""The function `convert`."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zerolite._platform.files import check_writable_target, write_atomically
from zerolite._runners.input_range import warn_of_saturation
from zerolite._runtime.positions import has_like_inputs, warn_of_positions
from zerolite._runtime.renamed import renamed_parameters
from zerolite.conversion.child.kept_process import conversion_process
from zerolite.conversion.described import ClassNames, Description, MeanAndStd
from zerolite.conversion.exporting import (
    check_custom_objects,
    check_layout,
    check_packages,
    check_source_options,
    export_source,
    orders_of,
    preloaded,
    where,
)
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.options import IoDtypes, KeptAs, Quantize, check_options
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionResult, Verification
from zerolite.conversion.samples.file_inputs import file_specs, only_signature
from zerolite.conversion.samples.images import Preprocessing
from zerolite.conversion.samples.input_spec import InputSpec, Specs
from zerolite.conversion.samples.preparation import prepare_samples
from zerolite.conversion.samples.representative_data import RepresentativeData
from zerolite.conversion.sources.channel_order import Layout
from zerolite.conversion.sources.jax.exporting import jax_specs
from zerolite.conversion.sources.recognition import Source, recognize_source
from zerolite.conversion.sources.tensorflow.exported_model import (
    function_specs,
    keras_specs,
)
from zerolite.vision.loading import RaiseOrSkip

if TYPE_CHECKING:
    from zerolite.conversion.quantization.goal import SearchMetric

__all__ = ["convert"]


@renamed_parameters(progress="on_step", out="path", inputs="input_shapes", labels="class_names")
def convert(
    source: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    quantize: Quantize = "none",
    keep_float: Sequence[str] | Literal["auto"] | None = None,
    kept_as: KeptAs = "float32",
    max_loss: float | None = None,
    metric: SearchMetric = "accuracy",
    evaluation_data: Any = None,
    evaluation_labels: Any = None,
    representative_data: RepresentativeData | None = None,
    sample_limit: int | None = None,
    sample_inputs: Any = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    io_dtype: IoDtypes | None = None,
    block_size: int | None = None,
    layout: Layout = "source",
    quantization_aware: bool = False,
    signatures: Sequence[str] | None = None,
    select_tf_ops: bool = False,
    allow_custom_ops: bool = False,
    custom_objects: str | os.PathLike[str] | None = None,
    safe_mode: bool = True,
    verify: bool = True,
    preprocessing: Preprocessing | None = None,
    on_corrupt: RaiseOrSkip = "raise",
    class_names: ClassNames | None = None,
    normalization: MeanAndStd | None = None,
    on_step: Callable[[str], None] | None = None,
) -> ConversionResult:
    """Convert a model to .tflite.

    TensorFlow's converter runs in a process of its own, which is gone afterwards, with the memory that it took.
    What it prints is kept in the result's `log`, or in the error's, and off the terminal. A Keras model or
    concrete functions in this process are written to a temporary SavedModel first.

    Args:
        source: a Keras model, one or several concrete functions (several also as a mapping from signature to
            function), a `KerasApplication`, the path of a .keras, .h5 or .hdf5 file or of a SavedModel's folder, or a
            float .tflite file, which is quantized without TensorFlow (extra "quantize"). With the extra "torch", and
            without TensorFlow, also a PyTorch module with its `sample_inputs`, a program of torch.export, and a .pt2
            file with one. With the extra "onnx" and the command onnx2tf an .onnx file. With the extra "jax" a JAX
            function, jitted or not, with its `sample_inputs`. Inputs and outputs have the names of the source, in its
            order; those of a PyTorch module and of a JAX function are its parameters, and the keys of what it returns,
            or "output_0" and so on.
        path: where to write the model; it appears there when it is complete. None only returns its bytes.
        quantize: "none" keeps float32. "fp16" stores weights as float16. "dynamic" stores weights as int8 and
            quantizes activations while the model runs; "dynamic-int4" does so with int4. "int8" makes weights,
            activations, inputs and outputs integers. "int8-float-io" does so inside, with float32 inputs and outputs.
            "int16x8" has int16 activations, int8 weights and float32 inputs and outputs. "weight-only-int8" and
            "weight-only-int4" store weights as such and compute in float32. Those with int4 and weight-only need the
            extra "quantize".
        keep_float: layers that are not quantized, by the type of their operator ("SOFTMAX"), the name of a tensor that
            they compute or of their weights, a part of such a name between slashes ("dense_1"), or a pattern of these
            ("block_1*"). The model is quantized by litert-quantizer then (extra "quantize"). "auto" finds them: those
            without which the model would lose more than `max_loss`.
        kept_as: "int16" gives the layers of `keep_float` and of `max_loss` activations of 16 bits and weights of 8,
            beside quantize="int8" and "int8-float-io", in the place of float32.
        max_loss: how much worse than the float model's the metric may be, in its own unit: 0.01 is a percentage point
            of accuracy, which is also what keep_float="auto" allows. Layers stay in float until it is met, and no more
            of them than that takes; the result's `search` has the way there. The model needs one signature.
        metric: the metric, as `evaluate` takes them: a built-in one's name, or {name: function of outputs and labels},
            whose value is larger for a better model.
        evaluation_data: what the metric is measured on, as `evaluate` takes it; it is gone through for every trial.
        evaluation_labels: its labels, where they don't come with it.
        representative_data: typical inputs, from which int8, int8-float-io and int16x8 take the range of every
            activation, and on which every mode is verified: an array whose leading axis counts the samples; a
            mapping from input to such an array; a finite iterable of samples, each with its batch axis, or a function
            without arguments that gives one; the path of a .npy or .npz file, also one with labels, as `evaluate`
            takes it, or of a folder of images. For several signatures, a mapping from signature to
            any of these.
        sample_limit: take no more samples than so many of each signature, the first ones; the iterable may be endless
            then.
        sample_inputs: what a PyTorch module or a JAX function is called with: a tensor or an array (for JAX also a
            ShapeDtypeStruct), several in order, or several by name. Their shapes are those of the converted model; for
            open axes, export a PyTorch module with dynamic_shapes first.
        input_shapes: shapes by input, batch included, where the model leaves axes open, or is of a class of its own and
            was not called yet. A Keras model is traced with them, which recurrent layers need.
        outputs: the outputs to keep, by name; None keeps all.
        io_dtype: the type of inputs and outputs: "int8" (the default), "uint8" or "float32" for
            quantize="int8", "float32" (the default) or "int16" for "int16x8". A pair gives the inputs and the outputs
            one of these each.
        block_size: for "dynamic-int4", how many weights of fully connected layers and of embeddings share a scale: 32,
            64, 128 or 256, of which their rows are multiples. None has a scale for each row.
        layout: "nhwc" gives inputs and outputs with four axes channels last, for sources of PyTorch and ONNX, whose own
            order ("source") is batch, channels, height, width. Representative data has the order of the result,
            `sample_inputs` and `input_shapes` that of the source.
        quantization_aware: the model was trained with the ranges of its activations (FakeQuant operators in its graph):
            int8 and int8-float-io take those, and no representative data.
        signatures: the signatures of a SavedModel to convert; None means "serving_default", or all where there
            is none of that name.
        select_tf_ops: let operators that TFLite has no kernel for into the file, for runtimes that bring
            TensorFlow's kernels; zerolite does not.
        allow_custom_ops: let custom operators into the file.
        custom_objects: a Python file that defines the layers and functions of a .keras, .h5 or .hdf5 file's author. Its
            code runs in the conversion's process, with everything that you may do.
        safe_mode: whether Python code inside such a file, as a Lambda layer has it, is left alone. False runs it: only
            for files whose author you trust.
        verify: run source and result on up to 32 samples of `representative_data`, or on 4 random ones, and
            report the differences.
        preprocessing: for a folder of images, the name of a Keras application's preprocessing, as "mobilenet_v2",
            or a function from an image's `Path` to a sample.
        on_corrupt: whether an image that can't be read ends the conversion ("raise") or is left out ("skip").
        class_names: the names of the model's classes, or a file with them as `vision.load_labels` takes it; they are
            packed into the file, where `vision.classify` finds them.
        normalization: how the network takes images, into the file's metadata: a mean and a deviation, each one number
            or one for each channel, as in (127.5, 127.5) for -1 to 1. A .tflite source's own metadata is kept.
        on_step: called with what the conversion is at, in a few words.

    Returns:
        The model's bytes, where they were written, its operators, how it compares with the source, and the log.

    Raises:
        ImportError: TensorFlow (extra "convert"), litert-torch (extra "torch"), JAX (extra "jax"), onnx and ONNX
            Runtime (extra "onnx"), the command onnx2tf or litert-quantizer (extra "quantize") is not installed.
        ValueError: the options contradict one another, `keep_float` names no layer, the representative data is empty,
            not finite or of another shape than the inputs, or the names or the normalization don't fit the model.
        TypeError: `source` is of no known kind.
        FileNotFoundError: there is no model at `source`, or the folder of `path` does not exist.
        OSError: a file could not be written, as on a full disk; nothing is left of it.
        InvalidModelError: the .tflite file is not a sound model.
        ConversionError: the model can't be converted, or the process was killed.
    """
    began = time.monotonic()
    kept = None if keep_float == "auto" else keep_float
    for name, value in (("outputs", outputs), ("signatures", signatures), ("keep_float", kept)):
        if isinstance(value, str):
            raise TypeError(f"{name} must be a list of names; came one, as in {name}=['{value}']")
    recognized = recognize_source(source)
    check_options(
        recognized,
        quantize=quantize,
        has_data=representative_data is not None,
        io_dtype=io_dtype,
        block_size=block_size,
        quantization_aware=quantization_aware,
        verify=verify,
        reshaped=bool(input_shapes or outputs or signatures or select_tf_ops or allow_custom_ops),
        keep_float=keep_float or (),
        kept_as=kept_as,
        searched=keep_float == "auto" or max_loss is not None,
        evaluated=evaluation_data is not None or evaluation_labels is not None,
    )
    goal = None
    if keep_float == "auto" or max_loss is not None:
        from zerolite.conversion.quantization.goal import DEFAULT_MAX_LOSS, LossGoal

        goal = LossGoal.checked(
            DEFAULT_MAX_LOSS if max_loss is None else max_loss,
            metric,
            evaluation_data,
            evaluation_labels,
            preprocessing=preprocessing if isinstance(preprocessing, str) else None,
        )
    target = None if path is None else Path(path)
    if target is not None:
        check_writable_target(target)
        if isinstance(recognized.value, Path) and target.exists() and target.samefile(recognized.value):
            raise ValueError(f"{target} is the source; name another file for the result")
    of_tensorflow = {"signatures": signatures, "select_tf_ops": select_tf_ops, "allow_custom_ops": allow_custom_ops}
    refused = [name for name, value in of_tensorflow.items() if value]
    check_source_options(recognized, sample_inputs, input_shapes, refused)
    check_custom_objects(recognized, custom_objects, safe_mode=safe_mode)
    check_layout(recognized, layout)
    check_packages(recognized, quantize, keep_float or goal)
    specs, in_doubt = _specs(recognized, input_shapes, sample_inputs)
    described_in = recognized.value if recognized.kind == "tflite" else None
    description = Description.checked(class_names, normalization, described_in)

    with tempfile.TemporaryDirectory(prefix="zerolite-convert-") as temporary:
        folder = Path(temporary)
        samples = prepare_samples(
            representative_data,
            folder / "samples",
            specs=specs,
            signatures=signatures,
            preprocessing=preprocessing,
            on_corrupt=on_corrupt,
            limit=sample_limit,
            on_positions=_PositionsWarning(recognized.name).warn if in_doubt else lambda _: None,
        )
        export = partial(export_source, recognized, folder / "model", input_shapes, sample_inputs, on_step)
        request = ConversionRequest(
            **where(recognized, folder),
            origin=recognized.kind,
            result=str(folder / "result.tflite"),
            quantize=quantize,
            io_dtype=io_dtype,
            block_size=block_size,
            keep_float=list(kept or ()),
            kept_as=kept_as,
            samples=samples,
            inputs={name: [int(size) for size in shape] for name, shape in (input_shapes or {}).items()},
            outputs=list(outputs or ()),
            signatures=list(signatures or (recognized.value if recognized.kind == "functions" else ())),
            select_tf_ops=select_tf_ops,
            allow_custom_ops=allow_custom_ops,
            custom_objects="" if custom_objects is None else str(Path(custom_objects).absolute()),
            safe_mode=safe_mode,
            layout=layout,
            verify=verify,
            orders=orders_of(recognized),
        )
        if goal is None:
            told, log = _told(request, recognized, export, on_step)
            search = None
        else:
            from zerolite.conversion.quantization.search import search_layers

            path, log = _float_file(request, recognized, export, on_step)
            request = dataclasses.replace(request, kind="tflite", path=str(path))
            search, told, search_log = search_layers(request, goal, only_signature(path), on_step)
            log += search_log
        content = description.written(request.result_path.read_bytes())
    if target is not None:
        write_atomically(target, content)
    verification = None if told["verification"] is None else Verification.from_dict(told["verification"])
    for key, found in ({} if verification is None else verification.inputs).items():
        for name, one in found.items():
            warn_of_saturation(f"the input '{name}' of the signature '{key}'", one)
    return ConversionResult(
        path=target,
        content=content,
        quantize=quantize,
        log=log,
        source_size=recognized.size or told["source_size"],
        operators=told["operators"],
        kept_float=tuple(told["kept_float"]),
        unsupported=tuple(UnsupportedOperator(**one) for one in told["unsupported"]),
        verification=verification,
        not_verified=told["not_verified"],
        layout=layout,
        search=search,
        seconds=time.monotonic() - began,
        peak_memory=told["peak_memory"],
    )


def _told(
    request: ConversionRequest,
    source: Source,
    export: Callable[[], str],
    on_step: Callable[[str], None] | None,
) -> tuple[dict[str, Any], str]:
    """Have a model converted in a process of its own: what that says of it, and what was printed."""
    with conversion_process(preload=preloaded(source)) as process:
        export_log = export()
        told = process.convert(request, on_step)
        if told.get("positions"):
            warn_of_positions(_by_position(source.name), told["positions"])
        return told, export_log + process.log


def _float_file(
    request: ConversionRequest,
    source: Source,
    export: Callable[[], str],
    on_step: Callable[[str], None] | None,
) -> tuple[Path, str]:
    """The source as a float .tflite file, and what was printed on the way."""
    if source.kind == "tflite":
        return Path(request.path), ""
    path = request.result_path.with_name("float.tflite")
    plain: dict[str, Any] = {
        "quantize": "none",
        "io_dtype": None,
        "keep_float": (),
        "kept_as": "float32",
        "verify": False,
    }
    _, log = _told(dataclasses.replace(request, result=str(path), **plain), source, export, on_step)
    return path, log


def _specs(source: Source, inputs: Mapping[str, Sequence[int]] | None, sample_inputs: Any) -> tuple[Specs | None, bool]:
    """The inputs of the source, where this process knows them, and whether their order is in doubt."""
    in_doubt = False
    found: dict[str | None, list[InputSpec] | None] = {}
    if source.kind == "keras_model":
        found = {None: keras_specs(source.value, inputs)}
    elif source.kind == "functions":
        found = {key: function_specs(function) for key, function in source.value.items()}
    elif source.kind == "jax_function":
        found = {None: jax_specs(source.value, sample_inputs, inputs)}
    elif source.kind == "tflite":
        found, in_doubt = file_specs(source.value)
    known = {key: specs for key, specs in found.items() if specs is not None}
    # Whether fixed shapes fit functions is checked by the other process.
    complete = known and len(known) == len(found) and (not inputs or source.kind in ("keras_model", "jax_function"))
    return (known if complete else None), in_doubt


def _by_position(name: str) -> str:
    return f"representative_data for '{name}' gives inputs"


class _PositionsWarning:
    """Warns at the first sample whose inputs could be mistaken for one another."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._warned = False

    def warn(self, inputs: Sequence[InputSpec]) -> None:
        if not self._warned and has_like_inputs(inputs):
            self._warned = True
            warn_of_positions(_by_position(self._name), [spec.name for spec in inputs])
