"""Files that Keras wrote."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zerolite._platform.output_capture import CapturedOutput, import_tensorflow

__all__ = ["KERAS_FILES", "is_keras_file", "load_keras_file", "read_keras_file"]

#: How the names of Keras files end.
KERAS_FILES = (".keras", ".h5", ".hdf5")


def is_keras_file(model: Any) -> bool:
    """Whether it is the path of a file that Keras wrote."""
    return isinstance(model, str | os.PathLike) and Path(model).suffix in KERAS_FILES


def load_keras_file(path: str | os.PathLike[str]) -> Any:
    """Load a model from a file of Keras without a word on the terminal; nothing in it is unpickled or run.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no model that this Keras can load.
        ImportError: TensorFlow is not installed (extra "convert").
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    import_tensorflow()
    with warnings.catch_warnings(), CapturedOutput():
        warnings.simplefilter("ignore")
        return read_keras_file(path)


def read_keras_file(
    path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """Load a model from a file of Keras, where TensorFlow is imported already.

    Args:
        path: the file.
        custom_objects: layers and functions of its author by name.
        safe_mode: leave Python code in the file, as Lambda layers have it, alone.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no model that this Keras can load.
    """
    import tensorflow as tf

    try:
        return tf.keras.models.load_model(path, custom_objects, compile=False, safe_mode=safe_mode)
    except Exception as error:
        # h5py raises an OSError without a number for what is no HDF5 file.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        start = f"Keras {tf.keras.__version__} can't read '{os.fspath(path)}'"
        raise ValueError(start + _reason(Path(path), error, tf.keras.__version__)) from error


def _reason(path: Path, error: Exception, keras_version: str) -> str:
    """Why Keras could not read a file, and what to do: its own words are about calls that its caller made."""
    words = str(error)
    told = _told_by_file(path, keras_version)
    if told:
        return f" {told}: {_last_cause(words)}"
    if "safe_mode" in words or "enable_unsafe_deserialization" in words:
        return (
            ": a Lambda layer in it holds Python code, which is not run out of a file. If you trust the file, load it "
            f"in Python with keras.models.load_model('{path}', safe_mode=False), and give zerolite the model that this "
            "returns"
        )
    return (
        f": {_last_cause(words)}; if it has layers of your own, load it where they are defined and give zerolite the "
        "model instead of the file"
    )


def _last_cause(words: str) -> str:
    """The sentence that says what is wrong: Keras prints all settings of all layers before it, and after."""
    cause = words.rpartition("Exception encountered: ")[2].strip()
    first = re.split(r"\.\s|\n", cause, maxsplit=1)[0].rstrip(".")
    return first or "it gives no reason"


def _told_by_file(path: Path, keras_version: str) -> str:
    """What an .h5 file says of itself, where that is why it can't be read."""
    if path.suffix == ".keras":
        return ""
    try:
        import h5py

        with h5py.File(path, "r") as file:
            version = file.attrs.get("keras_version", "")
            has_config = "model_config" in file.attrs
    except (ImportError, OSError):
        return ""
    version = version.decode() if isinstance(version, bytes) else str(version)
    if not has_config:
        return "(the file holds weights only, without the model; build the model, call load_weights, and give that)"
    if version and version.partition(".")[0] != keras_version.partition(".")[0]:
        return (
            f"(written by Keras {version}; where tf_keras is installed, TF_USE_LEGACY_KERAS=1 reads the files of "
            "Keras 2)"
        )
    return ""
