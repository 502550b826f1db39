"""The errors of a layer, by themselves, against a count by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from zerolite._runtime.quantization import Quantization
from zerolite.layers.layer_error import ErrorSum, LayerError

RNG = np.random.default_rng(0)


def traced(quantization: Any = None, *, shape: tuple[int, ...] = (2, 3)) -> Any:
    """What a trace tells of a tensor."""
    return SimpleNamespace(name="layer", operator="CONV_2D", values=np.zeros(shape, np.int8), quantization=quantization)


def summed(pairs: list[tuple[np.ndarray, np.ndarray]], quantization: Any = None) -> LayerError:
    errors = ErrorSum(cast("Any", traced(quantization)))
    for values, expected in pairs:
        errors.add(values, expected)
    assert errors.is_finite
    return errors.layer()


def test_figures_are_those_of_all_elements() -> None:
    pairs = [(RNG.normal(1, 1, (2, 3)).astype(np.float32), RNG.normal(0, 2, (2, 3)).astype(np.float32)) for _ in "abc"]
    layer = summed(pairs)
    exact = np.concatenate([expected for _, expected in pairs]).astype(np.float64)
    error = np.concatenate([values for values, _ in pairs]) - exact
    assert (layer.name, layer.operator, layer.dtype, layer.elements) == ("layer", "CONV_2D", "int8", 6)
    assert layer.mean_error == pytest.approx(error.mean())
    assert layer.standard_deviation == pytest.approx(error.std())
    assert layer.max_abs_error == pytest.approx(np.abs(error).max())
    assert layer.mean_squared_error == pytest.approx((error**2).mean())
    assert layer.mean_square == pytest.approx((exact**2).mean())
    assert layer.rmse == pytest.approx(math.sqrt((error**2).mean()))
    assert layer.relative_error == pytest.approx(math.sqrt((error**2).mean() / (exact**2).mean()))
    assert (layer.scale, layer.zero_point, layer.rmse_per_scale) == (None, None, None)
    document = layer.to_dict()
    names = {*LayerError.__slots__, "rmse", "relative_error", "rmse_per_scale"} - {"mean_square"}
    assert document == {name: getattr(layer, name) for name in names}


def test_the_largest_error_may_be_of_any_item_and_sign() -> None:
    zeros = np.zeros((1, 3))
    for rows in ([[-3.0, 1, 0], [2, 0, 0]], [[2.0, 0, 0], [0, -3, 1]]):
        layer = summed([(np.array([row]), zeros) for row in rows])
        assert layer.max_abs_error == 3
    assert summed([(zeros, zeros)]).max_abs_error == 0


def test_an_error_that_is_always_the_same_does_not_vary() -> None:
    """Where rounding makes the difference of two sums less than nothing, too."""
    layer = summed([(np.full((1, 3), 0.1), np.zeros((1, 3)))])
    assert layer.standard_deviation == pytest.approx(0, abs=1e-8)
    assert layer.relative_error is None


@pytest.mark.parametrize(
    ("scales", "zero_points", "scale", "zero_point"),
    [([0.5], [3], 0.5, 3), ([0.5, 0.25], [0, 0], None, None)],
)
def test_quantization(scales: list[float], zero_points: list[int], scale: float | None, zero_point: int | None) -> None:
    quantization = Quantization(np.array(scales, np.float32), np.array(zero_points), 0)
    layer = summed([(np.full((1, 2), 2.0), np.ones((1, 2)))], quantization)
    assert (layer.scale, layer.zero_point) == (scale, zero_point)
    assert layer.rmse_per_scale == (None if scale is None else 2)


def test_what_is_no_number_is_told() -> None:
    ones = np.ones((1, 2))
    for values, expected, finite in (
        (ones, ones, True),
        (np.ones(1), np.ones(1), True),
        (ones * np.nan, ones, False),
        (ones * np.inf, ones, False),
        (ones, ones * np.inf, False),
        (np.zeros((1, 0)), np.zeros((1, 0)), False),
    ):
        errors = ErrorSum(cast("Any", traced()))
        with np.errstate(invalid="ignore"):
            errors.add(values, expected)
        assert errors.is_finite == finite
    # The error is finite, and the values are so large that their squares are not.
    errors = ErrorSum(cast("Any", traced()))
    with np.errstate(over="ignore"):
        errors.add(ones * 1e200, ones * 1e200)
    assert not errors.is_finite
    assert not ErrorSum(cast("Any", traced())).is_finite
