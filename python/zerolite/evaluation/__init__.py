"""Evaluation: how right and how quick models are, over arrays, files, folders of images and streams."""

from zerolite._runners.input_range import InputRange
from zerolite.evaluation.evaluate_models import evaluate, evaluate_together
from zerolite.evaluation.latencies import Latencies
from zerolite.evaluation.metrics.choice import BUILT_IN_METRICS, MetricChoice
from zerolite.evaluation.metrics.metric import Metric, MetricFunction, MetricValue
from zerolite.evaluation.result import EvaluationResult

__all__ = [
    "BUILT_IN_METRICS",
    "EvaluationResult",
    "InputRange",
    "Latencies",
    "Metric",
    "MetricChoice",
    "MetricFunction",
    "MetricValue",
    "evaluate",
    "evaluate_together",
]
