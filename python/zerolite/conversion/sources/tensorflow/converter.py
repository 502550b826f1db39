"""TensorFlow's converter, set up for one of the quantizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zerolite.conversion.options import interface_dtypes
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError
from zerolite.conversion.sources.tensorflow.refusal import refusal
from zerolite.conversion.sources.tensorflow.saved_model import SavedModel

__all__ = ["convert_saved_model"]

_INTEGERS = ("int8", "int8-float-io")
_TRAINED_RANGES = (b"FakeQuantWithMinMax", b"QuantizeAndDequantizeV")


def convert_saved_model(
    model: SavedModel, request: ConversionRequest, *, quantize: str, samples: Callable[[], Any] | None
) -> bytes:
    """The .tflite file's bytes.

    Args:
        model: what to convert.
        request: what else was asked for.
        quantize: the quantization, of those that TensorFlow's converter does.
        samples: yields the representative data, for the quantizations that need it; what goes wrong with it is
            kept in its `error`.

    Raises:
        ConversionError: the converter refused the model.
        ValueError: the representative data does not fit.
    """
    import tensorflow as tf

    if quantize in _INTEGERS and samples is None:
        _check_trained_ranges(model, request)
    try:
        converter = tf.lite.TFLiteConverter.from_saved_model(str(model.folder), signature_keys=model.signatures)
        _configure(converter, request, quantize)
        if samples is not None:
            converter.representative_dataset = _dataset(samples, model.signatures)
        return bytes(converter.convert())
    except (OSError, MemoryError):
        raise
    except Exception as error:
        own: Exception | None = getattr(samples, "error", None)
        if own is not None:
            raise own from None
        specs = [spec for several in model.specs.values() for spec in several]
        raise refusal(error, request, specs) from error


def _check_trained_ranges(model: SavedModel, request: ConversionRequest) -> None:
    """The names of operators are in a SavedModel as they are."""
    graph = (model.folder / "saved_model.pb").read_bytes()
    if not any(name in graph for name in _TRAINED_RANGES):
        raise ConversionError(
            f"the graph of '{request.name}' has no FakeQuant operators, which quantization_aware takes the ranges of "
            "activations from; train it with them, or give representative_data instead",
            log="",
        )


def _configure(converter: Any, request: ConversionRequest, quantize: str) -> None:
    import tensorflow as tf

    operators = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    # With ranges from the training, TensorFlow (2.21) takes the set of integer kernels for a lack of data.
    if quantize in _INTEGERS and request.samples is not None:
        operators = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if quantize == "int16x8":
        operators = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    if request.select_tf_ops:
        operators.append(tf.lite.OpsSet.SELECT_TF_OPS)
    converter.target_spec.supported_ops = operators
    converter.allow_custom_ops = request.allow_custom_ops
    inputs, outputs = interface_dtypes(quantize, request.io_dtype)
    converter.inference_input_type = tf.dtypes.as_dtype(inputs)
    converter.inference_output_type = tf.dtypes.as_dtype(outputs)


def _dataset(samples: Callable[[], Any], signatures: list[str]) -> Callable[[], Any]:
    """What the converter asks for: inputs by name and, where there are several signatures, which one they are for."""

    def generate() -> Any:
        for signature, sample in samples():
            yield sample if len(signatures) == 1 else (signature, sample)

    return generate
