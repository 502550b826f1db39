"""Keras models as runners."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.runners.tensor_spec import TensorSpec

__all__ = ["KerasRunner"]


class KerasRunner:
    """A Keras model on TensorFlow with one input and one output.

    The model is traced once into a `tf.function` for a batch of one, which is the quickest ordinary way to
    call it: 0.8 ms for one image of the demonstration's network, where `model.predict` took 119 ms
    (TensorFlow 2.21, two shared x86-64 cores).
    """

    runtime = "Keras"

    def __init__(self, model: Any) -> None:
        """Adapt `model` and trace it.

        Raises:
            ValueError: the model has several inputs or outputs, or an axis beside the batch is open.
            ImportError: TensorFlow is not installed.
        """
        import tensorflow as tf

        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise ValueError(
                f"an evaluation feeds Keras models with one input and one output; '{model.name}' has "
                f"{len(model.inputs)} and {len(model.outputs)}"
            )
        self.input = _spec(model.inputs[0])
        self.output = _spec(model.outputs[0])
        traced = tf.function(
            lambda x: model(x, training=False),
            input_signature=[tf.TensorSpec(self.input.shape, self.input.dtype)],
            autograph=False,
        ).get_concrete_function()
        convert = tf.convert_to_tensor

        def function(x: NDArray[Any]) -> NDArray[Any]:
            # Copied, because .numpy() may hand out TensorFlow's own memory.
            result: NDArray[Any] = np.array(traced(convert(x)))
            return result

        self.function = function

    def close(self) -> None:
        """Nothing to give back: a Keras model has no close."""


def _spec(tensor: Any) -> TensorSpec:
    shape = (1, *tensor.shape[1:])
    if any(size is None for size in shape):
        raise ValueError(f"Keras tensor '{tensor.name}' has an open axis: {tuple(tensor.shape)}")
    return TensorSpec(name=str(tensor.name), shape=shape, dtype=np.dtype(tensor.dtype))
