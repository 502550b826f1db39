"""Evaluation: how right and how quick models are, over arrays, files, folders of images and streams."""

from zerolite.evaluation.evaluate_models import evaluate, evaluate_together
from zerolite.evaluation.evaluation_result import EvaluationResult
from zerolite.evaluation.latencies import Latencies
from zerolite.evaluation.metric import Metric, MetricFunction, MetricValue
from zerolite.evaluation.metric_choice import BUILT_IN_METRICS, MetricChoice

__all__ = [
    "BUILT_IN_METRICS",
    "EvaluationResult",
    "Latencies",
    "Metric",
    "MetricChoice",
    "MetricFunction",
    "MetricValue",
    "evaluate",
    "evaluate_together",
]
