"""Whether two models, or two runtimes, say the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Agreement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How the outputs of one row compare with those of another over the same items.

    Attributes:
        model, runtime: the row.
        other_model, other_runtime: the row that it is compared with.
        items: how many items both ran.
        differing: how many of them they predict differently; None where outputs are no rows of class scores.
        first_differing: the places of the first of those items, in ascending order, a hundred at most.
        predictions, other_predictions: what was predicted at these places.
        largest_difference: the largest absolute difference of any two outputs; infinite where one is NaN, None where
            outputs have different shapes.
        mean_difference: the mean absolute difference; as above.
    """

    model: str
    runtime: str
    other_model: str
    other_runtime: str
    items: int
    differing: int | None
    first_differing: tuple[int, ...]
    predictions: tuple[int, ...]
    other_predictions: tuple[int, ...]
    largest_difference: float | None
    mean_difference: float | None

    @property
    def complete(self) -> bool:
        """Whether no prediction differs."""
        return not self.differing

    @property
    def sentence(self) -> str | None:
        """One line on the first item that is predicted differently; None where there is none."""
        if not self.differing:
            return None
        ours, theirs = self._names
        return (
            f"predictions of '{self.model}' differ between {ours} and {theirs} on {self.differing} of {self.items} "
            f"items; the first is item {self.first_differing[0]}: {ours} says {self.predictions[0]}, {theirs} "
            f"{self.other_predictions[0]}"
        )

    @property
    def _names(self) -> tuple[str, str]:
        if self.model == self.other_model:
            return self.runtime, self.other_runtime
        return f"{self.model} in {self.runtime}", f"{self.other_model} in {self.other_runtime}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a difference that is not finite is null."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "other_model": self.other_model,
            "other_runtime": self.other_runtime,
            "items": self.items,
            "agreeing": None if self.differing is None else self.items - self.differing,
            "first_differing": list(self.first_differing),
            "predictions": list(self.predictions),
            "other_predictions": list(self.other_predictions),
            "largest_difference": _finite(self.largest_difference),
            "mean_difference": _finite(self.mean_difference),
        }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
