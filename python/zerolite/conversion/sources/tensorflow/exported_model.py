"""Models in memory as SavedModels on disk, which any process can read without their Python classes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zerolite.conversion.samples.input_spec import InputSpec
from zerolite.conversion.sources.tensorflow.keras_call import KerasCall
from zerolite.conversion.sources.tensorflow.node_names import node_names, rename_inputs

__all__ = ["export_functions", "export_keras_model", "function_specs", "keras_heads", "keras_specs"]

_SIGNATURE = "serving_default"
_HALF_TYPES = ("float16", "bfloat16")


def export_keras_model(model: Any, folder: Path, shapes: Mapping[str, Sequence[int]] | None = None) -> None:
    """Write a Keras model's inference, under the signature "serving_default", in float32.

    Args:
        model: the model.
        folder: where to write it.
        shapes: shapes by input, batch included, to trace it with. A recurrent layer that is traced with an open batch
            keeps that, whatever the shape of its inputs becomes.

    Raises:
        ValueError: the model has no inputs yet, or does not take these.
        Exception: whatever Keras or TensorFlow raise where a model can't be traced.
    """
    import tensorflow as tf

    archive_type = getattr(getattr(tf.keras, "export", None), "ExportArchive", None)
    call = KerasCall.of(model, shapes)
    with computing_in_float32(model):
        if archive_type is None:  # Keras 2
            model.export(str(folder))
            return
        if call is None:
            raise ValueError(KerasCall.unknown(model))
        safe = node_names(spec.name for spec in call.specs)

        heads = keras_heads(model)

        # Keras traces a call whose `training` is open; a converted model is for inference.
        def infer(*arguments: Any) -> Any:
            first, others = call.bound(arguments)
            answer = model(first, **others, **mode)
            # A list would become output_0, output_1, ...
            return dict(zip(heads, answer, strict=True)) if heads and isinstance(answer, list | tuple) else answer

        mode = {"training": False} if _takes_training(model) else {}
        if not model.built:
            first, others = call.bound(call.signature(lambda spec: tf.keras.KerasTensor(spec.shape, spec.dtype)))
            model(first, **others)
        archive = archive_type()
        archive.track(model)
        signature = call.signature(lambda spec: tf.TensorSpec(spec.shape, spec.dtype, name=safe[spec.name]))
        archive.add_endpoint(_SIGNATURE, infer, signature)
        archive.write_out(str(folder))
    rename_inputs(folder, _SIGNATURE, {name: key for key, name in safe.items()})


def _takes_training(model: Any) -> bool:
    """Whether a model's call has the argument `training`; Keras 3 refuses it where it has not."""
    return bool(getattr(model, "_call_has_training_arg", True))


@contextlib.contextmanager
def computing_in_float32(model: Any) -> Iterator[None]:
    """Context manager: layers of a Keras 3 model that compute in 16 bits do it in float32, as TFLite's kernels do.

    Under the policies mixed_float16 and mixed_bfloat16 the weights are float32 already.
    """
    changed = []
    with contextlib.ExitStack() as stack:
        layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else ()
        for layer in layers:
            if getattr(layer, "quantization_mode", "unknown") is None and layer.compute_dtype in _HALF_TYPES:
                changed.append((layer, layer._dtype_policy))
        if changed:
            import tensorflow as tf

            policy = tf.keras.dtype_policies.get("float32")
            for layer, own in changed:
                # Not through `dtype_policy`: a map of policies is shared by layers, which that would write to.
                layer._dtype_policy = policy
                stack.callback(setattr, layer, "_dtype_policy", own)
        yield


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


def keras_specs(model: Any, shapes: Mapping[str, Sequence[int]] | None = None) -> list[InputSpec] | None:
    """The inputs of a Keras model in order; None when only its own code knows them.

    Raises:
        ValueError: a shape does not fit, or the model has no input of that name.
    """
    call = KerasCall.of(model, shapes)
    return None if call is None else call.specs


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
    return [
        InputSpec(
            str(name),
            tuple(None if size is None else int(size) for size in spec.shape),
            spec.dtype.as_numpy_dtype().dtype.name,
        )
        for name, spec in specs.items()
    ]


def _flat(structure: Any) -> Sequence[Any]:
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in _flat(item)]
    return [structure]
