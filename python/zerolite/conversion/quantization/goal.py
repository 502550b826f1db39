"""How much a quantized model may lose, and how that is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from zerolite.evaluation.evaluate_models import evaluate
from zerolite.evaluation.metrics.choice import metric_makers
from zerolite.evaluation.metrics.metric import MetricFunction

__all__ = ["DEFAULT_MAX_LOSS", "LossGoal", "SearchMetric"]

#: A built-in metric's name, or one function of all outputs and labels by its name.
SearchMetric: TypeAlias = str | Mapping[str, MetricFunction]

#: What `keep_float="auto"` allows: a percentage point of accuracy.
DEFAULT_MAX_LOSS = 0.01
# The others count what is right.
_ERRORS = ("mse", "rmse", "mae", "hamming_loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossGoal:
    """A metric on data, and how much worse it may become.

    Attributes:
        max_loss: in the metric's own unit.
        metric: what `evaluate` measures.
        name: the metric's name.
        data: the data, as `evaluate` takes it.
        labels: its labels, where they are apart.
        preprocessing: of images.
    """

    max_loss: float
    metric: SearchMetric
    name: str
    data: Any
    labels: Any
    preprocessing: str | None

    @classmethod
    def checked(
        cls, max_loss: float, metric: SearchMetric, data: Any, labels: Any, *, preprocessing: str | None
    ) -> LossGoal:
        """Refuse what could only fail after the conversion.

        Raises:
            ValueError: the loss is no number from 0 up, there is no such metric, or no data.
            TypeError: the data can be gone through once only.
        """
        if not (math.isfinite(max_loss) and max_loss >= 0):
            raise ValueError(f"max_loss must be a number from 0 up; came {max_loss}")
        names = list(metric_makers([metric] if isinstance(metric, str) else metric))
        if len(names) != 1:
            raise ValueError(
                f"metric must be one metric, by which models are chosen; came {', '.join(names) or 'none'}"
            )
        if data is None:
            raise ValueError(
                "max_loss and keep_float='auto' need evaluation_data: inputs with labels, on which the metric of every "
                "trial is measured"
            )
        if isinstance(data, Iterator):
            raise TypeError(
                f"evaluation_data is a {type(data).__name__}, which is empty after one trial; give arrays, a file or a "
                "folder"
            )
        return cls(
            max_loss=max_loss, metric=metric, name=names[0], data=data, labels=labels, preprocessing=preprocessing
        )

    def value(self, model: Path) -> float:
        """The metric of a model.

        Raises:
            ValueError: it is no finite number, or the data has no labels or does not fit.
        """
        metrics: Sequence[str] | Mapping[str, MetricFunction] = (
            [self.metric] if isinstance(self.metric, str) else self.metric
        )
        result = evaluate(
            model, self.data, self.labels, metrics=metrics, preprocessing=self.preprocessing, keep_outputs=False
        )
        if not result.metrics:
            raise ValueError(
                "evaluation_data has no labels, so that there is no metric to choose by; give them with it"
            )
        value = result.metrics[self.name]
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(
                f"the metric '{self.name}' is no finite number ({value}), so that models can't be chosen by it"
            )
        return float(value)

    def loss(self, exact: float, value: float) -> float:
        """How much worse a value is than that of the float model."""
        return value - exact if self.name in _ERRORS and isinstance(self.metric, str) else exact - value

    def is_met(self, loss: float) -> bool:
        """Whether that much may be lost. Differences of shares come with the rounding of float64."""
        return loss <= self.max_loss + 1e-12
