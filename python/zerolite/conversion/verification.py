"""How far a converted model's answers are from its source's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["OutputDifference", "Verification"]


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """One output of the source and of the converted model, over the same samples.

    Both count as real numbers: a quantized output is dequantized first.

    Attributes:
        max_abs: the largest absolute difference of two elements; infinite where only one of both is finite.
        mean_abs: the mean over all elements.
        top1_agreement: the share of rows, 0 to 1, in which both have their largest element in the same place;
            None for what does not look like the probabilities of a classifier.
    """

    max_abs: float
    mean_abs: float
    top1_agreement: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Plain values for JSON, which has no infinity: None stands for it."""
        return {
            "max_abs": self.max_abs if math.isfinite(self.max_abs) else None,
            "mean_abs": self.mean_abs if math.isfinite(self.mean_abs) else None,
            "top1_agreement": self.top1_agreement,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """Source and result beside each other.

    Attributes:
        samples: how many samples each signature was run on.
        data: "representative" for samples of the representative data, "random" for normally distributed ones.
            Answers to random inputs tell that the conversion is right, and little about accuracy.
        signatures: signature -> output -> difference.
    """

    samples: int
    data: Literal["representative", "random"]
    signatures: Mapping[str, Mapping[str, OutputDifference]]

    @property
    def max_abs(self) -> float:
        """The largest absolute difference of all outputs."""
        return max((one.max_abs for one in self._outputs()), default=0.0)

    @property
    def mean_abs(self) -> float:
        """The largest of the outputs' mean absolute differences."""
        return max((one.mean_abs for one in self._outputs()), default=0.0)

    @property
    def top1_agreement(self) -> float | None:
        """The smallest agreement of the outputs that look like a classifier's; None when none does."""
        return min((one.top1_agreement for one in self._outputs() if one.top1_agreement is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "samples": self.samples,
            "data": self.data,
            "signatures": {
                key: {name: difference.to_dict() for name, difference in outputs.items()}
                for key, outputs in self.signatures.items()
            },
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Verification:
        """The verification that `to_dict` described."""
        return cls(
            samples=document["samples"],
            data=document["data"],
            signatures={
                key: {
                    name: OutputDifference(
                        math.inf if one["max_abs"] is None else one["max_abs"],
                        math.inf if one["mean_abs"] is None else one["mean_abs"],
                        one["top1_agreement"],
                    )
                    for name, one in outputs.items()
                }
                for key, outputs in document["signatures"].items()
            },
        )

    def _outputs(self) -> list[OutputDifference]:
        return [difference for outputs in self.signatures.values() for difference in outputs.values()]
