"""Evaluations of models that keep something from one run to the next: items do not depend on one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support import model_zoo

SVDF = model_zoo.model_path("svdf")
ITEMS = np.random.default_rng(1).standard_normal((70, 4)).astype(np.float32)


def fresh_classes() -> np.ndarray:
    """The class that a model just loaded finds in each item."""
    classes = []
    for item in ITEMS:
        with zl.load(SVDF) as model:
            classes.append(int(model(item[np.newaxis]).argmax()))
    return np.array(classes)


def stream_classes() -> np.ndarray:
    """The classes of the items as one stream."""
    with zl.load(SVDF) as model:
        return np.array([int(model(item[np.newaxis]).argmax()) for item in ITEMS])


def opened(kind: str) -> Any:
    if kind == "file":
        return SVDF
    if kind == "pool":
        return zl.Pool(SVDF, workers=2)
    if kind == "interpreter":
        return zl.Interpreter(str(SVDF))
    if kind == "litert":
        return litert.Interpreter(str(SVDF))
    model = zl.load(SVDF)
    return model if kind == "model" else model.signatures["serving_default"]


@pytest.mark.parametrize("batch", [None, 1, 7])
@pytest.mark.parametrize("kind", ["file", "model", "signature", "pool", "interpreter", "litert"])
def test_every_item_begins_anew(kind: str, batch: int | None) -> None:
    result = zl.evaluate(opened(kind), ITEMS, fresh_classes(), batch=batch, rounds=2, warmup=3)
    assert result.metrics["accuracy"] == 1


@pytest.mark.parametrize("batch", [None, 1, 7])
@pytest.mark.parametrize("kind", ["file", "model", "interpreter", "litert"])
def test_data_that_is_a_stream(kind: str, batch: int | None) -> None:
    labels = stream_classes()
    assert (labels != fresh_classes()).any()
    result = zl.evaluate(opened(kind), ITEMS, labels, batch=batch, rounds=2, warmup=3, reset="never")
    assert result.metrics["accuracy"] == 1


def test_models_side_by_side_begin_anew() -> None:
    rows = zl.compare({"svdf": SVDF}, ITEMS, fresh_classes(), runtimes=("zerolite", "ai_edge_litert"), rounds=1).rows
    assert [row.result.metrics["accuracy"] for row in rows] == [1, 1]


def test_layers_of_a_stateful_model() -> None:
    result = zl.compare_layers(SVDF, SVDF, ITEMS[:5])
    assert [layer.mean_error for layer in result.layers] == [0]


def test_a_stateful_layer_of_keras() -> None:
    x = tf.keras.Input((3, 4), batch_size=1, name="x")
    model = tf.keras.Model(x, tf.keras.layers.LSTM(5, stateful=True)(x))
    items = np.random.default_rng(0).standard_normal((6, 3, 4)).astype(np.float32)
    expected = []
    for item in items:
        model.layers[1].reset_state()
        expected.append(np.asarray(model(item[np.newaxis]))[0])
    for batch in (1, 4):
        result = zl.evaluate(model, items, np.array(expected), metrics="mse", batch=batch)
        assert float(str(result.metrics["mse"])) < 1e-12


def test_another_rule_is_refused() -> None:
    rule: Any = "batch"
    with pytest.raises(ValueError, match="reset is 'batch', and must be 'item' or 'never'"):
        zl.evaluate(SVDF, ITEMS, reset=rule)
