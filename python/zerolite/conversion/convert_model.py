"""The function `convert`."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from zerolite._platform.files import check_writable_target, write_atomically
from zerolite._platform.output_capture import CapturedOutput
from zerolite._runners.input_range import warn_of_saturation
from zerolite._runtime.positions import has_like_inputs, warn_of_positions
from zerolite._runtime.renamed import renamed_parameters
from zerolite.conversion.child.process import ConversionProcess
from zerolite.conversion.described import ClassNames, Description, MeanAndStd
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.options import QUANTIZATION_MODES, Quantize, check_options
from zerolite.conversion.pytorch.exporting import export_module, save_program
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError, ConversionResult, Verification, first_line
from zerolite.conversion.samples.images import Preprocessing
from zerolite.conversion.samples.input_spec import InputSpec, Specs
from zerolite.conversion.samples.preparation import prepare_samples
from zerolite.conversion.samples.representative_data import RepresentativeData
from zerolite.conversion.source import Source, recognize_source
from zerolite.conversion.tensorflow.exported_model import (
    export_functions,
    export_keras_model,
    function_specs,
    keras_heads,
    keras_specs,
)
from zerolite.vision.loading import RaiseOrSkip

__all__ = ["convert"]


@renamed_parameters(progress="on_step", out="path", inputs="input_shapes", labels="class_names")
def convert(
    source: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    quantize: Quantize = "none",
    representative_data: RepresentativeData | None = None,
    sample_inputs: Any = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    io_dtype: Literal["int8", "uint8", "int16", "float32"] | None = None,
    signatures: Sequence[str] | None = None,
    select_tf_ops: bool = False,
    allow_custom_ops: bool = False,
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
            file with one. Inputs and outputs have the names of the source, in its order; those of a PyTorch module are
            the parameters of its `forward`, and the keys of what it returns, or "output_0" and so on.
        path: where to write the model; it appears there when it is complete. None only returns its bytes.
        quantize: "none" keeps float32. "fp16" stores weights as float16. "dynamic" stores weights as int8 and
            quantizes activations while the model runs. "int8" makes weights, activations, inputs and outputs
            integers. "int8-float-io" does so inside, with float32 inputs and outputs. "int16x8" has int16
            activations, int8 weights and float32 inputs and outputs. "weight-only-int8" and "weight-only-int4"
            store weights as such and compute in float32 (extra "quantize").
        representative_data: typical inputs, from which int8, int8-float-io and int16x8 take the range of every
            activation, and on which every mode is verified: an array whose leading axis counts the samples; a
            mapping from input to such an array; a finite iterable of samples, each with its batch axis, or a function
            without arguments that gives one; the path of a .npy or .npz file, also one with labels, as `evaluate`
            takes it, or of a folder of images. For several signatures, a mapping from signature to
            any of these.
        sample_inputs: what a PyTorch module is called with: a tensor or an array, several in order, or several by name.
            Their shapes are those of the converted model; for open axes, export the module with dynamic_shapes first.
        input_shapes: shapes by input, batch included, where the model leaves axes open, or is of a class of its own and
            was not called yet. A Keras model is traced with them, which recurrent layers need.
        outputs: the outputs to keep, by name; None keeps all.
        io_dtype: the type of inputs and outputs: "int8" (the default), "uint8" or "float32" for
            quantize="int8", "float32" (the default) or "int16" for "int16x8".
        signatures: the signatures of a SavedModel to convert; None means "serving_default", or all where there
            is none of that name.
        select_tf_ops: let operators that TFLite has no kernel for into the file, for runtimes that bring
            TensorFlow's kernels; zerolite does not.
        allow_custom_ops: let custom operators into the file.
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
        ImportError: TensorFlow (extra "convert"), litert-torch (extra "torch") or ai-edge-quantizer (extra "quantize")
            is not installed.
        ValueError: the options contradict one another, the representative data is empty, not finite or of
            another shape than the inputs, or the names or the normalization don't fit the model.
        TypeError: `source` is of no known kind.
        FileNotFoundError: there is no model at `source`, or the folder of `path` does not exist.
        OSError: a file could not be written, as on a full disk; nothing is left of it.
        InvalidModelError: the .tflite file is not a sound model.
        ConversionError: the model can't be converted, or the process was killed.
    """
    began = time.monotonic()
    for name, value in (("outputs", outputs), ("signatures", signatures)):
        if isinstance(value, str):
            raise TypeError(f"{name} must be a list of names; came one, as in {name}=['{value}']")
    recognized = recognize_source(source)
    check_options(
        recognized,
        quantize=quantize,
        has_data=representative_data is not None,
        io_dtype=io_dtype,
        verify=verify,
        reshaped=bool(input_shapes or outputs or signatures or select_tf_ops or allow_custom_ops),
    )
    target = None if path is None else Path(path)
    if target is not None:
        check_writable_target(target)
        if isinstance(recognized.value, Path) and target.exists() and target.samefile(recognized.value):
            raise ValueError(f"{target} is the source; name another file for the result")
    of_tensorflow = {"signatures": signatures, "select_tf_ops": select_tf_ops, "allow_custom_ops": allow_custom_ops}
    _check_torch_options(recognized, sample_inputs, [name for name, value in of_tensorflow.items() if value])
    _check_packages(recognized, quantize)
    specs, in_doubt = _specs(recognized, input_shapes)
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
            on_positions=_PositionsWarning(recognized.name).warn if in_doubt else lambda _: None,
        )
        with ConversionProcess(preload=_preloaded(recognized)) as process:
            export_log = _export(recognized, folder / "model", input_shapes, sample_inputs, on_step)
            request = ConversionRequest(
                **_where(recognized, folder),
                origin=recognized.kind,
                result=str(folder / "result.tflite"),
                quantize=quantize,
                io_dtype=io_dtype,
                samples=samples,
                inputs={name: [int(size) for size in shape] for name, shape in (input_shapes or {}).items()},
                outputs=list(outputs or ()),
                signatures=list(signatures or (recognized.value if recognized.kind == "functions" else ())),
                select_tf_ops=select_tf_ops,
                allow_custom_ops=allow_custom_ops,
                verify=verify,
                orders=_orders(recognized),
            )
            told = process.convert(request, on_step)
            if told.get("positions"):
                warn_of_positions(_by_position(recognized.name), told["positions"])
            log = export_log + process.log
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
        unsupported=tuple(UnsupportedOperator(**one) for one in told["unsupported"]),
        verification=verification,
        not_verified=told["not_verified"],
        seconds=time.monotonic() - began,
        peak_memory=told["peak_memory"],
    )


