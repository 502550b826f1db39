"""One line of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.comparison.agreement import Agreement
from zerolite.comparison.row_key import RowKey
from zerolite.evaluation.result import EvaluationResult

__all__ = ["ComparisonRow"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ComparisonRow:
    """One model in one runtime.

    Attributes:
        model: its name.
        size_bytes: the size of its file, or of its weights for a Keras model in memory; None where it is not known.
        result: what was measured.
        difference: how its outputs compare with those of the first row; None for the first row itself.
        confusion: items by label (rows) and prediction (columns); None where there are no classes.
    """

    model: str
    size_bytes: int | None
    result: EvaluationResult
    difference: Agreement | None
    confusion: NDArray[np.int64] | None = None

    @property
    def runtime(self) -> str:
        """The runtime's name."""
        return self.result.runtime

    @property
    def name(self) -> str:
        """The model and its runtime."""
        return RowKey(self.model, self.runtime).name

    @property
    def numbers(self) -> dict[str, float]:
        """The metrics that are single numbers, by name."""
        return {name: value for name, value in self.result.metrics.items() if isinstance(value, float)}

    def to_dict(self) -> dict[str, Any]:
        """The line as plain values for JSON."""
        return {
            "model": self.model,
            "size_bytes": self.size_bytes,
            **self.result.to_dict(),
            "difference_to_first": None if self.difference is None else self.difference.to_dict(),
        }
