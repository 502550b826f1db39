"""Conversion with TensorFlow: Keras models, functions and modules to `.tflite` bytes."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import DTypeLike, NDArray

Scheme = Literal["float32", "float16", "dynamic_range", "int8", "int16x8"]


def spec(name: str, shape: Sequence[int | None], dtype: DTypeLike | tf.DType = np.float32) -> tf.TensorSpec:
    """The specification of one input; a None in `shape` is a dimension that stays dynamic."""
    return tf.TensorSpec(list(shape), dtype, name=name)


def convert_keras(
    build: Callable[[], tf.keras.Model], *, scheme: Scheme = "float32", interface: str = "float32"
) -> bytes:
    """Build a Keras model with fixed weights and convert it.

    `interface` is the dtype of the inputs and outputs of an int8 model: "float32", "int8" or "uint8".
    """
    model = seeded(build)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    quantize(converter, scheme, interface, [tuple(tensor.shape[1:]) for tensor in model.inputs])
    return _converted(converter)


def seeded(build: Callable[[], tf.keras.Model]) -> tf.keras.Model:
    """Build a Keras model: names and initial weights are the same every time."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(20240229)
    return build()


def quantize(
    converter: tf.lite.TFLiteConverter, scheme: Scheme, interface: str, shapes: Sequence[tuple[int, ...]]
) -> None:
    """Set the converter's options for a quantization scheme, calibrated on standard normal inputs."""
    if scheme == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
        return
    if scheme == "dynamic_range":
        return

    def representative_dataset() -> Iterator[list[NDArray[np.float32]]]:
        rng = np.random.default_rng(7)
        for _ in range(16):
            yield [rng.standard_normal((1, *shape)).astype(np.float32) for shape in shapes]

    converter.representative_dataset = representative_dataset
    if scheme == "int16x8":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        return
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.as_dtype(interface)
    converter.inference_output_type = tf.as_dtype(interface)


def convert_function(function: Callable[..., Any], *specs: tf.TensorSpec, resource_variables: bool = False) -> bytes:
    """Convert a function to a model with the one signature "serving_default".

    A function that returns a mapping names its outputs; otherwise they are called output_0, output_1, ...
    """
    module = tf.Module()
    module.function = tf.function(function, input_signature=list(specs))
    return convert_module(module, {"serving_default": module.function}, resource_variables=resource_variables)


def convert_module(module: tf.Module, signatures: Mapping[str, Any], *, resource_variables: bool = False) -> bytes:
    """Convert a module to a model with the given signatures, which share the module's variables."""
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures=dict(signatures))
        converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=list(signatures))
        converter.experimental_enable_resource_variables = resource_variables
        return _converted(converter)


def _converted(converter: tf.lite.TFLiteConverter) -> bytes:
    """Convert, without the report on stdout and the warnings that every quantized model gets."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(converter.convert())