def _preloaded(source: Source) -> str:
    """What the other process needs to read the source, and should import early."""
    if source.needs_torch:
        return "litert_torch"
    return "tensorflow" if source.needs_tensorflow else ""


def _check_torch_options(source: Source, sample_inputs: Any, refused: Sequence[str]) -> None:
    if source.kind == "torch_module" and sample_inputs is None:
        raise ValueError(
            f"the module {source.name} has no inputs by itself; give what it is called with, as "
            "sample_inputs=(torch.zeros(1, 3, 224, 224),)"
        )
    if source.kind != "torch_module" and sample_inputs is not None:
        raise ValueError(f"sample_inputs are for a PyTorch module, and {source.name} knows its inputs; leave them out")
    if source.needs_torch and refused:
        raise ValueError(f"{refused[0]} is for models that TensorFlow converts, and '{source.name}' is of PyTorch")


def _check_packages(source: Source, quantize: str) -> None:
    if source.needs_tensorflow and importlib.util.find_spec("tensorflow") is None:
        raise ImportError("conversion needs TensorFlow; install it with: pip install 'zerolite[convert]'")
    if source.needs_torch and importlib.util.find_spec("litert_torch") is None:
        raise ImportError(
            "converting PyTorch's models needs litert-torch; install it with: pip install 'zerolite[torch]'"
        )
    mode = QUANTIZATION_MODES[quantize]
    if (mode.needs_quantizer or source.kind == "tflite") and importlib.util.find_spec("ai_edge_quantizer") is None:
        what = f"quantize='{quantize}'" if mode.needs_quantizer else "quantizing a .tflite file"
        raise ImportError(f"{what} needs ai-edge-quantizer; install it with: pip install 'zerolite[quantize]'")


