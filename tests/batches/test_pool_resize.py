"""Other shapes for all replicas of a pool."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits

DENSE = zoo.model_path("dense_2layer")


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(count).random((count, 64), np.float32)


def expected(values: np.ndarray) -> np.ndarray:
    with zl.load(DENSE) as model:
        model.resize(features=values.shape)
        return model(values)


def test_the_advice_of_a_refused_item_works() -> None:
    with zl.Pool(DENSE, workers=2) as pool:
        x = rows(3)
        with pytest.raises(ValueError, match=r"or call resize\(features=\(3, 64\)\) first"):
            pool.submit(x).result()
        pool.resize(features=(3, 64))
        assert pool.inputs["features"].shape == (3, 64)
        for future in [pool.submit(x) for _ in range(8)]:
            assert_same_bits(np.asarray(future.result()), expected(x))


def test_a_refused_shape_changes_no_replica() -> None:
    with zl.Pool(DENSE, workers=3) as pool:
        pool.resize({"features": (2, 64)})
        with pytest.raises(ValueError, match="only -1 may vary"):
            pool.resize(features=(2, 65))
        with pytest.raises(zl.Error, match="previous shapes are kept"):
            pool.resize(features=(2, 65), strict=False)
        x = rows(2)
        assert all(
            np.array_equal(np.asarray(future.result()), expected(x)) for future in [pool.submit(x) for _ in range(9)]
        )


def test_many_who_resize_get_there_all() -> None:
    with zl.Pool(DENSE, workers=3) as pool, ThreadPoolExecutor(4) as threads:
        sizes = [1, 2, 3, 4] * 5
        for _ in threads.map(lambda size: pool.resize(features=(size, 64)), sizes):
            pass
        size = pool.inputs[0].shape[0]
        x = rows(size)
        assert all(
            np.array_equal(np.asarray(future.result()), expected(x)) for future in [pool.submit(x) for _ in range(9)]
        )
        assert_same_bits(np.asarray(pool.map(rows(7))), np.concatenate([expected(row[None]) for row in rows(7)]))


def test_a_closed_pool_is_not_resized() -> None:
    pool = zl.Pool(DENSE, workers=1)
    pool.close()
    with pytest.raises(zl.Error, match="closed"):
        pool.resize(features=(2, 64))
