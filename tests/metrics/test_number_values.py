"""Errors of numbers, each by itself, against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.metrics.measured import (
    ITEMS,
    measured,
)

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")


def test_errors_of_numbers() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.normal(3, 2, (ITEMS, 4)).astype(np.float32)
    outputs = wanted + rng.normal(0, 1, wanted.shape).astype(np.float32)
    wanted[:, 2] = 5  # does not vary
    wanted[:, 3] = outputs[:, 3] = 7
    references = {
        "mse": sklearn_metrics.mean_squared_error,
        "rmse": sklearn_metrics.root_mean_squared_error,
        "mae": sklearn_metrics.mean_absolute_error,
        "r2": sklearn_metrics.r2_score,
    }
    for name, function in references.items():
        for columns in (slice(0, 2), slice(0, 3), slice(0, 4), slice(2, 3), slice(3, 4)):
            expected = function(wanted[:, columns], outputs[:, columns])
            for parts in (1, 7):
                told = measured(name, outputs[:, columns], wanted[:, columns], parts=parts)
                assert told == pytest.approx(expected), (name, columns, parts)
        # One value may be without an axis; others may have more axes.
        assert measured(name, outputs[:, :1], wanted[:, 0]) == pytest.approx(function(wanted[:, 0], outputs[:, 0]))
        deep = outputs.reshape(-1, 2, 2)
        assert measured(name, deep, wanted) == pytest.approx(function(wanted, outputs))


def test_numbers_far_from_zero_keep_their_digits() -> None:
    wanted = 1e6 + np.arange(50.0)[:, np.newaxis]
    outputs = wanted + np.tile([[1.0], [-1.0]], (25, 1))
    assert measured("r2", outputs, wanted, parts=9) == pytest.approx(1 - 50 / ((wanted - wanted.mean()) ** 2).sum())


def test_numbers_that_do_not_fit() -> None:
    for labels in (np.zeros((3, 3)), np.array(["a", "b", "c"])):
        with pytest.raises(ValueError, match=r"mse compares numbers with as many numbers; .* \(3, 1\) came with"):
            measured("mse", np.zeros((3, 1)), labels, parts=1)
