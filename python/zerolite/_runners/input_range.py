"""How much of the data lies outside of what a quantized input can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.caller_warning import warn_caller
from zerolite._runtime.quantization import AffineQuantization

__all__ = ["InputRange", "RangeMeter", "StoredAs", "warn_of_range", "warn_of_saturation"]

# So far outside, as a share of the range, is no rounding and no white pixel that calibration happened to miss.
_FAR = 0.05
_CONSIDERABLE = 0.01
# Fewer steps than this tell hardly more than yes or no.
_FEW_STEPS = 8
_ADVICE = "scale the data as the representative data was when the model was quantized (preprocessing, for images)"


class StoredAs(NamedTuple):
    """As what real numbers are stored."""

    quantization: AffineQuantization
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class InputRange:
    """What an input can hold, and what came.

    Attributes:
        dtype: the name of the stored type, such as "int8".
        low, high: the smallest and the largest real number that it stands for.
        least, most: the smallest and the largest real number of the data.
        saturated: the share of the data's values outside of the range, 0 to 1: they become its nearest end.
        far: the share of those that are outside by more than a twentieth of the range.
        step: the real number that one step of the integers is; the smallest one of several.
        items: how many items came.
        saturated_items: how many of them have a value outside of the range.
    """

    dtype: str
    low: float
    high: float
    least: float
    most: float
    saturated: float
    far: float
    step: float
    items: int = 0
    saturated_items: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "dtype": self.dtype,
            "low": self.low,
            "high": self.high,
            "data_low": self.least if np.isfinite(self.least) else None,
            "data_high": self.most if np.isfinite(self.most) else None,
            "saturated": self.saturated,
            "far": self.far,
            "step": self.step,
            "items": self.items,
            "saturated_items": self.saturated_items,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> InputRange:
        """What `to_dict` described."""
        names = {"data_low": "least", "data_high": "most"}
        values: dict[str, Any] = {
            names.get(key, key): np.nan if value is None else value for key, value in document.items()
        }
        return cls(**values)

    def __str__(self) -> str:
        """In a few words."""
        return (
            f"{self.low:.4g} to {self.high:.4g} as {self.dtype}, {self.saturated:.2%} of the values saturate, in "
            f"{self.saturated_items:,} of {self.items:,} items"
        )


class RangeMeter:
    """Counts real numbers that an input can't hold, on their way to it."""

    def __init__(self, stored: StoredAs) -> None:
        self._quantization, self._dtype = stored
        self._low, self._high = self._quantization.range(self._dtype)
        self._values = 0
        self._items = 0
        self._saturated_items = 0
        self._outside = 0
        self._far = 0
        self._least = np.inf
        self._most = -np.inf

    def add(self, items: NDArray[Any]) -> None:
        """Count real numbers of shape (items, *input shape[1:])."""
        if items.dtype.kind not in "fiub" or items.size == 0:
            return
        axis = self._quantization.axis
        if axis is None or items.ndim <= axis or items.shape[axis] != self._low.size:
            low, high, step = self._low.min(), self._high.max(), self._quantization.scales.min()
        else:
            shape = [1] * items.ndim
            shape[axis] = self._low.size
            low, high = self._low.reshape(shape), self._high.reshape(shape)
            step = self._quantization.scales.reshape(shape)
        # What is rounded to an end of the range is inside.
        margin = (high - low) * _FAR
        outside = np.atleast_1d((items < low - step / 2) | (items > high + step / 2))
        self._outside += int(outside.sum())
        self._items += len(outside)
        self._saturated_items += int(outside.reshape(len(outside), -1).any(axis=1).sum())
        self._far += int(((items < low - margin) | (items > high + margin)).sum())
        self._values += items.size
        # Which, unlike min and max, pass over NaN.
        self._least = float(np.fmin(self._least, np.fmin.reduce(items, axis=None)))
        self._most = float(np.fmax(self._most, np.fmax.reduce(items, axis=None)))

    def range(self) -> InputRange | None:
        """What was found; None where no real number came."""
        if self._values == 0:
            return None
        return InputRange(
            dtype=self._dtype.name,
            low=float(self._low.min()),
            high=float(self._high.max()),
            least=self._least,
            most=self._most,
            saturated=self._outside / self._values,
            far=self._far / self._values,
            step=float(self._quantization.scales.min()),
            items=self._items,
            saturated_items=self._saturated_items,
        )


def warn_of_saturation(what: str, found: InputRange) -> bool:
    """Say where many values lie far outside of what an input holds, and whether it was said.

    Args:
        what: which input.
        found: its range, and what came.
    """
    if found.far <= _CONSIDERABLE:
        return False
    bounds = f"{found.low:.4g} to {found.high:.4g}, all that its {found.dtype} can hold"
    if found.low <= found.least and found.most <= found.high:
        bounds = f"what the scale of their channel holds as {found.dtype}"
    warn_caller(
        f"{found.saturated:.1%} of the values of {what} lie outside of {bounds}, and saturate: they go from "
        f"{found.least:.4g} to {found.most:.4g}, in {found.saturated_items:,} of {found.items:,} items; {_ADVICE}"
    )
    return True


def warn_of_range(what: str, found: InputRange) -> None:
    """Say where the data does not look like what a model was calibrated on: far outside, or on a few steps.

    Args:
        what: which input.
        found: its range, and what came.
    """
    if warn_of_saturation(what, found):
        return
    if found.least < found.most < found.least + _FEW_STEPS * found.step:
        warn_caller(
            f"the values of {what} go from {found.least:.4g} to {found.most:.4g}, and its {found.dtype} holds "
            f"{found.low:.4g} to {found.high:.4g} in steps of {found.step:.3g}, so that hardly anything is left of "
            f"them; {_ADVICE}, or, where it is, scale inputs alike that the model joins"
        )
