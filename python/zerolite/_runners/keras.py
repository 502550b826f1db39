"""Keras models as runners."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.runner import TensorSpec, check_inputs, chosen_output
from zerolite._runners.score_kind import ScoreKind

if TYPE_CHECKING:
    from zerolite._runtime.validation import Reset

__all__ = ["KerasRunner"]

# Layers that change the shape or the type of scores, and nothing of what they mean.
_CARRIERS = ("Reshape", "Flatten", "Permute", "Identity", "UpSampling2D")
_MOST_CARRIERS = 8
_KINDS: Mapping[str, ScoreKind] = {"sigmoid": "probability", "softmax": "softmax", "linear": "logit"}


class KerasRunner:
    """A Keras model on TensorFlow.

    The model is traced once into a `tf.function` for a batch of one, which is the quickest ordinary way to
    call it: 0.8 ms for one image of the demonstration's network, where `model.predict` took 119 ms
    (TensorFlow 2.21, two shared x86-64 cores).
    """

    runtime = "Keras"
    items_per_call = 1

    def __init__(self, model: Any, *, output: str | None = None, reset: Reset = "item") -> None:
        """Adapt `model` and trace it.

        Args:
            model: a Keras model of the functional or sequential kind.
            output: the name of the output to read; it may be left out when there is only one.
            reset: when `map` resets layers that are stateful.

        Raises:
            ValueError: the model has no inputs or no such output.
            ImportError: TensorFlow is not installed.
        """
        if not getattr(model, "outputs", None):
            raise ValueError(
                "the Keras model does not tell its inputs and outputs, as one of a class of your own: give it as "
                "keras.Model(x, model(x)) with x = keras.Input(shape of one item)"
            )
        outputs = _named_outputs(model)
        self.output_names = tuple(outputs)
        chosen = chosen_output(outputs, output)
        self.inputs = tuple(_spec(tensor, str(tensor.name)) for tensor in model.inputs)
        self.output = _spec(outputs[chosen], chosen)
        check_inputs(self.inputs)
        self.score_kind = _score_kind(outputs[chosen])
        place = list(outputs).index(chosen)

        def compute(*tensors: Any) -> Any:
            results = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
            if isinstance(results, dict):
                return results[chosen]
            return results[place] if isinstance(results, list | tuple) else results

        layers: Iterable[Any] = getattr(model, "_flatten_layers", tuple)()
        stateful = [layer for layer in layers if getattr(layer, "stateful", False) and hasattr(layer, "reset_state")]

        def reset_layers() -> None:
            for layer in stateful:
                layer.reset_state()

        self.reset = reset_layers if stateful else None
        self._resets_items = reset == "item"
        self._compute = compute
        self._batched: Callable[..., NDArray[Any]] | None = None
        self.function = self._traced(batch=1)

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items as one batch; one by one through layers that are stateful."""
        if self.reset is not None:
            results = []
            for index in range(len(batches[0])):
                if self._resets_items:
                    self.reset()
                results.append(self.function(*(batch[index : index + 1] for batch in batches)))
            return np.concatenate(results)
        if self._batched is None:
            self._batched = self._traced(batch=None)
        return self._batched(*batches)

    def close(self) -> None:
        """Nothing to give back: a Keras model has no close."""

    def _traced(self, *, batch: int | None) -> Callable[..., NDArray[Any]]:
        import tensorflow as tf

        traced = tf.function(
            self._compute,
            input_signature=[
                tf.TensorSpec(
                    (batch, *(None if axis in spec.open_axes else size for axis, size in enumerate(spec.shape[1:], 1))),
                    spec.dtype,
                )
                for spec in self.inputs
            ],
            autograph=False,
        ).get_concrete_function()
        convert = tf.convert_to_tensor

        def function(*arrays: NDArray[Any]) -> NDArray[Any]:
            # Copied, because .numpy() may hand out TensorFlow's own memory.
            result: NDArray[Any] = np.array(traced(*map(convert, arrays)))
            return result

        return function


def _score_kind(output: Any) -> ScoreKind:
    """What an output is, by the activation of the layer that makes it."""
    layer = _layer_of(output)
    for _ in range(_MOST_CARRIERS):
        if type(layer).__name__ not in _CARRIERS:
            break
        try:
            layer = _layer_of(layer.input)
        except (AttributeError, ValueError):  # a layer that is used several times has several inputs
            return "unknown"
    if type(layer).__name__ in ("Sigmoid", "Softmax"):
        return "softmax" if type(layer).__name__ == "Softmax" else "probability"
    return _KINDS.get(getattr(getattr(layer, "activation", None), "__name__", ""), "unknown")


def _layer_of(tensor: Any) -> Any:
    history = getattr(tensor, "_keras_history", None)
    return getattr(history, "operation", getattr(history, "layer", None))


def _named_outputs(model: Any) -> dict[str, Any]:
    """The outputs of a model by the names that a conversion gives them, too."""
    # A sequential model (Keras 3.15) has no output before it was called, and does not tell the names of its outputs.
    with contextlib.suppress(AttributeError, ValueError):
        if isinstance(model.output, Mapping):
            return dict(model.output)
    names = list(getattr(model, "output_names", None) or ())
    if len(set(names)) != len(model.outputs):
        names = [f"output_{place}" for place in range(len(model.outputs))]
    return dict(zip(names, model.outputs, strict=True))


def _spec(tensor: Any, name: str) -> TensorSpec:
    open_axes = tuple(axis for axis, size in enumerate(tensor.shape) if size is None)
    shape = (1, *(1 if size is None else size for size in tensor.shape[1:]))
    return TensorSpec(name=name, shape=shape, dtype=np.dtype(tensor.dtype), open_axes=open_axes)