def _specs(source: Source, inputs: Mapping[str, Sequence[int]] | None) -> tuple[Specs | None, bool]:
    """The inputs of the source, where this process knows them, and whether their order is in doubt."""
    in_doubt = False
    found: dict[str | None, list[InputSpec] | None] = {}
    if source.kind == "keras_model":
        found = {None: keras_specs(source.value, inputs)}
    elif source.kind == "functions":
        found = {key: function_specs(function) for key, function in source.value.items()}
    elif source.kind == "tflite":
        found, in_doubt = _file_specs(source.value)
    known = {key: specs for key, specs in found.items() if specs is not None}
    # Whether fixed shapes fit functions is checked by the other process.
    complete = known and len(known) == len(found) and (not inputs or source.kind == "keras_model")
    return (known if complete else None), in_doubt


def _orders(source: Source) -> dict[str, tuple[Sequence[str], Sequence[str]]]:
    """The names of inputs and outputs of a source in this process, in its order, by signature."""
    if source.kind == "keras_model":
        specs = keras_specs(source.value) or ()
        return {"serving_default": ([spec.name for spec in specs], keras_heads(source.value))}
    if source.kind == "functions":
        return {key: ([spec.name for spec in function_specs(one) or ()], ()) for key, one in source.value.items()}
    return {}


def _file_specs(path: Path) -> tuple[dict[str | None, list[InputSpec] | None], bool]:
    from zerolite._inference.model import load

    with load(path) as model:
        specs: dict[str | None, list[InputSpec] | None] = {
            key: [
                InputSpec(
                    tensor.name, tuple(None if size < 0 else size for size in tensor.shape_signature), tensor.dtype.name
                )
                for tensor in signature.inputs.values()
            ]
            for key, signature in model.signatures.items()
        }
        return specs, any(signature._inputs_in_doubt() for signature in model.signatures.values())


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


def _where(source: Source, folder: Path) -> dict[str, Any]:
    """The source as a request names it; models of this process are in `folder` by then."""
    if source.kind == "application":
        return {"kind": source.kind, "name": source.name, "application": dataclasses.asdict(source.value)}
    if isinstance(source.value, Path):
        kind = "torch_program" if source.needs_torch else source.kind
        return {"kind": kind, "name": source.name, "path": str(source.value.absolute())}
    if source.kind == "keras_elsewhere":
        return {"kind": "keras_file", "name": source.name, "path": str(folder / "model.keras")}
    kind = "torch_program" if source.needs_torch else "saved_model"
    return {"kind": kind, "name": source.name, "path": str(folder / ("model.pt2" if source.needs_torch else "model"))}


def _export(
    source: Source,
    folder: Path,
    inputs: Mapping[str, Sequence[int]] | None,
    sample_inputs: Any,
    on_step: Callable[[str], None] | None,
) -> str:
    """Write a model of this process where the other one can read it, and return what that printed."""
    if source.kind not in ("keras_model", "keras_elsewhere", "functions", "torch_module", "torch_program"):
        return ""
    if on_step is not None:
        on_step("Exporting the model")
    output = CapturedOutput()
    try:
        # Keras warns about its own internals; the log keeps that.
        with output, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if source.kind == "keras_model":
                export_keras_model(source.value, folder, inputs)
            elif source.kind == "keras_elsewhere":
                source.value.save(folder.with_suffix(".keras"))
            elif source.needs_torch:
                program = source.value if source.kind == "torch_program" else export_module(source.value, sample_inputs)
                save_program(program, folder.with_suffix(".pt2"))
            else:
                export_functions(source.value, folder)
    except OSError:
        raise
    except Exception as error:
        forms = {"keras_elsewhere": "a .keras file", "keras_model": "a SavedModel", "functions": "a SavedModel"}
        form = forms.get(source.kind, "a program of torch.export")
        raise ConversionError(
            f"'{source.name}' can't be written as {form}, which it is converted from: {first_line(error)}",
            log=output.text,
        ) from error
    return output.text + "".join(f"{warning.category.__name__}: {warning.message}\n" for warning in caught)
