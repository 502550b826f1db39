"""What a search for the layers that stay in float went through."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zerolite._plots.plottable import Plottable
from zerolite.conversion.quantization.layer_loss import LayerLoss
from zerolite.conversion.quantization.trial import Cost, PrecisionTrial, pareto_front

__all__ = ["SCHEMA", "PrecisionSearch"]

#: The version of the layout of `PrecisionSearch.to_dict`. It grows when a key changes its meaning or goes away.
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionSearch(Plottable):
    """The way to a quantized model that loses no more than it may.

    The plot shows the metric of every trial against its size and against its latency, and the Pareto fronts.

    Attributes:
        metric: the metric's name.
        max_loss: how much worse than the float model's it may be.
        trials: the models that were tried, in their order: the float model, the wholly quantized one, and so on.
        chosen: the trial that the search ended with.
        layers: the layers that the quantized model computes in integers, from the one that loses most itself to the one
            that loses least; empty where that did not have to be known.
    """

    metric: str
    max_loss: float
    trials: tuple[PrecisionTrial, ...]
    chosen: PrecisionTrial
    layers: tuple[LayerLoss, ...] = ()

    def front(self, cost: Cost = "size") -> tuple[PrecisionTrial, ...]:
        """The Pareto front: the trials that no other beats in the metric and in the cost, the cheapest first."""
        return pareto_front(self.trials, cost)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `SCHEMA` is the version of this layout."""
        fronts: dict[str, Sequence[PrecisionTrial]] = {"size": self.front(), "latency": self.front("latency_us")}
        return {
            "schema": SCHEMA,
            "metric": self.metric,
            "max_loss": self.max_loss,
            "chosen": self.trials.index(self.chosen),
            "trials": [
                trial.to_dict() | {f"on_{name}_front": trial in front for name, front in fronts.items()}
                for trial in self.trials
            ],
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def to_csv(self) -> str:
        """One trial a line; the layers that it kept are separated by spaces."""
        text = io.StringIO()
        table = csv.DictWriter(text, list(self.trials[0].to_dict()), lineterminator="\n")
        table.writeheader()
        table.writerows(trial.to_dict() | {"kept_float": " ".join(trial.kept_float)} for trial in self.trials)
        return text.getvalue()

    def _draw(self, image_format: str) -> bytes:
        from zerolite.conversion.quantization.search_plot import search_plot

        return search_plot(self.trials, self.chosen, self.metric, image_format=image_format)
