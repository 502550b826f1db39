"""Data that gives several inputs by position: one order for all models, or a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.calls.test_positions import difference, words

pytestmark = pytest.mark.filterwarnings("error:.*by position, and the:UserWarning")

ITEMS = 70
A = np.random.default_rng(0).standard_normal((ITEMS, 4)).astype(np.float32)
B = 10 * A
LABELS = A - B
WARNING = r"the data gives inputs by position, and the model does not tell .* 'zz', 'aa', "


@pytest.fixture(scope="module")
def keras() -> Any:
    """Takes "aa" and then "zz", and subtracts the second from the first."""
    aa, zz = (tf.keras.Input((4,), name=name) for name in ("aa", "zz"))
    return tf.keras.Model([aa, zz], tf.keras.layers.Subtract(name="y")([aa, zz]))


def streams() -> Iterator[tuple[tuple[np.ndarray, np.ndarray], np.ndarray]]:
    yield from (((a, b), y) for a, b, y in zip(A, B, LABELS, strict=True))


@pytest.mark.parametrize("batch", [None, 7])
def test_the_order_of_the_metadata(batch: int | None) -> None:
    content = difference(("zz", "aa"), order=words("serving_default", "2", "aa", "zz", "1", "y"))
    models: list[Any] = [content, zl.load(content), zl.Pool(content, workers=2)]
    for model in models:
        for data, labels in (((A, B), -LABELS), (streams(), None)):
            result = zl.evaluate(model, data, labels, metrics=["mse"], batch=batch)
            expected = 0.0 if labels is not None else float(np.mean((2 * LABELS) ** 2))
            np.testing.assert_allclose(float(str(result.metrics["mse"])), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bytes", "model", "signature", "pool", "interpreter", "litert"])
def test_where_no_model_tells_it_is_said_once(kind: str) -> None:
    content = difference()
    loaded = zl.load(content)
    makers: dict[str, Callable[[], Any]] = {
        "bytes": lambda: content,
        "model": lambda: loaded,
        "signature": lambda: loaded.signatures["serving_default"],
        "pool": lambda: zl.Pool(content, workers=2),
        "interpreter": lambda: zl.Interpreter(model_content=content),
        "litert": lambda: litert.Interpreter(model_content=content),
    }
    for data, labels in (((A, B), LABELS), (streams(), None)):
        with pytest.warns(UserWarning, match=WARNING) as caught:
            result = zl.evaluate(makers[kind](), data, labels, metrics=["mse"])
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert result.metrics["mse"] == 0
    by_name = zl.evaluate(makers[kind](), {"aa": B, "zz": A}, LABELS, metrics=["mse"])
    assert by_name.metrics["mse"] == 0


def test_names_are_matched_with_a_model_that_knows_its_order() -> None:
    """By name the second is the Keras model's function with another sign, and by position it would be the same."""
    aa, zz = (tf.keras.Input((4,), name=name) for name in ("aa", "zz"))
    keras = tf.keras.Model([aa, zz], tf.keras.layers.Subtract(name="y")([aa, zz]))
    content = difference(("zz", "aa"))
    for models in ({"keras": keras, "tflite": content}, {"tflite": content, "keras": keras}):
        rows = zl.compare(models, (A, B), LABELS, metrics=["mse"], rounds=1, runtimes=("zerolite", "tf.lite")).rows
        assert len(rows) == 3
        for row in rows:
            expected = 0 if row.model == "keras" else np.mean((2 * LABELS) ** 2)
            np.testing.assert_allclose(float(str(row.result.metrics["mse"])), expected, rtol=1e-5, atol=1e-9)


@pytest.mark.slow
def test_heads_are_known_by_their_names(tmp_path: Path) -> None:
    x = tf.keras.Input((4,), name="x")
    layers: Any = tf.keras.layers
    constant: Any = tf.keras.initializers.Constant
    heads = [
        layers.Dense(1, use_bias=False, name=name, kernel_initializer=constant(value))(x)
        for value, name in enumerate(("mood", "gender", "age"), 1)
    ]
    model = tf.keras.Model(x, heads)
    zl.convert(model, tmp_path / "m.tflite", verify=False)
    with zl.load(tmp_path / "m.tflite") as converted:
        assert list(converted.outputs) == ["mood", "gender", "age"]
    data = np.ones((5, 4), np.float32)
    for name, value in (("mood", 4), ("gender", 8), ("age", 12)):
        rows = zl.compare(
            {"keras": model, "tflite": tmp_path / "m.tflite"}, data, data[:, :1], metrics=["mse"], output=name
        ).rows
        assert [row.result.metrics["mse"] for row in rows] == [(value - 1) ** 2] * 2
    # TensorFlow's converter numbers them.
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    for models in ({"keras": model, "tflite": content}, {"tflite": content, "keras": model}):
        rows = zl.compare(models, data, data[:, :1], metrics=["mse"], output="age").rows
        assert [row.result.metrics["mse"] for row in rows] == [11**2] * 2
    with pytest.raises(ValueError, match="no output 'height'; it has mood, gender, age"):
        zl.compare({"keras": model, "tflite": content}, data, data[:, :1], metrics=["mse"], output="height")
