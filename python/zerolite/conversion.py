"""Conversion of Keras models and SavedModels to .tflite, with or without quantization."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from zerolite.atomic_write import check_writable_target, write_atomically
from zerolite.captured_output import CapturedOutput
from zerolite.conversion_error import ConversionError
from zerolite.conversion_result import ConversionResult, Quantize
from zerolite.representative_samples import RepresentativeData, RepresentativeSamples

__all__ = ["ConversionError", "ConversionResult", "Quantize", "RepresentativeData", "convert"]

_NEEDS_REPRESENTATIVE_DATA = ("int8", "int8-float-io")


def convert(
    source: Any,
    out: str | os.PathLike[str] | None = None,
    *,
    quantize: Quantize = "none",
    representative_data: RepresentativeData | None = None,
    io_dtype: Literal["int8", "uint8"] | None = None,
) -> ConversionResult:
    """Convert a model to .tflite.

    TensorFlow is imported here and nowhere before. What its converter prints is kept in the result's `log`,
    or in the error's, and off the terminal.

    Args:
        source: a Keras model, the path of a .keras or .h5 file, or the path of a SavedModel's folder.
        out: where to write the model; it appears there when it is complete. None only returns its bytes.
        quantize: "none" keeps float32. "fp16" stores weights as float16. "dynamic" stores weights as int8 and
            quantizes activations while the model runs. "int8" makes weights, activations, inputs and outputs
            integers. "int8-float-io" does so inside, with float32 inputs and outputs.
        representative_data: typical inputs, from which the two int8 modes take the range of every
            activation: an array whose leading axis counts the samples, or an iterable of samples, each with
                its batch axis.
        io_dtype: the type of inputs and outputs for quantize="int8"; None means int8.

    Returns:
        The model's bytes, where they were written, and the log.

    Raises:
        ImportError: TensorFlow is not installed (extra "convert").
        ValueError: the options contradict one another, or the representative data is empty or not finite.
        TypeError: `source` is of no known kind.
        FileNotFoundError: there is no model at `source`, or the folder of `out` does not exist.
        ConversionError: the converter refused the model.
    """
    _check_options(quantize, representative_data, io_dtype)
    path = None if out is None else Path(out)
    if path is not None:
        check_writable_target(path)
    source_path = _source_path(source)
    _import_tensorflow()

    output = CapturedOutput()
    samples = None if representative_data is None else RepresentativeSamples(representative_data)
    try:
        # The converter warns about its own internals, such as missing statistics; the log keeps that.
        with output, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            converter = _converter(source if source_path is None else source_path)
            _configure(converter, quantize, samples, io_dtype)
            content = bytes(converter.convert())
    except Exception as error:
        if samples is not None and samples.error is not None:
            raise samples.error from None
        name = getattr(source, "name", None) or source_path or type(source).__name__
        raise ConversionError(
            f"TensorFlow's converter refused '{name}' with quantize='{quantize}': {_first_line(error)}",
            log=output.text,
        ) from error
    log = output.text + "".join(f"{warning.category.__name__}: {warning.message}\n" for warning in caught)
    if path is not None:
        write_atomically(path, content)
    return ConversionResult(path=path, content=content, quantize=quantize, log=log)


def _check_options(quantize: str, representative_data: RepresentativeData | None, io_dtype: str | None) -> None:
    if quantize not in get_args(Quantize):
        raise ValueError(f"quantize must be one of {', '.join(get_args(Quantize))}; came '{quantize}'")
    if quantize in _NEEDS_REPRESENTATIVE_DATA and representative_data is None:
        raise ValueError(
            f"quantize='{quantize}' needs representative_data: some dozens to hundreds of typical inputs, "
            "from which the range of every activation is taken"
        )
    if quantize not in _NEEDS_REPRESENTATIVE_DATA and representative_data is not None:
        raise ValueError(
            f"quantize='{quantize}' makes no use of representative_data; leave it out, or choose 'int8' or "
            "'int8-float-io'"
        )
    if io_dtype is not None and quantize != "int8":
        raise ValueError(f"io_dtype='{io_dtype}' goes with quantize='int8' only; came quantize='{quantize}'")
    if io_dtype not in (None, "int8", "uint8"):
        raise ValueError(f"io_dtype must be 'int8' or 'uint8'; came '{io_dtype}'")


def _source_path(source: Any) -> Path | None:
    """The path that `source` names, checked; None when it is a model object."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.exists():
            raise FileNotFoundError(f"there is no model at {path}")
        if path.is_dir() and not (path / "saved_model.pb").is_file():
            raise FileNotFoundError(f"the folder {path} is no SavedModel: it has no saved_model.pb")
        if path.is_file() and path.suffix not in (".keras", ".h5"):
            raise TypeError(
                f"can't convert {path}: give a .keras or .h5 file, or the folder of a SavedModel (for a "
                "saved_model.pb, the folder it is in)"
            )
        return path
    if not (hasattr(source, "export") and hasattr(source, "inputs")):
        raise TypeError(
            f"can't convert a {type(source).__name__}; give a Keras model, or the path of a .keras or .h5 "
            "file or of a SavedModel's folder"
        )
    return None


def _import_tensorflow() -> None:
    try:
        # Its C++ log greets on stderr at import, before any log level can be set through Python.
        with CapturedOutput():
            importlib.import_module("tensorflow")
    except ImportError as error:
        raise ImportError("conversion needs TensorFlow; install it with: pip install 'zerolite[convert]'") from error


def _converter(source: Any) -> Any:
    import tensorflow as tf

    if isinstance(source, Path):
        if source.is_dir():
            return tf.lite.TFLiteConverter.from_saved_model(str(source))
        source = tf.keras.models.load_model(source, compile=False)
    return tf.lite.TFLiteConverter.from_keras_model(source)


def _configure(
    converter: Any,
    quantize: Quantize,
    samples: Callable[[], Iterator[Any]] | None,
    io_dtype: str | None,
) -> None:
    import tensorflow as tf

    if quantize == "none":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize in _NEEDS_REPRESENTATIVE_DATA:
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if quantize == "int8":
        dtype = tf.uint8 if io_dtype == "uint8" else tf.int8
        converter.inference_input_type = dtype
        converter.inference_output_type = dtype


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
