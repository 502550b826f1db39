"""From which score on a class or a label is predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.runner import Runner
from zerolite._runners.score_kind import ScoreKind, score_kind

__all__ = ["ScoreRule", "score_rule"]

# What rounding may put a probability beyond 0 and 1.
_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """From which score on a single score says class 1, and one of several labels applies.

    Attributes:
        threshold: the score, as a caller chose it; None leaves it to the kind of the scores.
        kind: what the scores are: 0.5 is the middle of probabilities, and 0 that of logits.
    """

    threshold: float | None = None
    kind: ScoreKind = "unknown"

    @property
    def middle(self) -> float:
        """The score above which something is predicted."""
        if self.threshold is not None:
            return self.threshold
        return 0.0 if self.kind == "logit" else 0.5

    def above(self, scores: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of the scores, of any shape, are large enough; NaN is not.

        Raises:
            ValueError: nothing tells what the scores are, and they are no probabilities.
        """
        if self.threshold is None and self.kind not in ("probability", "logit") and scores.dtype.kind == "f":
            finite = scores[~np.isnan(scores)]
            if finite.size and (finite.min() < -_SLACK or finite.max() > 1 + _SLACK):
                raise ValueError(
                    f"scores from {finite.min():.4g} to {finite.max():.4g} are no probabilities, and nothing in the "
                    "model tells what they are; say from which score on a class is predicted: threshold=0 for logits "
                    "(--threshold 0)"
                )
        large: NDArray[np.bool_] = scores > self.middle
        return large


def score_rule(runner: Runner, threshold: float | None = None) -> ScoreRule:
    """The rule for what a model says; a runner may tell by a `score_kind` of its own what its scores are.

    Raises:
        ValueError: `threshold` is not finite.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise ValueError(f"threshold must be a number; came {threshold}")
    known: ScoreKind | None = getattr(runner, "score_kind", None)
    output = runner.output
    return ScoreRule(threshold, score_kind(output.source, output.name) if known is None else known)
