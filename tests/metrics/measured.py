"""Built-in metrics by themselves, over scores that are the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np

from zerolite._runners.score_rule import ScoreRule
from zerolite.evaluation.metrics.choice import metric_makers
from zerolite.evaluation.metrics.metric import Reading

PROBABILITIES = Reading(ScoreRule(kind="probability"))
LOGITS = Reading(ScoreRule(kind="logit"))
SOFTMAX = Reading(ScoreRule(kind="softmax"))
ITEMS = 60
SCORES = ("precision", "recall", "f1", "jaccard")


def measured(
    name: str, outputs: np.ndarray, labels: np.ndarray, reading: Reading | None = None, *, parts: int = 3
) -> Any:
    """A metric over items that come in `parts`."""
    metric = metric_makers([name])[name](reading)
    for some, of_some in zip(np.array_split(outputs, parts), np.array_split(labels, parts), strict=True):
        metric.update(some, of_some)
    return metric.result()


def scores_of(classes: int, *, seed: int = 0) -> np.ndarray:
    """With ties; float32 holds them, and their sums with such numbers, exactly."""
    return np.random.default_rng(seed).integers(0, 16, (ITEMS, classes)) / np.float32(16)


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def classes_of(classes: int, *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, ITEMS)
