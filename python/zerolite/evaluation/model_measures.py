"""The metrics and outputs of one model while it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import ItemBlock
from zerolite.evaluation.metrics.metric import Metric, MetricValue

__all__ = ["ModelMeasures"]


class ModelMeasures:
    """Feeds metrics with one model's outputs, and keeps these where wanted."""

    def __init__(self, name: str, metrics: Mapping[str, Metric], *, keep_outputs: bool) -> None:
        self._name = name
        self._metrics = metrics
        self._kept: list[NDArray[Any]] | None = [] if keep_outputs else None
        self._labelled = False

    def observe(self, block: ItemBlock, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Take in the model's outputs for some items."""
        own = outputs[self._name]
        if block.labels is not None:
            self._labelled = True
            for metric in self._metrics.values():
                metric.update(own, block.labels)
        if self._kept is not None:
            self._kept.append(own)

    @property
    def values(self) -> dict[str, MetricValue]:
        """Metric name -> value; empty without labels."""
        return {name: metric.result() for name, metric in self._metrics.items()} if self._labelled else {}

    @property
    def outputs(self) -> NDArray[Any] | None:
        """All outputs, (items, ...); None where they are not kept."""
        return None if self._kept is None else np.concatenate(self._kept)
