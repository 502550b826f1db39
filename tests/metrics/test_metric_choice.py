"""Which metrics there are, what kind they are of, and what they say without items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.metrics.measured import (
    PROBABILITIES,
    measured,
)
from zerolite.evaluation.metrics.choice import (
    BUILT_IN_METRICS,
    is_of_classes,
    is_of_labels,
    is_of_numbers,
    is_share,
    metric_makers,
)


def test_without_items() -> None:
    for name, maker in BUILT_IN_METRICS.items():
        told: Any = maker().result()
        if name in ("confusion_matrix", "per_class", "per_label"):
            assert len(told) == 0, name
        else:
            assert math.isnan(told), name
    assert math.isnan(measured("recall_weighted", np.zeros((4, 3)), np.zeros((4, 3))))
    assert measured("recall_macro", np.zeros((4, 3)), np.zeros((4, 3))) == 0


def test_kinds_of_metrics() -> None:
    assert set(filter(is_share, BUILT_IN_METRICS)) == set(BUILT_IN_METRICS) - {
        "mse",
        "rmse",
        "mae",
        "r2",
        "roc_auc",
        "average_precision",
    }
    assert is_share("top-5")
    assert not is_share("of my own")
    assert is_of_classes(["mse", "top-5"])
    assert is_of_classes("f1")
    assert not is_of_classes(["mse", "f1_macro"])
    assert is_of_labels(["mse", "f1_macro"])
    assert not is_of_labels(["f1"])
    assert is_of_numbers(["mse", "f1"])
    assert is_of_numbers("r2")
    assert not is_of_numbers(["f1", "mse"])
    assert not is_of_numbers([])
    own = {"mse": lambda *_: 2.0}
    for kind in (is_of_classes, is_of_labels, is_of_numbers):
        assert not kind(own)
    assert list(metric_makers("mae")) == ["mae"]
    with pytest.raises(ValueError, match=r"there is no metric 'xtop-1'; built in: accuracy, .*, top-K; another one"):
        metric_makers(["xtop-1"])


def test_functions_and_classes_of_ones_own() -> None:
    class Count:
        def __init__(self) -> None:
            self.items = 0

        def update(self, _: np.ndarray, labels: np.ndarray) -> None:
            self.items += len(labels)

        def result(self) -> float:
            return self.items

    def share(outputs: np.ndarray, labels: np.ndarray) -> int:
        assert outputs.shape == (5, 2)
        return int(labels.sum())

    makers: Mapping[str, Any] = metric_makers({"count": Count, "share": share})
    for name, expected in (("count", 5), ("share", 4)):
        metric = makers[name](PROBABILITIES)
        for part in (slice(0, 2), slice(2, 5)):
            labels = np.array([0, 1, 1, 1, 1])[part]
            metric.update(np.zeros((5, 2))[part], labels)
            labels[:] = 9  # a caller may use the array again
        assert metric.result() == expected
        assert isinstance(metric.result(), int if name == "count" else float)
