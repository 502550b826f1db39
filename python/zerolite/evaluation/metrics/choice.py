"""Which metrics an evaluation computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import get_args

from zerolite.evaluation.metrics.classification import BalancedAccuracy, ClassScores, ConfusionMatrix, TopKAccuracy
from zerolite.evaluation.metrics.metric import Metric, MetricFunction, WholeSetMetric
from zerolite.evaluation.metrics.multilabel import AveragedScore, LabelAccuracy, LabelScores
from zerolite.evaluation.metrics.ranking import Ranking
from zerolite.evaluation.metrics.regression import Error, RegressionError
from zerolite.evaluation.metrics.scores import Average, Score
from zerolite.evaluation.metrics.segmentation import Segmentation

__all__ = [
    "BUILT_IN_METRICS",
    "MetricChoice",
    "MetricMaker",
    "is_of_classes",
    "is_of_labels",
    "is_of_numbers",
    "is_share",
    "metric_makers",
]

#: Names of built-in metrics; or a mapping from names to functions of all outputs and labels, or to classes that
#: accumulate (`Metric`).
MetricChoice = Sequence[str] | Mapping[str, MetricFunction | type[Metric]]

#: Makes a metric that reads outputs and labels in some way; without one, scores are probabilities.
MetricMaker = Callable[..., Metric]

_AVERAGES: tuple[Average, ...] = ("micro", "macro", "weighted", "samples")
_SCORES: tuple[Score, ...] = get_args(Score)
_REGRESSION: tuple[Error, ...] = ("mse", "rmse", "mae", "r2")
_OF_CLASSES: dict[str, MetricMaker] = {
    "accuracy": lambda reading=None: TopKAccuracy(1, reading),
    "balanced_accuracy": BalancedAccuracy,
    "confusion_matrix": ConfusionMatrix,
    "precision": partial(ClassScores, "precision", "macro"),
    "recall": partial(ClassScores, "recall", "macro"),
    "f1": partial(ClassScores, "f1", "macro"),
    "per_class": partial(ClassScores, "per_class", "macro"),
    **{f"{score}_binary": partial(ClassScores, score, "binary") for score in _SCORES},
}
_OF_LABELS: dict[str, MetricMaker] = {
    "subset_accuracy": partial(LabelAccuracy, "subset_accuracy"),
    "hamming_loss": partial(LabelAccuracy, "hamming_loss"),
    "per_label": partial(LabelScores, "per_label", "macro"),
    **{f"{score}_{average}": partial(AveragedScore, score, average) for score in _SCORES for average in _AVERAGES},
}
_OTHERS: dict[str, MetricMaker] = {
    "roc_auc": partial(Ranking, "roc_auc"),
    "average_precision": partial(Ranking, "average_precision"),
    **{name: partial(RegressionError, name) for name in _REGRESSION},
    "mean_iou": partial(Segmentation, "mean_iou"),
    "pixel_accuracy": partial(Segmentation, "pixel_accuracy"),
}

#: Name -> what makes the metric. "top-K" is there for every K: "top-5".
BUILT_IN_METRICS: Mapping[str, MetricMaker] = MappingProxyType({**_OF_CLASSES, **_OF_LABELS, **_OTHERS})


def is_of_classes(choice: MetricChoice) -> bool:
    """Whether a built-in metric of the choice compares predicted with labelled classes."""
    return any(name in _OF_CLASSES or name.startswith("top") for name in _names(choice))


def is_of_labels(choice: MetricChoice) -> bool:
    """Whether a built-in metric of the choice is of items to which several labels may apply."""
    return any(name in _OF_LABELS for name in _names(choice))


def is_of_numbers(choice: MetricChoice) -> bool:
    """Whether the first metric of the choice is the error of numbers."""
    return _names(choice)[:1] in [(name,) for name in _REGRESSION]


def is_share(name: str) -> bool:
    """Whether a metric's value is a share of 1, which is well told in percent."""
    return name.startswith("top") or (
        name in BUILT_IN_METRICS and name not in (*_REGRESSION, "roc_auc", "average_precision")
    )


def metric_makers(choice: MetricChoice) -> dict[str, MetricMaker]:
    """Name -> what makes the metric, for each metric of the choice.

    Raises:
        ValueError: there is no built-in metric of that name.
    """
    if isinstance(choice, str):
        choice = (choice,)
    if isinstance(choice, Mapping):
        return {name: _own(metric) for name, metric in choice.items()}
    return {name: _built_in(name) for name in choice}


def _names(choice: MetricChoice) -> tuple[str, ...]:
    if isinstance(choice, Mapping):
        return ()
    return (choice,) if isinstance(choice, str) else tuple(choice)


def _own(metric: MetricFunction | type[Metric]) -> MetricMaker:
    if isinstance(metric, type):
        return lambda _=None: metric()
    return lambda _=None: WholeSetMetric(metric)


def _built_in(name: str) -> MetricMaker:
    top = re.fullmatch(r"top-?(\d+)", name)
    if top is not None:
        return lambda reading=None: TopKAccuracy(int(top.group(1)), reading)
    if name not in BUILT_IN_METRICS:
        raise ValueError(
            f"there is no metric '{name}'; built in: {', '.join(BUILT_IN_METRICS)}, top-K; "
            "another one can be given as a mapping of its name to a function of outputs and labels"
        )
    return BUILT_IN_METRICS[name]
