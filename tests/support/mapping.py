"""Models and batches to map, and the loop that `map` is to agree with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import Items, as_argument, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array


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
