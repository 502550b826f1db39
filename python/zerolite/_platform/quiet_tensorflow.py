"""Importing TensorFlow without its greetings."""

from __future__ import annotations

import importlib
import os

from zerolite._platform.output_capture import CapturedOutput

__all__ = ["import_tensorflow_quietly"]


def import_tensorflow_quietly() -> None:
    """Import TensorFlow and Keras for the CPU, with their logs at errors only.

    Environment variables are the only way to say so, and they count for the whole process: this is for
    processes that are about to start with TensorFlow. Variables that are set already stay as they are.

    Raises:
        ImportError: TensorFlow is not installed (extra "convert").
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # The runtimes are compared on the CPU; looking for a GPU costs time and prints errors where there is
    # none.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # What is printed before the log level counts goes nowhere.
    with CapturedOutput():
        importlib.import_module("tensorflow.keras")
