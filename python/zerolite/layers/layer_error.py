"""How far one tensor of a quantized model is from the float model's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["LayerError"]


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
