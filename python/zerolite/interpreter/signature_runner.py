"""Signatures of an interpreter's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite.interpreter.graph_details import GraphDetails
from zerolite.interpreter.wrapper import InterpreterWrapper

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["SignatureRunner"]


class SignatureRunner:
    """Runs one signature of an interpreter's model by names; `Interpreter.get_signature_runner` makes it.

    Inputs take the shapes of the values that they are given. It shares its tensors with the interpreter and with the
    other runners of the same subgraph, as tf.lite's does.
    """

    def __init__(self, interpreter: GraphDetails | None = None, signature_key: str | None = None) -> None:
        """Look the signature up.

        Raises:
            ValueError: one of the arguments is missing, or the model has no such signature.
        """
        if interpreter is None:
            raise ValueError("None interpreter provided; pass the interpreter that has the signature")
        if signature_key is None:
            raise ValueError("None signature_key provided; pass the key of a signature")
        signatures = interpreter._get_full_signature_list()
        if signature_key not in signatures:
            known = ", ".join(map(repr, signatures)) or "none"
            unusable = interpreter._unusable_signatures().get(signature_key)
            reason = "" if unusable is None else f" can't be used: {unusable}"
            raise ValueError(f'Invalid signature_key provided: "{signature_key}"{reason}; the model has {known}')
        self._interpreter = interpreter
        self._signature_key = signature_key
        self._inputs = signatures[signature_key]["inputs"]
        self._outputs = signatures[signature_key]["outputs"]
        self._subgraph_index = interpreter._signature_subgraphs()[list(signatures).index(signature_key)]

    @property
    def _interpreter_wrapper(self) -> InterpreterWrapper:
        return InterpreterWrapper(self._interpreter)

    def __call__(self, /, **kwargs: Any) -> dict[str, npt.NDArray[Any]]:
        """Run the signature.

        Args:
            **kwargs: an array for each input by its name in the signature, of the input's dtype. A shape that differs
                from the input's resizes it.

        Returns:
            The outputs by their names in the signature, in alphabetical order.

        Raises:
            ValueError: an input is missing or unknown, or a value has another dtype than its input.
            Error: (a RuntimeError) the graph does not work with these shapes, or a kernel failed.
        """
        if len(kwargs) != len(self._inputs):
            raise ValueError(
                f"Invalid number of inputs provided for running a SignatureDef, expected {len(self._inputs)} vs "
                f"provided {len(kwargs)}: the inputs are {list(self._inputs)}"
            )
        interpreter, subgraph = self._interpreter, self._subgraph_index
        for name, value in kwargs.items():
            if name not in self._inputs:
                raise ValueError(f"Invalid Input name ({name}) for SignatureDef: the inputs are {list(self._inputs)}")
            interpreter._resize(self._inputs[name], np.array(value.shape, np.int32).tolist(), subgraph)
        interpreter._allocate(subgraph)
        for name, value in kwargs.items():
            interpreter._set(self._inputs[name], value, subgraph)
        interpreter._invoke(subgraph)
        return {name: interpreter.get_tensor(index, subgraph) for name, index in self._outputs.items()}

    def get_input_details(self) -> dict[str, dict[str, Any]]:
        """Tell about the inputs: their details, as in `Interpreter.get_input_details`, by name."""
        return self._details(self._inputs)

    def get_output_details(self) -> dict[str, dict[str, Any]]:
        """Tell about the outputs: their details, as in `Interpreter.get_output_details`, by name."""
        return self._details(self._outputs)

    def _details(self, tensors: dict[str, int]) -> dict[str, dict[str, Any]]:
        details = self._interpreter._get_tensor_details
        return {name: details(index, self._subgraph_index) for name, index in tensors.items()}
