"""The source of a conversion on its way into the process that converts it."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zerolite._platform.output_capture import CapturedOutput
from zerolite.conversion.options import QUANTIZATION_MODES
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.sources.jax.exporting import export_jax_function
from zerolite.conversion.sources.onnx.command import INSTALL_ADVICE, find_command
from zerolite.conversion.sources.pytorch.exporting import export_module, save_program
from zerolite.conversion.sources.recognition import Source
from zerolite.conversion.sources.tensorflow.exported_model import (
    export_functions,
    export_keras_model,
    function_specs,
    keras_heads,
    keras_specs,
)

__all__ = [
    "check_custom_objects",
    "check_layout",
    "check_packages",
    "check_source_options",
    "export_source",
    "orders_of",
    "preloaded",
    "where",
]

# Sources that are objects of this process, and what they are written as.
_OBJECTS = {
    "keras_model": "a SavedModel",
    "keras_elsewhere": "a .keras file",
    "functions": "a SavedModel",
    "torch_module": "a program of torch.export",
    "torch_program": "a program of torch.export",
    "jax_function": "a program of jax.export",
}


def check_packages(source: Source, quantize: str, keep_float: object) -> None:
    """Look for what the conversion needs before any work.

    Raises:
        ImportError: it is not installed.
    """
    if source.needs_tensorflow and importlib.util.find_spec("tensorflow") is None:
        raise ImportError("conversion needs TensorFlow; install it with: pip install 'zerolite[convert]'")
    if source.kind == "jax_function" and importlib.util.find_spec("jax") is None:
        raise ImportError("a function is converted through JAX; install it with: pip install 'zerolite[jax]'")
    if source.needs_torch and importlib.util.find_spec("litert_torch") is None:
        raise ImportError(
            "converting PyTorch's models needs litert-torch; install it with: pip install 'zerolite[torch]'"
        )
    if source.kind == "onnx_file":
        has_command = find_command() is not None
        if not all(map(importlib.util.find_spec, ("onnx", "onnxruntime"))):
            also = "" if has_command else f"; and it needs {INSTALL_ADVICE}"
            raise ImportError(
                "converting ONNX files needs onnx and ONNX Runtime; install them with: pip install 'zerolite[onnx]'"
                f"{also}"
            )
        if not has_command:
            raise ImportError(f"converting ONNX files needs {INSTALL_ADVICE}")
    mode = QUANTIZATION_MODES[quantize]
    needed = mode.needs_quantizer or keep_float or (quantize != "none" and not source.needs_tensorflow)
    if needed and importlib.util.find_spec("litert_quantizer") is None:
        what = "quantizing a .tflite file" if source.kind == "tflite" else f"quantize='{quantize}'"
        what = "keep_float" if keep_float else what
        raise ImportError(f"{what} needs litert-quantizer; install it with: pip install 'zerolite[quantize]'")


def check_source_options(
    source: Source, sample_inputs: Any, input_shapes: Mapping[str, Sequence[int]] | None, refused: Sequence[str]
) -> None:
    """Hold the options against a source of PyTorch or JAX, or of something else.

    Raises:
        ValueError: they do not go with it; `refused` are those that were given and that only TensorFlow has.
    """
    if source.kind == "torch_module" and sample_inputs is None:
        raise ValueError(
            f"the module {source.name} has no inputs by itself; give what it is called with, as "
            "sample_inputs=(torch.zeros(1, 3, 224, 224),)"
        )
    if source.kind == "jax_function" and (sample_inputs is None) == (not input_shapes):
        raise ValueError(
            f"the function {source.name} has no inputs by itself; give what it is called with, as "
            "sample_inputs=(np.zeros((1, 8), np.float32),), or the shapes of its float32 parameters, as "
            "input_shapes={'x': (1, 8)}"
        )
    if source.kind not in ("torch_module", "jax_function") and sample_inputs is not None:
        raise ValueError(
            f"sample_inputs are for a PyTorch module or a JAX function, and {source.name} knows its inputs; leave them "
            "out"
        )
    if refused and (source.needs_torch or source.kind == "onnx_file"):
        kind = "of PyTorch" if source.needs_torch else "an ONNX file"
        raise ValueError(f"{refused[0]} is for models that TensorFlow converts, and '{source.name}' is {kind}")


def check_custom_objects(source: Source, custom_objects: str | os.PathLike[str] | None, *, safe_mode: bool) -> None:
    """Hold what concerns code of a Keras file's author against the source.

    Raises:
        ValueError: the source is no such file.
        FileNotFoundError: there is no such Python file.
    """
    if source.kind not in ("keras_file", "keras_elsewhere") and (custom_objects is not None or not safe_mode):
        name = "safe_mode" if custom_objects is None else "custom_objects"
        raise ValueError(f"{name} is for files that Keras wrote, and '{source.name}' is none; leave it out")
    if custom_objects is not None and not Path(custom_objects).is_file():
        raise FileNotFoundError(f"there is no Python file {custom_objects} to take custom objects from")


def check_layout(source: Source, layout: str) -> None:
    """Hold the order of axes against the source.

    Raises:
        ValueError: there is no such order, or the source has channels last already.
    """
    if layout not in ("source", "nhwc"):
        raise ValueError(f"layout must be 'source' or 'nhwc'; came '{layout}'")
    if layout == "nhwc" and not (source.needs_torch or source.kind == "onnx_file"):
        raise ValueError(
            f"layout='nhwc' is for sources of PyTorch and ONNX, which have channels first; '{source.name}' keeps the "
            "order that it has: leave it (--layout) out"
        )


def preloaded(source: Source) -> str:
    """What the other process needs to read the source, and should import early."""
    if source.needs_torch:
        return "litert_torch"
    return "tensorflow" if source.needs_tensorflow else ""


def orders_of(source: Source) -> dict[str, tuple[Sequence[str], Sequence[str]]]:
    """The names of inputs and outputs of a source in this process, in its order, by signature."""
    if source.kind == "keras_model":
        specs = keras_specs(source.value) or ()
        return {"serving_default": ([spec.name for spec in specs], keras_heads(source.value))}
    if source.kind == "functions":
        return {key: ([spec.name for spec in function_specs(one) or ()], ()) for key, one in source.value.items()}
    return {}


def where(source: Source, folder: Path) -> dict[str, Any]:
    """The source as a request names it; models of this process are in `folder` by then."""
    if source.kind == "application":
        return {"kind": source.kind, "name": source.name, "application": dataclasses.asdict(source.value)}
    if isinstance(source.value, Path):
        kind = "torch_program" if source.needs_torch else source.kind
        return {"kind": kind, "name": source.name, "path": str(source.value.absolute())}
    if source.kind == "jax_function":
        return {"kind": "jax_program", "name": source.name, "path": str(folder / "model")}
    if source.kind == "keras_elsewhere":
        return {"kind": "keras_file", "name": source.name, "path": str(folder / "model.keras")}
    kind = "torch_program" if source.needs_torch else "saved_model"
    return {"kind": kind, "name": source.name, "path": str(folder / ("model.pt2" if source.needs_torch else "model"))}


def export_source(
    source: Source,
    folder: Path,
    inputs: Mapping[str, Sequence[int]] | None,
    sample_inputs: Any,
    on_step: Callable[[str], None] | None,
) -> str:
    """Write a model of this process where the other one can read it, and return what that printed."""
    if source.kind not in _OBJECTS:
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
            elif source.kind == "jax_function":
                export_jax_function(source.value, sample_inputs, inputs, folder)
            elif source.needs_torch:
                program = source.value if source.kind == "torch_program" else export_module(source.value, sample_inputs)
                save_program(program, folder.with_suffix(".pt2"))
            else:
                export_functions(source.value, folder)
    except OSError:
        raise
    except Exception as error:
        form = _OBJECTS[source.kind]
        raise ConversionError(
            f"'{source.name}' can't be written as {form}, which it is converted from: {first_line(error)}",
            log=output.text,
        ) from error
    return output.text + "".join(f"{warning.category.__name__}: {warning.message}\n" for warning in caught)
