"""How far one tensor of a quantized model is from the float model's, summed up sample by sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._instrumentation import TracedTensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ErrorSum", "LayerError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError:
    """The error of one layer: the quantized model's values, as real numbers, minus the float model's.

    Over all elements of all items. The figures are those of TensorFlow's quantization debugger, with the size of the
    values beside them.

    Attributes:
        name: the tensor's name, which both models have.
        operator: the operator that computes it in the quantized model, as in "CONV_2D".
        dtype: the type in which the quantized model stores it, as in "int8".
        elements: how many values one item has.
        mean_error: the mean error; far from 0 where an error has a direction.
        standard_deviation: of the error.
        max_abs_error: the largest error, without its sign.
        mean_squared_error: the mean of the squares.
        mean_square: the mean of the squares of the float model's values.
        scale: the quantization's scale; None where the tensor is not quantized, or has one for each channel.
        zero_point: the quantization's zero point; None as `scale`.
    """

    name: str
    operator: str
    dtype: str
    elements: int
    mean_error: float
    standard_deviation: float
    max_abs_error: float
    mean_squared_error: float
    mean_square: float
    scale: float | None
    zero_point: int | None

    @property
    def rmse(self) -> float:
        """The square root of the mean squared error."""
        return math.sqrt(self.mean_squared_error)

    @property
    def relative_error(self) -> float | None:
        """`rmse` as a part of the values' own root mean square; None where the float values are all 0."""
        return self.rmse / math.sqrt(self.mean_square) if self.mean_square > 0 else None

    @property
    def rmse_per_scale(self) -> float | None:
        """`rmse` in quantization steps; rounding alone makes 0.29 (1/sqrt(12)). None without a scale."""
        return self.rmse / self.scale if self.scale else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.name,
            "operator": self.operator,
            "dtype": self.dtype,
            "elements": self.elements,
            "mean_error": self.mean_error,
            "standard_deviation": self.standard_deviation,
            "max_abs_error": self.max_abs_error,
            "mean_squared_error": self.mean_squared_error,
            "rmse": self.rmse,
            "relative_error": self.relative_error,
            "rmse_per_scale": self.rmse_per_scale,
            "scale": self.scale,
            "zero_point": self.zero_point,
        }


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
