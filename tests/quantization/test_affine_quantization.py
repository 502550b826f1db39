"""Quantized values stand for the real numbers that they are nearest to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from zerolite._runtime.quantization import AffineQuantization

INT8 = np.dtype(np.int8)

scales = st.floats(min_value=1e-6, max_value=1e3)
zero_points = st.integers(min_value=-128, max_value=127)
levels = stn.arrays(np.int8, stn.array_shapes(max_dims=3, max_side=5))


@given(scale=scales, zero_point=zero_points, stored=levels)
def test_stored_values_survive_the_round_trip(scale: float, zero_point: int, stored: np.ndarray) -> None:
    quantization = AffineQuantization.of([scale], [zero_point])
    # Through float64: float32 has not the room for every product of a scale and 255 levels.
    real = (stored.astype(np.int64) - zero_point) * scale
    np.testing.assert_array_equal(quantization.quantize(real, INT8), stored)


@given(scale=scales, zero_point=zero_points, stored=levels)
def test_dequantized_is_the_definition(scale: float, zero_point: int, stored: np.ndarray) -> None:
    real = AffineQuantization.of([scale], [zero_point]).dequantize(stored)
    assert real.dtype == np.float32
    assert real.shape == stored.shape
    expected = [scale * (int(value) - zero_point) for value in stored.ravel()]
    np.testing.assert_allclose(real.ravel(), expected, rtol=1e-6)


@given(scale=scales, zero_point=zero_points, value=st.floats(min_value=-1e9, max_value=1e9))
def test_rounds_to_the_nearest_level_or_saturates(scale: float, zero_point: int, value: float) -> None:
    quantization = AffineQuantization.of([scale], [zero_point])
    stored = int(quantization.quantize(np.array([value]), INT8)[0])
    error = abs(scale * (stored - zero_point) - value)
    if -128 < stored < 127:
        assert error <= scale * 0.5 * (1 + 1e-9)
    elif stored == 127:
        assert value >= scale * (127 - zero_point) - scale * 0.5 * (1 + 1e-9)
    else:
        assert value <= scale * (-128 - zero_point) + scale * 0.5 * (1 + 1e-9)


def test_infinite_values_saturate() -> None:
    quantization = AffineQuantization.of([0.5], [3])
    np.testing.assert_array_equal(quantization.quantize(np.array([-np.inf, np.inf]), INT8), [-128, 127])


def test_scales_along_an_axis() -> None:
    quantization = AffineQuantization.of([0.5, 2.0], [0, 1], axis=1)
    stored = np.array([[4, 4], [-4, 1]], dtype=np.int8)
    real = quantization.dequantize(stored)
    np.testing.assert_array_equal(real, [[2.0, 6.0], [-2.0, 0.0]])
    np.testing.assert_array_equal(quantization.quantize(real, INT8), stored)


def test_absent_zero_points_are_zero() -> None:
    np.testing.assert_array_equal(AffineQuantization.of([2.0], []).dequantize(np.array([3], dtype=np.int8)), [6.0])


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        AffineQuantization.of([0.5], [0]).quantize(np.array([1.0, np.nan]), INT8)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_must_be_positive_and_finite(scale: float) -> None:
    with pytest.raises(ValueError, match="positive and finite"):
        AffineQuantization.of([scale], [0])


def test_counts_must_agree() -> None:
    with pytest.raises(ValueError, match="2 scales and 1 zero points"):
        AffineQuantization.of([1.0, 2.0], [0], axis=0)
    with pytest.raises(ValueError, match="need the axis"):
        AffineQuantization.of([1.0, 2.0], [0, 0])
    with pytest.raises(ValueError, match="no room"):
        AffineQuantization.of([1.0, 2.0], [0, 0], axis=0).dequantize(np.zeros((3, 2), dtype=np.int8))
