"""The ratio of two measurements that were taken in the same rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Ratio"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratio of two measured quantities, taken round by round, with its spread.

    Attributes:
        by_round: the ratio in each round.
    """

    by_round: tuple[float, ...]

    @classmethod
    def of(cls, numerators: ArrayLike, denominators: ArrayLike) -> Ratio:
        """Divide round by round.

        Args:
            numerators: shape (rounds,), of any unit.
            denominators: the same shape and unit, none of them 0.

        Raises:
            ValueError: the shapes differ, there are no rounds, or a denominator is not positive.
        """
        above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
        if above.ndim != 1 or above.shape != below.shape or above.size == 0:
            raise ValueError(
                f"a ratio needs as many rounds of both, and at least one; came {above.shape}, {below.shape}"
            )
        if not (below > 0).all():
            raise ValueError("a ratio needs quantities above 0 to divide by")
        return cls(tuple(float(value) for value in above / below))

    @property
    def median(self) -> float:
        """The ratio of the middle round."""
        return float(np.median(self.by_round))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Half of the rounds lie between these."""
        low, high = np.percentile(self.by_round, (25, 75))
        return float(low), float(high)

    @property
    def range(self) -> tuple[float, float]:
        """All rounds lie between these."""
        return min(self.by_round), max(self.by_round)

    def to_dict(self) -> dict[str, float | int | Sequence[float]]:
        """Plain values for JSON."""
        (q1, q3), (low, high) = self.quartiles, self.range
        return {
            "median": self.median,
            "q1": q1,
            "q3": q3,
            "min": low,
            "max": high,
            "rounds": len(self.by_round),
        }

    def __str__(self) -> str:
        """The median, and the quartiles in brackets."""
        low, high = self.quartiles
        return f"{self.median:.3f} ({low:.3f} to {high:.3f})"
