"""tf.lite.Interpreter, and its twin in ai_edge_litert, as runners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.affine_quantization import AffineQuantization
from zerolite.runners.interface import check_batch_of_one, check_one_input, chosen_output
from zerolite.runners.tensor_spec import TensorSpec

__all__ = ["InterpreterRunner"]


class InterpreterRunner:
    """An interpreter with one input: set_tensor, invoke, get_tensor."""

    def __init__(self, interpreter: Any, *, output: str | None = None) -> None:
        """Adapt `interpreter` and allocate its tensors.

        Args:
            interpreter: a `tf.lite.Interpreter` or `ai_edge_litert.interpreter.Interpreter` with one input
                whose batch is 1.
            output: the name of the output to read, as its signature has it; it may be left out when there is
                only one.

        Raises:
            ValueError: the model has several inputs, a batch other than 1, or no such output.
        """
        interpreter.allocate_tensors()
        inputs = interpreter.get_input_details()
        check_one_input([str(details["name"]) for details in inputs])
        outputs = _named_outputs(interpreter)
        chosen = outputs[chosen_output(outputs, output)]
        self.runtime = "tf.lite" if type(interpreter).__module__.startswith("tensorflow") else "ai_edge_litert"
        self.input = _spec(inputs[0])
        self.output = _spec(chosen)
        check_batch_of_one(self.input)
        set_tensor, invoke, get_tensor = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
        input_index, output_index = inputs[0]["index"], chosen["index"]

        def function(x: NDArray[Any]) -> NDArray[Any]:
            set_tensor(input_index, x)
            invoke()
            result: NDArray[Any] = get_tensor(output_index)
            return result

        self.function = function

    def close(self) -> None:
        """Nothing to give back: an interpreter has no close."""


def _named_outputs(interpreter: Any) -> dict[str, Mapping[str, Any]]:
    """Details by the names of the default signature, or by tensor names in a model without signatures."""
    signatures = list(interpreter.get_signature_list())
    if signatures:
        default = "serving_default" if "serving_default" in signatures else signatures[0]
        return dict(interpreter.get_signature_runner(default).get_output_details())
    return {str(details["name"]): details for details in interpreter.get_output_details()}


def _spec(details: Mapping[str, Any]) -> TensorSpec:
    parameters = details["quantization_parameters"]
    quantization = None
    if len(parameters["scales"]):
        quantization = AffineQuantization.of(
            parameters["scales"], parameters["zero_points"], int(parameters["quantized_dimension"])
        )
    return TensorSpec(
        name=str(details["name"]),
        shape=tuple(int(size) for size in details["shape"]),
        dtype=np.dtype(details["dtype"]),
        quantization=quantization,
    )
