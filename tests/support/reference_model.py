"""One reference interpreter that keeps its state between runs, to hold zerolite against run by run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import as_tensor_dtype
from tests.support.model_zoo import Array, Detail, ModelEntry

PLACEHOLDER = "<placeholder signature>"


class ReferenceModel:
    """What `ai_edge_litert.interpreter.Interpreter` says of a model, signature by signature.

    A model without signatures is run by position; its names are then those that zerolite gives, which are distinct.
    """

    def __init__(self, model: Path | bytes) -> None:
        self._interpreter = zoo.reference_interpreter(model)
        self._signatures: Mapping[str, Mapping[str, list[str]]] = self._interpreter.get_signature_list()
        self._runners: dict[str, Any] = {}

    @property
    def keys(self) -> list[str]:
        return list(self._signatures) or [PLACEHOLDER]

    def inputs(self, key: str, names: list[str]) -> dict[str, Detail]:
        """The input details of a signature by name."""
        return self._details(key, names, "input")

    def outputs(self, key: str, names: list[str]) -> dict[str, Detail]:
        """The output details of a signature by name."""
        return self._details(key, names, "output")

    def run(self, key: str, inputs: Mapping[str, Array], output_names: list[str]) -> dict[str, Array]:
        """One run, after a resize where the inputs have other shapes than before."""
        if self._signatures:
            return {name: np.copy(value) for name, value in self._runner(key)(**inputs).items()}
        outputs = zoo._run_placed(
            self._interpreter, list(zip(self._interpreter.get_input_details(), inputs.values(), strict=True)), 1
        )
        return dict(zip(output_names, outputs, strict=True))

    def _runner(self, key: str) -> Any:
        if key not in self._runners:
            self._runners[key] = self._interpreter.get_signature_runner(key)
        return self._runners[key]

    def _details(self, key: str, names: list[str], side: str) -> dict[str, Detail]:
        if self._signatures:
            named: dict[str, Detail] = getattr(self._runner(key), f"get_{side}_details")()
            return {name: named[name] for name in names}
        return dict(zip(names, getattr(self._interpreter, f"get_{side}_details")(), strict=True))


def random_inputs(
    entry: ModelEntry, signature: zl.CompiledModel | zl.Signature, rng: np.random.Generator
) -> list[Array]:
    """Inputs in the dtypes and the current shapes of a signature's tensors."""
    inputs: dict[str, Detail] = {}
    for name, detail in reference_details(entry.name, signature.key).items():
        inputs[name] = {**detail, "shape": signature.inputs[name].shape, "shape_signature": ()}
    values = zoo.random_inputs(inputs, rng, ranges=entry.input_ranges, choices=entry.input_choices)
    return [as_tensor_dtype(values[name], signature.inputs[name].dtype) for name in signature.inputs]


@functools.cache
def reference_details(name: str, key: str) -> dict[str, Any]:
    path = zoo.model_path(name)
    with zl.load(path) as model:
        return ReferenceModel(path).inputs(key, list(model.signatures[key].inputs))
