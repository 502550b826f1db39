"""Quantization: the map between real numbers and a tensor's stored integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:  # which takes longer to import than everything else here
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["AffineQuantization", "Quantization", "quantization_of"]


class _Parameters(NamedTuple):
    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int


class Quantization(_Parameters):
    """How stored integers stand for real values: ``real = scale * (stored - zero_point)``.

    Attributes:
        scales: float32, shape (1,) for a tensor quantized as a whole, or one per slice along `axis`.
        zero_points: int64, of the same shape.
        axis: the dimension that the slices lie along; 0 when there is one scale.
        dtype: the NumPy dtype of the stored integers.
    """

    dtype: np.dtype[Any]

    def quantize(self, values: npt.ArrayLike) -> npt.NDArray[Any]:
        """Store real values as the tensor does.

        Rounded to the nearest integer, halves away from zero, and saturated, as TensorFlow Lite's reference kernel of
        QUANTIZE does it (AffineQuantize).

        >>> x = model.inputs[0].quantization.quantize(pictures)

        Args:
            values: real numbers, of the tensor's shape; a leading axis of items may differ.

        Returns:
            A new array of the same shape and of `dtype`.

        Raises:
            ValueError: a value is NaN, or the shape has not as many slices along `axis` as there are scales.
        """
        return AffineQuantization.of(*self).quantize(np.asarray(values), self.dtype)

    def dequantize(self, stored: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Tell the real values that stored integers stand for.

        >>> scores = model.outputs[0].quantization.dequantize(model(x))

        Args:
            stored: integers as the tensor has them.

        Returns:
            A new float32 array of the same shape.

        Raises:
            ValueError: the shape has not as many slices along `axis` as there are scales.
        """
        return AffineQuantization.of(*self).dequantize(np.asarray(stored))


class AffineQuantization(NamedTuple):
    """A `Quantization` to compute with: checked, and with scales of float64.

    Attributes:
        scales: float64 array of shape (1,) or (slices,); every scale is positive and finite.
        zero_points: int64 array of the same shape.
        axis: the axis that the slices are counted along; None when one pair serves the whole tensor.
    """

    scales: npt.NDArray[np.float64]
    zero_points: npt.NDArray[np.int64]
    axis: int | None = None

    @classmethod
    def of(cls, scales: Any, zero_points: Any, axis: int | None = None) -> AffineQuantization:
        """Make the map from array-likes of scales and zero points (zero points may be left empty: all zero).

        Raises:
            ValueError: the parameters contradict one another, or a scale is not positive and finite.
        """
        scale_values = np.atleast_1d(np.asarray(scales, dtype=np.float64))
        zero_point_values = np.atleast_1d(np.asarray(zero_points, dtype=np.int64))
        if zero_point_values.size == 0:
            zero_point_values = np.zeros(scale_values.shape, dtype=np.int64)
        if scale_values.ndim != 1 or scale_values.shape != zero_point_values.shape or scale_values.size == 0:
            raise ValueError(
                f"a quantized tensor needs as many scales as zero points, at least one; came "
                f"{scale_values.size} scales and {zero_point_values.size} zero points"
            )
        if not np.all(np.isfinite(scale_values)) or not np.all(scale_values > 0):
            raise ValueError(f"quantization scales must be positive and finite; came {scale_values.tolist()}")
        if scale_values.size > 1 and axis is None:
            raise ValueError(f"{scale_values.size} quantization scales need the axis that they belong to")
        return cls(scale_values, zero_point_values, axis if scale_values.size > 1 else None)

    def quantize(self, values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Store real `values` as integers of `dtype`: rounded, halves away from zero, and saturated.

        As TensorFlow Lite's AffineQuantize: the division is one of float32.

        Args:
            values: real numbers in the tensor's shape.
            dtype: the tensor's integer type, such as int8.

        Returns:
            A new array of the same shape in `dtype`.

        Raises:
            ValueError: a value is NaN, which no integer stands for.
        """
        if np.isnan(values).any():
            raise ValueError("NaN can't be quantized; remove it from the input")
        scales, zero_points = self._along(values)
        least, most = _limits(dtype)
        with np.errstate(over="ignore"):  # what is too large saturates
            quotients = (values.astype(np.float32) / scales.astype(np.float32)).astype(np.float64)
        stored = np.copysign(np.floor(np.abs(quotients) + 0.5), quotients) + zero_points
        quantized: npt.NDArray[Any] = np.clip(stored, least, most).astype(dtype)
        return quantized

    def range(self, dtype: np.dtype[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The smallest and the largest real number that integers of `dtype` stand for, each of the scales' shape."""
        least, most = _limits(dtype)
        return (least - self.zero_points) * self.scales, (most - self.zero_points) * self.scales

    def dequantize(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The real numbers that the integers `stored` stand for: a new float32 array of the same shape."""
        scales, zero_points = self._along(stored)
        real: npt.NDArray[np.float32] = ((stored.astype(np.int64) - zero_points) * scales).astype(np.float32)
        return real

    def _along(self, array: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Scales and zero points, shaped so that they broadcast over `array`."""
        if self.axis is None:
            return self.scales, self.zero_points
        if not 0 <= self.axis < array.ndim or array.shape[self.axis] != self.scales.size:
            raise ValueError(
                f"the quantization has {self.scales.size} scales along axis {self.axis}, "
                f"which an array of shape {array.shape} has no room for"
            )
        shape = [1] * array.ndim
        shape[self.axis] = self.scales.size
        return self.scales.reshape(shape), self.zero_points.reshape(shape)


def quantization_of(
    parameters: tuple[Sequence[float], Sequence[int], int] | None, dtype: np.dtype[Any]
) -> Quantization | None:
    """The parameters that the native core tells; None for a tensor that is not quantized."""
    if parameters is None:
        return None
    scales, zero_points, axis = parameters
    quantization = Quantization(np.array(scales, np.float32), np.array(zero_points, np.int64), axis)
    quantization.dtype = dtype
    return quantization


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    limits: Any
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
    else:
        import ml_dtypes  # which has the integers of 4 and 2 bits

        limits = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call] # it has no types
    return int(limits.min), int(limits.max)
