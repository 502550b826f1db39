"""Whether two runtimes predict the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zerolite.evaluation.evaluation_result import EvaluationResult

__all__ = ["Agreement"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How zerolite and the reference compare on one variant.

    Attributes:
        variant: the variant's name.
        images: how many images both predicted.
        differing: indices of the test images that they predict differently, in ascending order.
        zerolite_predictions, reference_predictions: the predictions at `differing`.
        largest_difference: the largest absolute difference of any two outputs (probabilities); NaN counts as
            infinite.
    """

    variant: str
    images: int
    differing: tuple[int, ...]
    zerolite_predictions: tuple[int, ...]
    reference_predictions: tuple[int, ...]
    largest_difference: float

    @classmethod
    def between(cls, variant: str, zerolite: EvaluationResult, reference: EvaluationResult) -> Agreement:
        """Compare the results of one variant over the same images.

        Raises:
            ValueError: the results are not of the same shape.
        """
        if zerolite.outputs.shape != reference.outputs.shape:
            raise ValueError(
                f"variant '{variant}': outputs of shape {zerolite.outputs.shape} can't be compared with "
                f"outputs of shape {reference.outputs.shape}"
            )
        ours, theirs = zerolite.predictions, reference.predictions
        differing = np.flatnonzero(ours != theirs)
        difference = np.abs(zerolite.outputs.astype(np.float64) - reference.outputs.astype(np.float64))
        largest = float(np.max(difference))
        return cls(
            variant=variant,
            images=zerolite.items,
            differing=tuple(int(index) for index in differing),
            zerolite_predictions=tuple(int(ours[index]) for index in differing),
            reference_predictions=tuple(int(theirs[index]) for index in differing),
            largest_difference=largest if np.isfinite(largest) else float("inf"),
        )

    @property
    def complete(self) -> bool:
        """Whether every prediction agrees."""
        return not self.differing

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values for JSON; a difference that is not finite is null."""
        return {
            "variant": self.variant,
            "images": self.images,
            "agreeing": self.images - len(self.differing),
            "differing_images": list(self.differing),
            "zerolite_predictions": list(self.zerolite_predictions),
            "reference_predictions": list(self.reference_predictions),
            "largest_output_difference": (self.largest_difference if np.isfinite(self.largest_difference) else None),
        }
