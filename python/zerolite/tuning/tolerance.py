"""How far outputs may be from the default's."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.tuning.candidates import Outputs

__all__ = ["Tolerance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far outputs may be from the default's.

    Attributes:
        relative: of real numbers: the largest error as a part of the largest value that the output has over all
            items. For types with fewer digits the distance between 1 and the next number where that is more; 0 allows
            no difference at all.
        steps: of quantized outputs: how many quantization steps.
        quantized: the names of the outputs that are quantized. Whatever else is no real number has to be equal.
    """

    relative: float
    steps: int
    quantized: Set[str]

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            ValueError: a limit is negative or no number.
        """
        if not 0 <= self.relative < float("inf"):
            raise ValueError(f"tolerance is {self.relative!r}, and must be a number of at least 0")
        if self.steps < 0:
            raise ValueError(f"steps is {self.steps!r}, and must be a whole number of at least 0")

    def difference(self, expected: Outputs, outputs: Outputs) -> str | None:
        """What is too far from the default's outputs, in words; None where nothing is."""
        for name in expected[0] if expected else ():
            problem = self._difference(name, [one[name] for one in expected], [one[name] for one in outputs])
            if problem is not None:
                return f"output {name!r} {problem}"
        return None

    def _difference(self, name: str, expected: list[NDArray[Any]], values: list[NDArray[Any]]) -> str | None:
        for right, value in zip(expected, values, strict=True):
            if value.shape != right.shape:
                return f"has the shape {value.shape} instead of {right.shape}"
        dtype = expected[0].dtype
        right = np.concatenate([array.ravel() for array in expected])
        other = np.concatenate([array.ravel() for array in values])
        if dtype.kind in "fc" or "float" in dtype.name:
            return self._real_difference(right, other)
        if name in self.quantized:
            # As int64, since small integers of ml_dtypes would overflow in a subtraction.
            steps = int(np.abs(other.astype(np.int64) - right.astype(np.int64)).max(initial=0))
            return f"is off by {steps} quantization steps" if steps > self.steps else None
        return None if np.array_equal(right, other) else "differs, and is neither real nor quantized"

    def _real_difference(self, right: NDArray[Any], other: NDArray[Any]) -> str | None:
        limit = self.relative
        if limit > 0 and right.dtype.kind == "f":
            limit = max(limit, float(np.finfo(right.dtype).eps))
        wide = np.complex128 if right.dtype.kind == "c" else np.float64
        exact, value = right.astype(wide), other.astype(wide)
        finite = np.isfinite(exact)
        if not np.array_equal(exact[~finite], value[~finite], equal_nan=True) or not np.isfinite(value[finite]).all():
            return "is infinite or no number elsewhere"
        error = float(np.abs(value[finite] - exact[finite]).max(initial=0.0))
        largest = float(np.abs(exact[finite]).max(initial=0.0))
        if error <= limit * largest:
            return None
        return f"is off by {error / largest:.1e} of its largest value" if largest else f"is off by {error:.1e} from 0"
