"""Which metrics an evaluation computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from zerolite.evaluation.metrics.classification import ClassScores, ConfusionMatrix, TopKAccuracy
from zerolite.evaluation.metrics.metric import Metric, MetricFunction, WholeSetMetric
from zerolite.evaluation.metrics.regression import RegressionError
from zerolite.evaluation.metrics.segmentation import MeanIou

__all__ = ["BUILT_IN_METRICS", "MetricChoice", "is_of_classes", "metric_makers"]

#: Names of built-in metrics; or a mapping from names to functions of all outputs and labels, or to classes that
#: accumulate (`Metric`).
MetricChoice = Sequence[str] | Mapping[str, MetricFunction | type[Metric]]

#: Name -> what makes the metric. "top-K" is there for every K: "top-5".
BUILT_IN_METRICS: Mapping[str, Callable[[], Metric]] = MappingProxyType(
    {
        "accuracy": TopKAccuracy,
        "confusion_matrix": ConfusionMatrix,
        "precision": lambda: ClassScores("precision"),
        "recall": lambda: ClassScores("recall"),
        "f1": lambda: ClassScores("f1"),
        "per_class": lambda: ClassScores("per_class"),
        "mse": lambda: RegressionError("mse"),
        "mae": lambda: RegressionError("mae"),
        "r2": lambda: RegressionError("r2"),
        "mean_iou": MeanIou,
    }
)

_OF_CLASSES = ("accuracy", "confusion_matrix", "precision", "recall", "f1", "per_class")


def is_of_classes(choice: MetricChoice) -> bool:
    """Whether a built-in metric of the choice compares predicted with labelled classes."""
    if isinstance(choice, Mapping):
        return False
    names = (choice,) if isinstance(choice, str) else choice
    return any(name in _OF_CLASSES or name.startswith("top") for name in names)


def metric_makers(choice: MetricChoice) -> dict[str, Callable[[], Metric]]:
    """Name -> what makes the metric, for each metric of the choice.

    Raises:
        ValueError: there is no built-in metric of that name.
    """
    if isinstance(choice, str):
        choice = (choice,)
    if isinstance(choice, Mapping):
        return {name: _own(metric) for name, metric in choice.items()}
    return {name: _built_in(name) for name in choice}


def _own(metric: MetricFunction | type[Metric]) -> Callable[[], Metric]:
    if isinstance(metric, type):
        return metric
    return lambda: WholeSetMetric(metric)


def _built_in(name: str) -> Callable[[], Metric]:
    top = re.fullmatch(r"top-?(\d+)", name)
    if top is not None:
        return lambda: TopKAccuracy(int(top.group(1)))
    if name not in BUILT_IN_METRICS:
        raise ValueError(
            f"there is no metric '{name}'; built in: {', '.join(BUILT_IN_METRICS)}, top-K; "
            "another one can be given as a mapping of its name to a function of outputs and labels"
        )
    return BUILT_IN_METRICS[name]
