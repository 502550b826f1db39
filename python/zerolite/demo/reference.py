"""The reference that zerolite's predictions are held against: tf.lite.Interpreter."""

from __future__ import annotations

import warnings
from typing import Any

from zerolite.captured_output import CapturedOutput

__all__ = ["reference_interpreter"]


def reference_interpreter(content: bytes) -> Any:
    """A `tf.lite.Interpreter` with one thread, its tensors allocated, for the model in `content`."""
    import tensorflow as tf

    # TensorFlow 2.20 and later announce the class's move to ai_edge_litert with a warning, and XNNPACK
    # announces itself on stderr when the tensors are allocated.
    with warnings.catch_warnings(), CapturedOutput():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter
