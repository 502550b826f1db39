"""The references: tf.lite.Interpreter, and its twin in ai_edge_litert."""

from __future__ import annotations

import warnings
from typing import Any, Literal

from zerolite._platform.output_capture import CapturedOutput

__all__ = ["reference_interpreter"]


def reference_interpreter(
    content: bytes, *, runtime: Literal["tf.lite", "ai_edge_litert"] = "tf.lite", threads: int | None = 1
) -> Any:
    """An interpreter for the model in `content`, its tensors allocated.

    Raises:
        ImportError: TensorFlow is not installed (extra "convert").
        ValueError: the content is not a sound model.
    """
    # TensorFlow 2.20 and later announce the class's move to ai_edge_litert with a warning, and XNNPACK
    # announces itself on stderr when the tensors are allocated.
    with warnings.catch_warnings(), CapturedOutput():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        interpreter = _interpreter_class(runtime)(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


def _interpreter_class(runtime: str) -> Any:
    if runtime == "tf.lite":
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ImportError(
                "tf.lite.Interpreter needs TensorFlow, which is not installed; pip install 'zerolite[convert]'"
            ) from error
        return tf.lite.Interpreter
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter
