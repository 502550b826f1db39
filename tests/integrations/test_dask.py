"""The line for Dask in docs/ray.md: a model's `map` over the blocks of an array."""

from __future__ import annotations

import numpy as np
import pytest

import zerolite as zl
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS

dask_array = pytest.importorskip("dask.array", reason="Dask is not installed")


@pytest.mark.parametrize(("scheduler", "workers"), [("threads", 2), ("processes", 1)])
def test_blocks_are_run_where_they_lie(scheduler: str, workers: int) -> None:
    """In processes the model arrives pickled, with its path, and is loaded there."""
    values = np.random.default_rng(0).standard_normal((50, 64)).astype(np.float32)
    with zl.load(MODELS / "dense_2layer.tflite") as model:
        rows = dask_array.from_array(values, chunks=(20, 64))
        scores = rows.map_blocks(model.map, dtype=np.float32, chunks=(rows.chunks[0], (10,)))
        assert scores.shape == (50, 10)
        expected = model.map(values)
        assert isinstance(expected, np.ndarray)
        assert_same_bits(scores.compute(scheduler=scheduler, num_workers=workers), expected)
