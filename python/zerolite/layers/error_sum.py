"""Errors of one tensor, added up item by item."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._instrumentation import TracedTensor
from zerolite.layers.layer_error import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ErrorSum"]


class ErrorSum:
    """Adds up the errors of one tensor, in float64, without keeping the values."""

    def __init__(self, quantized: TracedTensor) -> None:
        self._tensor = quantized
        self._elements = quantized.values.size
        self._count = 0
        self._error = self._square_error = self._square = 0.0
        self._max = 0.0

    def add(self, values: NDArray[Any], expected: NDArray[Any]) -> None:
        """Take one item's values, as real numbers, and the float model's for it."""
        exact = np.asarray(expected, np.float64)
        error = np.asarray(values, np.float64) - exact
        self._count += error.size
        self._error += float(error.sum())
        self._square_error += float(np.square(error).sum())
        self._square += float(np.square(exact).sum())
        self._max = max(self._max, float(np.abs(error).max(initial=0.0)))

    @property
    def is_finite(self) -> bool:
        """Whether there were values, and all of them finite numbers."""
        return self._count > 0 and math.isfinite(self._square_error) and math.isfinite(self._square)

    def layer(self) -> LayerError:
        """The sums as means."""
        mean = self._error / self._count
        mean_square = self._square_error / self._count
        quantization = self._tensor.quantization
        whole = quantization is not None and len(quantization.scales) == 1
        return LayerError(
            name=self._tensor.name,
            operator=self._tensor.operator,
            dtype=self._tensor.values.dtype.name,
            elements=self._elements,
            mean_error=mean,
            standard_deviation=math.sqrt(max(0.0, mean_square - mean * mean)),
            max_abs_error=self._max,
            mean_squared_error=mean_square,
            mean_square=self._square / self._count,
            scale=float(quantization.scales[0]) if quantization is not None and whole else None,
            zero_point=int(quantization.zero_points[0]) if quantization is not None and whole else None,
        )
