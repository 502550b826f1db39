"""Inputs and outputs of converted models: in the source's order, with its names, for every kind of source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import zerolite as zl
from tests.calls.test_positions import difference

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("error:.*by position, and the:UserWarning"),
    # Keras 3.15's own, whenever it saves a variable under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

#: By neither the alphabet nor its end.
NAMES = ["mm", "zz", "aa"]
A = np.random.default_rng(0).uniform(-1, 1, (20, 4)).astype(np.float32)
SAMPLES = [(a[None], 100 * a[None], 10_000 * a[None]) for a in A]


@pytest.fixture(scope="module")
def keras() -> Any:
    inputs = [tf.keras.Input((4,), name=name) for name in NAMES]
    layers: Any = tf.keras.layers
    return tf.keras.Model(inputs, layers.Dense(2, name="joined")(layers.Concatenate()(inputs)))


def of_keras_file(model: Any, folder: Path) -> Any:
    model.save(folder / "model.keras")
    return folder / "model.keras"


def of_exported_model(model: Any, folder: Path) -> Any:
    model.export(str(folder / "exported"), verbose=False)
    return folder / "exported"


def of_function(model: Any, _: Path) -> Any:
    function = tf.function(lambda mm, zz, aa: {"y": model([mm, zz, aa])}, autograph=False)
    return function.get_concrete_function(*(tf.TensorSpec([1, 4], name=name) for name in NAMES))


def of_tflite(model: Any, folder: Path) -> Any:
    zl.convert(model, folder / "float.tflite", verify=False)
    return folder / "float.tflite"


SOURCES: list[Callable[[Any, Path], Any]] = [
    lambda model, _: model,
    of_keras_file,
    of_exported_model,
    of_function,
    of_tflite,
]


@pytest.mark.parametrize("make", SOURCES, ids=["keras", "file", "saved_model", "function", "tflite"])
@pytest.mark.parametrize("quantize", ["none", "int8-float-io"])
def test_positions_are_the_sources(keras: Any, make: Any, quantize: Any, tmp_path: Path) -> None:
    source = make(keras, tmp_path)
    if isinstance(source, Path) and source.suffix == ".tflite" and quantize == "none":
        content = source.read_bytes()
    else:
        result = zl.convert(source, quantize=quantize, representative_data=SAMPLES)
        content = result.content
    expected = np.asarray(keras([array[3:4] for array in (A, 100 * A, 10_000 * A)]))
    with zl.load(content) as model:
        assert list(model.inputs) == NAMES
        answer = model(*SAMPLES[3])
        limit = 1e-3 if quantize == "none" else 0.02
        assert np.abs(answer - expected).max() <= limit * np.abs(expected).max()
    # Runtimes that go by the graph have the same order.
    interpreter = tf.lite.Interpreter(model_content=content)
    assert [details["name"].split("_")[-1][:2] for details in interpreter.get_input_details()] == NAMES


def test_samples_by_position_where_the_order_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(difference())
    samples = [(a[None], 100 * a[None]) for a in A]
    warning = r"representative_data for '.*m\.tflite' gives inputs by position, .* 'zz', 'aa', "
    with pytest.warns(UserWarning, match=warning) as caught:
        zl.convert(tmp_path / "m.tflite", quantize="int8", representative_data=samples)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    named = [{"zz": zz, "aa": aa} for zz, aa in samples]
    content = zl.convert(tmp_path / "m.tflite", quantize="int8", representative_data=named).content
    with zl.load(content) as model:
        scales = {name: float(tensor.quantization.scales[0]) for name, tensor in model.inputs.items()}  # type: ignore[union-attr]
    assert scales["zz"] < 0.01 < scales["aa"]


def test_a_saved_model_of_signatures_alone(tmp_path: Path) -> None:
    function = tf.function(lambda zz, aa: {"y": zz - aa}, autograph=False)
    signature = function.get_concrete_function(*(tf.TensorSpec([1, 4], name=name) for name in ("zz", "aa")))
    tf.saved_model.save(tf.Module(), str(tmp_path / "m"), signatures={"serving_default": signature})
    samples = [(a[None], 100 * a[None]) for a in A]
    with pytest.warns(UserWarning, match="gives inputs by position, .* 'aa', 'zz', ") as caught:
        content = zl.convert(tmp_path / "m", representative_data=samples).content
    assert caught[0].filename == __file__
    with zl.load(content) as model, pytest.raises(UserWarning, match="inputs are given by position"):
        model(*samples[0])


@pytest.mark.parametrize("kind", ["list", "dict", "chosen", "twice"])
def test_heads_keep_their_names_and_their_order(kind: str, tmp_path: Path) -> None:
    x = tf.keras.Input((4,), name="x")
    layers: Any = tf.keras.layers
    heads = [layers.Dense(1, name=name)(x) for name in NAMES]
    if kind == "twice":
        again = layers.Dense(4, name="again")
        heads = [again(x), again(again(x))]
    structure = {f"{name}_head": head for name, head in zip(NAMES, heads, strict=True)} if kind == "dict" else heads
    model = tf.keras.Model(x, structure)
    chosen = ["aa", "mm"] if kind == "chosen" else None
    result = zl.convert(model, tmp_path / "m.tflite", outputs=chosen)
    assert result.verification is not None
    names = {
        "list": NAMES,
        "dict": [f"{name}_head" for name in NAMES],
        "chosen": ["mm", "aa"],
        "twice": ["output_0", "output_1"],
    }[kind]
    assert sorted(result.verification.signatures["serving_default"]) == sorted(names)
    answer = model(A[:1])
    values = list(answer.values()) if kind == "dict" else list(answer)
    expected = dict(zip(names, [values[0], values[2]] if kind == "chosen" else values, strict=True))
    with zl.load(tmp_path / "m.tflite") as converted:
        came = converted(A[:1])
        assert list(converted.outputs) == list(came) == names
        for name, value in expected.items():
            np.testing.assert_allclose(came[name], np.asarray(value), rtol=1e-5)
