"""Batches of items for a signature, and the loop over single items that `map` is to agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array, ModelEntry
from tests.support.reference_model import random_inputs

# Those whose outputs depend on nothing but inputs and state. Detections that are not found are left as the run before
# has left them, in the reference as well.
MODELS = [entry for entry in zoo.models(without=["random"]) if entry.name != "detection"]


def signatures_with_inputs(model: zl.CompiledModel) -> dict[str, zl.Signature]:
    return {key: signature for key, signature in model.signatures.items() if len(signature.inputs) > 0}


class Items:
    """How the tensors of a signature are made of items, as a model shows it that was never run."""

    def __init__(self, entry: ModelEntry, key: str) -> None:
        self.entry = entry
        self.key = key
        with zl.load(entry.path) as model:
            signature = model.signatures[key]
            tensors = (*signature.inputs.values(), *signature.outputs.values())
            leading = {tensor.shape[0] if tensor.shape else None for tensor in tensors}
            self.along_leading_axis = len(leading) == 1 and None not in leading
            self.per_run: int = signature.inputs[0].shape[0] if self.along_leading_axis else 1
            open_inputs = all(tensor.shape_signature[:1] == (-1,) for tensor in signature.inputs.values())
            self.dynamic = bool({"dynamic_shape", "hashtable"} & entry.tags)
            only_a_run_tells = {"dynamic_shape", "dynamic_intermediate", "stateful"} & entry.tags
            self.resizable = self.along_leading_axis and open_inputs and not only_a_run_tells

    def batch(self, signature: zl.CompiledModel | zl.Signature, items: int, seed: int) -> dict[str, Array]:
        """Random values by the inputs' names; `items` is a multiple of `per_run`."""
        rng = np.random.default_rng(seed)
        runs = [random_inputs(self.entry, signature, rng) for _ in range(items // self.per_run)]
        if not runs:
            tensors = signature.inputs.values()
            return {tensor.name: np.empty((0, *self.item_shape(tensor)), tensor.dtype) for tensor in tensors}
        columns = zip(*runs, strict=True)
        return {name: self.join(column) for name, column in zip(signature.inputs, columns, strict=True)}

    def item_shape(self, tensor: zl.Tensor) -> tuple[int, ...]:
        return tensor.shape[1:] if self.along_leading_axis else tensor.shape

    def join(self, values: Sequence[Array]) -> Array:
        return np.concatenate(values) if self.along_leading_axis else np.stack(values)

    def one_by_one(
        self, signature: zl.Signature, batch: Mapping[str, Array], *, reset: bool = True
    ) -> list[dict[str, Array]]:
        """The outputs by name of each run, which begins anew in a model that keeps state."""
        runs = []
        for start in range(0, len(next(iter(batch.values()))), self.per_run):
            if reset:
                signature.reset()
            runs.append(outputs_by_name(signature, signature(*(self._item(array, start) for array in batch.values()))))
        return runs

    def expected(self, batch: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of all items by name, from a model of its own; a ValueError where their shapes differ."""
        with zl.load(self.entry.path) as model:
            signature = model.signatures[self.key]
            if len(next(iter(batch.values()))) == 0:
                some = self.expected(self.batch(signature, self.per_run, seed=0))
                return {name: array[:0] for name, array in some.items()}
            runs = self.one_by_one(signature, batch)
            for name in runs[0]:
                shapes = {run[name].shape for run in runs}
                if len(shapes) > 1 or (self.along_leading_axis and shapes.pop()[:1] != (self.per_run,)):
                    raise ValueError(f"{name!r} has no result for each item")
            return {name: self.join([run[name] for run in runs]) for name in runs[0]}

    def _item(self, array: Array, start: int) -> Any:
        return array[start : start + self.per_run] if self.along_leading_axis else array[start]


def outputs_by_name(signature: zl.CompiledModel | zl.Signature, answer: Array | dict[str, Array]) -> dict[str, Array]:
    return answer if isinstance(answer, dict) else {next(iter(signature.outputs)): answer}


def as_argument(batch: Mapping[str, Array]) -> Array | Mapping[str, Array]:
    """The batch as one passes it: the only array, or the mapping."""
    return next(iter(batch.values())) if len(batch) == 1 else batch


def load(path: Path, **options: Any) -> Any:
    """A model whose answers are taken for what they are known to be: an array, or a mapping."""
    return zl.load(path, **options)


def dense() -> Any:
    return load(zoo.model_path("dense_2layer"))


def rows(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((count, 64)).astype(np.float32)


def loop(model: Any, batch: Array) -> Array:
    """What running the rows one by one gives."""
    return np.concatenate([model(row[np.newaxis]) for row in batch])


def assert_maps_like_the_loop(items: Items, model: zl.CompiledModel, count: int, chunk: int | None) -> None:
    signature = model.signatures[items.key]
    batch = items.batch(signature, count, seed=count)
    if count == 0 and items.dynamic:  # no run, no shape
        assert all(len(array) == 0 for array in outputs_by_name(signature, signature.map(as_argument(batch))).values())
        return
    try:
        expected = items.expected(batch)
    except ValueError:  # NumPy can't join results of different shapes, and nor can map
        with pytest.raises(ValueError, match=r"different shapes|for each item"):
            signature.map(as_argument(batch), chunk=chunk)
        return
    answer = outputs_by_name(signature, signature.map(as_argument(batch), chunk=chunk))
    assert list(answer) == list(signature.outputs)
    for name, array in expected.items():
        assert_same_bits(answer[name], array, name)
