"""Models in memory as SavedModels on disk, which any process can read without their Python classes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zerolite.conversion.samples.input_spec import InputSpec

__all__ = ["export_functions", "export_keras_model", "function_specs", "keras_heads", "keras_specs"]


def export_keras_model(model: Any, folder: Path) -> None:
    """Write a Keras model's inference, under the signature "serving_default".

    Raises:
        ValueError: the model has no inputs yet.
        Exception: whatever Keras or TensorFlow raise where a model can't be traced.
    """
    import tensorflow as tf

    archive_type = getattr(getattr(tf.keras, "export", None), "ExportArchive", None)
    structure = _input_structure(model)
    if archive_type is None or structure is None:
        # Keras 2, and models whose inputs only their own code knows.
        model.export(str(folder))
        return
    signature = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, dtype=x.dtype, name=x.name), structure)
    if isinstance(signature, Mapping):
        signature = [{name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in signature.items()}]
    elif (isinstance(signature, list | tuple) and len(signature) > 1) or not isinstance(signature, list | tuple):
        signature = [signature]
    archive = archive_type()
    archive.track(model)
    heads = keras_heads(model)

    # Keras traces a call whose `training` is open; a converted model is for inference.
    def infer(*arguments: Any) -> Any:
        answer = model(*arguments, training=False)
        # A list would become output_0, output_1, ...
        return dict(zip(heads, answer, strict=True)) if heads and isinstance(answer, list | tuple) else answer

    archive.add_endpoint("serving_default", infer, signature)
    archive.write_out(str(folder))


def export_functions(functions: Mapping[str, Any], folder: Path) -> None:
    """Write concrete functions as the signatures of a SavedModel, with the variables that they use.

    Raises:
        ValueError: a function refers to something other than variables, such as a table.
    """
    import tensorflow as tf

    holder = tf.Module()
    holder.functions = list(functions.values())
    holder.captured = [variable for function in functions.values() for variable in function.graph.variables]
    try:
        tf.saved_model.save(holder, str(folder), signatures=dict(functions))
    except AssertionError as error:
        raise ValueError(
            f"the functions {', '.join(functions)} refer to something other than variables, such as a table; save "
            "the object that owns it with tf.saved_model.save, and convert the folder"
        ) from error


def keras_specs(model: Any) -> list[InputSpec] | None:
    """The inputs of a Keras model in order; None when only its own code knows them."""
    structure = _input_structure(model)
    if structure is None:
        return None
    tensors = structure.items() if isinstance(structure, Mapping) else [(x.name, x) for x in _flat(structure)]
    return [_spec(str(name), tensor) for name, tensor in tensors]


def keras_heads(model: Any) -> list[str]:
    """The names of the outputs of a Keras model with several, in order; empty where they have no names of their own."""
    with contextlib.suppress(AttributeError, ValueError):
        if isinstance(model.output, dict):
            return list(model.output)
    names = list(getattr(model, "output_names", None) or ())
    return names if len(set(names)) == len(names) > 1 else []


def function_specs(function: Any) -> list[InputSpec] | None:
    """The inputs of a concrete function in the order of its names; None when a rank is open."""
    positional, named = function.structured_input_signature
    specs = {spec.name: spec for spec in _flat(list(positional))} | dict(named)
    if any(getattr(spec, "shape", None) is None or spec.shape.rank is None for spec in specs.values()):
        return None
    return [_spec(str(name), spec) for name, spec in specs.items()]


def _input_structure(model: Any) -> Any:
    """A Keras model's symbolic inputs as its call takes them: one, a list or a dict."""
    # A Sequential model has inputs, and no input; a functional one's input keeps the structure.
    with contextlib.suppress(AttributeError, ValueError):
        if isinstance(model.input, dict):
            return model.input
    inputs = getattr(model, "inputs", None)
    return list(inputs) if inputs else None


def _flat(structure: Any) -> Sequence[Any]:
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in _flat(item)]
    return [structure]


def _spec(name: str, tensor: Any) -> InputSpec:
    shape = tuple(None if size is None else int(size) for size in tensor.shape)
    dtype = tensor.dtype
    return InputSpec(name, shape, dtype if isinstance(dtype, str) else dtype.as_numpy_dtype().dtype.name)
