"""Sources of a conversion: what they are, and how they are recognized."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zerolite._hub.download import local_file
from zerolite._runners.keras_file import KERAS_FILES, is_keras_file
from zerolite.conversion.sources.jax.exporting import function_name, is_jax_function
from zerolite.conversion.sources.pytorch.exporting import is_module, is_program

__all__ = ["KerasApplication", "Source", "SourceKind", "recognize_source"]

SourceKind = Literal[
    "saved_model",
    "keras_file",
    "tflite",
    "application",
    "keras_model",
    "keras_elsewhere",
    "functions",
    "torch_file",
    "torch_module",
    "torch_program",
    "jax_function",
    "onnx_file",
]

_KNOWN = (
    "a Keras model, concrete functions, a KerasApplication, a PyTorch module, a program of torch.export, a "
    "JAX function, or the path "
    f"of a {', '.join(KERAS_FILES)}, .pt2, .onnx or .tflite file or of a SavedModel's folder"
)
# What PyTorch writes, and is no program: weights, pickled modules, TorchScript.
_OTHER_TORCH_FILES = (".pt", ".pth", ".ckpt")


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasApplication:
    """A network of `keras.applications`, built and converted in the conversion's own process.

    Attributes:
        name: the constructor's name, as "MobileNetV2".
        weights: "imagenet" downloads trained weights, once; "none" makes random ones from a fixed seed.
        image_size: height and width of the input in pixels; None is the network's own.

    Raises:
        ValueError: the weights are neither of these, or the size is not positive.
    """

    name: str
    weights: Literal["imagenet", "none"] = "imagenet"
    image_size: int | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"'{self.name}' is no name of a Keras application; give one such as 'MobileNetV2'")
        if self.weights not in ("imagenet", "none"):
            raise ValueError(f"weights must be 'imagenet' or 'none'; came '{self.weights}'")
        if self.image_size is not None and self.image_size < 1:
            raise ValueError(f"image_size must be at least 1; came {self.image_size}")


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was recognized.

    Attributes:
        kind: what it is; "keras_model", "keras_elsewhere" (on another backend than TensorFlow), "functions",
            "torch_module", "torch_program" and "jax_function" are objects of this process.
        name: what errors call it.
        value: its `Path`, the `KerasApplication`, the model, the program, or the concrete functions by signature.
    """

    kind: SourceKind
    name: str
    value: Any

    @property
    def needs_tensorflow(self) -> bool:
        """Whether it takes TensorFlow to read it."""
        return self.kind not in ("tflite", "onnx_file") and not self.needs_torch

    @property
    def needs_torch(self) -> bool:
        """Whether it takes PyTorch to read it."""
        return self.kind in ("torch_file", "torch_module", "torch_program")

    @property
    def size(self) -> int:
        """How many bytes it takes up on disk; 0 when it is not on a disk."""
        if not isinstance(self.value, Path):
            return 0
        if self.value.is_dir():
            return sum(path.stat().st_size for path in self.value.rglob("*") if path.is_file())
        return self.value.stat().st_size


def recognize_source(source: Any) -> Source:
    """Find out what `source` is.

    Raises:
        TypeError: nothing that can be converted.
        FileNotFoundError: there is no model at the path.
    """
    if isinstance(source, str | os.PathLike):
        return _file(Path(local_file(source)))
    if isinstance(source, KerasApplication):
        return Source("application", source.name, source)
    functions = _functions(source)
    if functions:
        return Source("functions", ", ".join(functions), functions)
    found = _object(source)
    if found is not None:
        return found
    if hasattr(source, "get_concrete_function"):
        raise TypeError("can't convert a tf.function as it is; give one of its graphs: f.get_concrete_function(...)")
    raise TypeError(f"can't convert a {type(source).__name__}; give {_KNOWN}")


def _object(value: Any) -> Source | None:
    """A model or a function of this process; None when it is neither."""
    if _is_keras_model(value):
        kind: SourceKind = "keras_model" if _is_on_tensorflow(value) else "keras_elsewhere"
        return Source(kind, str(getattr(value, "name", None) or type(value).__name__), value)
    if is_program(value):
        return Source("torch_program", "the exported program", value)
    if is_module(value):
        return Source("torch_module", type(value).__name__, value)
    if is_jax_function(value):
        return Source("jax_function", function_name(value), value)
    return None


def _file(path: Path) -> Source:
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise FileNotFoundError(f"the folder {path} is no SavedModel: it has no saved_model.pb")
        return Source("saved_model", str(path), path)
    if is_keras_file(path):
        return Source("keras_file", str(path), path)
    if path.suffix == ".onnx":
        return Source("onnx_file", str(path), path)
    if path.suffix == ".pt2":
        return Source("torch_file", str(path), path)
    if path.suffix in _OTHER_TORCH_FILES:
        raise TypeError(
            f"can't convert {path}: it holds weights or code, and not a program; load it in Python and give zerolite "
            "the module with sample_inputs, or write a .pt2 file with torch.export.save"
        )
    if path.suffix == ".tflite":
        return Source("tflite", str(path), path)
    raise TypeError(
        f"can't convert {path}: give a {', '.join(KERAS_FILES)}, .pt2, .onnx or .tflite file, or a SavedModel's folder "
        "(for a saved_model.pb, the folder it is in)"
    )


def _functions(source: Any) -> dict[str, Any]:
    """Concrete functions by signature; empty when `source` is something else."""
    if _is_concrete(source):
        return {"serving_default": source}
    if isinstance(source, Mapping) and all(map(_is_concrete, source.values())):
        return {str(key): function for key, function in source.items()}
    if isinstance(source, Sequence) and all(map(_is_concrete, source)):
        if len(source) == 1:
            return {"serving_default": source[0]}
        names = [_function_name(function) for function in source]
        if len(set(names)) != len(names):
            raise TypeError(
                f"several functions are called '{next(name for name in names if names.count(name) > 1)}'; give "
                "them as a mapping from signature to function"
            )
        return dict(zip(names, source, strict=True))
    return {}


def _is_keras_model(value: Any) -> bool:
    """Whether it is a Keras model of any kind, seen without importing Keras."""
    # A Sequential model that has not been built raises when asked for inputs; its class has the property. A subclassed
    # one has none.
    knows_inputs = hasattr(value, "inputs") or hasattr(type(value), "inputs")
    return hasattr(value, "export") and (knows_inputs or hasattr(value, "predict_on_batch"))


def _is_on_tensorflow(model: Any) -> bool:
    """Whether a Keras model computes with TensorFlow; Keras 3 has other backends, one for the whole process."""
    backends = {base.__module__ for base in type(model).__mro__ if base.__module__.startswith("keras.src.backend.")}
    return not any(name.split(".")[3] in ("jax", "torch", "openvino", "numpy") for name in backends)


def _is_concrete(value: Any) -> bool:
    return hasattr(value, "structured_input_signature") and hasattr(value, "graph")


def _function_name(function: Any) -> str:
    """The Python function's name; TensorFlow calls a concrete one "__inference_<name>_<number>"."""
    name = function.name
    text = name.decode() if isinstance(name, bytes) else str(name)
    return text.removeprefix("__inference_").rpartition("_")[0] or text
