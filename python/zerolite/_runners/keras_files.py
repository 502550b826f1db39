"""Keras models in files."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from zerolite._platform.output_capture import CapturedOutput
from zerolite._platform.quiet_tensorflow import import_tensorflow_quietly

__all__ = ["is_keras_file", "load_keras_file"]


def is_keras_file(model: Any) -> bool:
    """Whether it is the path of a file that Keras wrote."""
    return isinstance(model, str | os.PathLike) and Path(model).suffix in (".keras", ".h5")


def load_keras_file(path: str | os.PathLike[str]) -> Any:
    """Load a model from a .keras or .h5 file; nothing in it is unpickled or run.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no model that this Keras can load.
        ImportError: TensorFlow is not installed (extra "convert").
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    import_tensorflow_quietly()
    import tensorflow as tf

    with warnings.catch_warnings(), CapturedOutput():
        warnings.simplefilter("ignore")
        try:
            return tf.keras.models.load_model(path, compile=False)
        except Exception as error:
            raise ValueError(f"{path} can't be loaded with Keras {tf.keras.__version__}: {error}") from error
