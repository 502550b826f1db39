"""Making a SavedModel of any source."""

from __future__ import annotations

import importlib.util
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zerolite._runners.keras_file import read_keras_file
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.samples.input_spec import InputSpec
from zerolite.conversion.sources.tensorflow.exported_model import export_keras_model, keras_heads, keras_specs

__all__ = ["make_saved_model"]

_SEED = 0
_DOWNLOAD_TIMEOUT_S = 30.0


def make_saved_model(
    request: ConversionRequest, folder: Path
) -> tuple[Path, Sequence[InputSpec] | None, Sequence[str]]:
    """The source as a SavedModel.

    Args:
        request: what was asked for.
        folder: where to write it, if it is not one already.

    Returns:
        Where it is, and what its "serving_default" takes and gives, in order, where that is known.

    Raises:
        ConversionError: the source can't be read, or not be exported.
        ValueError: Keras has no such application, or the model has no such inputs.
        OSError: the weights can't be downloaded, or there is no room for the SavedModel.
    """
    if request.kind == "saved_model":
        return Path(request.path), None, ()
    model = _application(request) if request.kind == "application" else _load(request)
    specs, heads = keras_specs(model, request.inputs), keras_heads(model)
    try:
        export_keras_model(model, folder, request.inputs)
    except OSError:
        raise
    except Exception as error:
        raise ConversionError(
            f"'{request.name}' can't be exported for inference: {first_line(error)}", log=""
        ) from error
    return folder, specs, heads


def _load(request: ConversionRequest) -> Any:
    try:
        return read_keras_file(
            request.path, custom_objects=_custom_objects(request.custom_objects), safe_mode=request.safe_mode
        )
    except ValueError as error:
        if request.origin == "keras_elsewhere":
            reason = str(error).partition(": ")[2].partition("; if it")[0]
            raise ConversionError(
                f"'{request.name}' can't be built on Keras's TensorFlow backend, which it is converted from: "
                f"{reason}; layers of your own have to be registered with "
                "keras.saving.register_keras_serializable, in a module that can be imported",
                log="",
            ) from error
        raise ConversionError(str(error) + _advice(str(error), request), log="") from error


def _advice(words: str, request: ConversionRequest) -> str:
    """What a conversion can do besides, where a file has code of its author."""
    if "Lambda layer" in words:
        return "; or let the conversion's process run it, with safe_mode=False (--no-safe-mode)"
    if "layers of your own" in words and not request.custom_objects:
        return "; or name the Python file that defines them, as custom_objects='layers.py' (--custom-objects layers.py)"
    return ""


def _custom_objects(path: str) -> dict[str, Any] | None:
    """The classes and functions that a Python file defines, by name; it is run, which registers what it registers."""
    if not path:
        return None
    name = Path(path).stem
    # The file may import what lies beside it, and Keras imports the modules that registered classes are of.
    sys.path.insert(0, str(Path(path).parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConversionError(f"custom_objects takes a Python file; came '{path}'", log="")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConversionError(
            f"the custom objects in '{path}' can't be defined: {type(error).__name__}: {first_line(error)}", log=""
        ) from error
    return {
        key: value
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == name
    }


def _application(request: ConversionRequest) -> Any:
    import tensorflow as tf

    wanted = request.application or {}
    name, weights, size = wanted["name"], wanted["weights"], wanted["image_size"]
    known = [entry for entry in dir(tf.keras.applications) if entry[0].isupper()]
    if name not in known:
        raise ValueError(f"Keras has no application '{name}'; it has {', '.join(known)}")
    tf.keras.utils.set_random_seed(_SEED)
    # The download has no time limit of its own, and would wait forever in a network that drops packets.
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    options: dict[str, Any] = {} if size is None else {"input_shape": (size, size, 3)}
    try:
        return getattr(tf.keras.applications, name)(weights=None if weights == "none" else weights, **options)
    except Exception as error:
        if "URL fetch failure" in str(error) or isinstance(error, OSError):
            raise OSError(
                f"the ImageNet weights of {name} can't be downloaded here ({first_line(error)}); convert with random "
                "ones instead: weights='none' (--weights none)"
            ) from error
        raise ConversionError(f"Keras can't build {name}: {first_line(error)}", log="") from error
