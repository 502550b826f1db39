"""One line of the results: what zerolite takes, what something else takes, and the ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from zerolite.benchmarking import Ratio

__all__ = ["Figure", "Goal"]

Goal = Literal["at most", "at least"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured ratio, or a measured quantity, with its target.

    Attributes:
        name: what was measured, such as "array in to array out".
        subject: what was measured of zerolite, such as "zerolite".
        reference: what it is compared with, such as "tf.lite"; "" for a quantity that stands alone.
        unit: the unit of `subject_value` and `reference_value`, such as "µs".
        subject_value: the median of the subject.
        reference_value: the median of the reference; None for a quantity that stands alone.
        by_round: subject divided by reference in each round, or the quantity that stands alone.
        target: what the median is to reach; None where the number is only for information.
        goal: on which side of the target it is to be.
        noise: by what share the median may miss the target before that means something.
    """

    name: str
    subject: str
    reference: str
    unit: str
    subject_value: float
    reference_value: float | None
    by_round: tuple[float, ...]
    target: float | None = None
    goal: Goal = "at most"
    noise: float = 0.0

    @classmethod
    def comparing(
        cls,
        name: str,
        unit: str,
        subject: tuple[str, Sequence[float]],
        reference: tuple[str, Sequence[float]],
        *,
        target: float | None = None,
        goal: Goal = "at most",
        noise: float = 0.0,
    ) -> Figure:
        """Divide round by round.

        Args:
            name: what was measured.
            unit: the unit of the values.
            subject: a name, and its values by round.
            reference: a name, and its values by round, as many.
            target: what the ratio is to reach.
            goal: on which side of the target it is to be.
            noise: by what share the ratio may miss the target before that means something.
        """
        ratio = Ratio.of(subject[1], reference[1])
        return cls(
            name=name,
            subject=subject[0],
            reference=reference[0],
            unit=unit,
            subject_value=float(np.median(subject[1])),
            reference_value=float(np.median(reference[1])),
            by_round=ratio.by_round,
            target=target,
            goal=goal,
            noise=noise,
        )

    @property
    def median(self) -> float:
        """The ratio, or the quantity, of the middle round."""
        return float(np.median(self.by_round))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Half of the rounds lie between these."""
        low, high = np.percentile(self.by_round, (25, 75))
        return float(low), float(high)

    @property
    def verdict(self) -> str:
        """What became of the target; "" where there is none."""
        if self.target is None:
            return ""
        sign = 1 if self.goal == "at most" else -1
        beyond = sign * (self.median - self.target)
        if beyond <= 0:
            return "met"
        return "met within noise" if beyond <= self.noise * self.target else "missed"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        q1, q3 = self.quartiles
        return {
            "name": self.name,
            "subject": self.subject,
            "reference": self.reference,
            "unit": self.unit,
            "subject_value": self.subject_value,
            "reference_value": self.reference_value,
            "median": self.median,
            "q1": q1,
            "q3": q3,
            "min": min(self.by_round),
            "max": max(self.by_round),
            "by_round": list(self.by_round),
            "target": self.target,
            "goal": self.goal,
            "noise": self.noise,
            "verdict": self.verdict,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Figure:
        """Read what `to_dict` wrote."""
        kept = {name: values[name] for name in cls.__slots__}
        return cls(**{**kept, "by_round": tuple(values["by_round"])})
