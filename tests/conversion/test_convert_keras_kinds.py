"""Keras models of every kind: recurrent, in half precision, of a class of one's own, with inputs of any name."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from zerolite.cli import main
from zerolite.conversion import ConversionError
from zerolite.evaluation import evaluate

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15's own, whenever it saves a variable under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

STEPS = np.random.default_rng(3).normal(size=(1, 10, 4)).astype(np.float32)
ROWS = np.random.default_rng(4).normal(size=(8, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def tf() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow", reason="conversion needs the extra convert")
    tensorflow.keras.utils.set_random_seed(3)
    return tensorflow


def answer(content: bytes, *arguments: Any, **named: Any) -> Any:
    with zl.load(content) as model:
        return model(*arguments, **named)


def advised_inputs(error: BaseException) -> dict[str, tuple[int, ...]]:
    """The shapes that an error's advice gives."""
    advice = re.search(r"input_shapes=(\{.*?\})", str(error))
    assert advice is not None, str(error)
    shapes: dict[str, tuple[int, ...]] = ast.literal_eval(advice[1])
    return shapes


# Recurrent layers


LAYERS: dict[str, Callable[[Any], Any]] = {
    "lstm": lambda layers: layers.LSTM(5),
    "both directions": lambda layers: layers.Bidirectional(layers.GRU(3, return_sequences=True)),
    "cells": lambda layers: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_recurrent_layers_with_a_fixed_batch(tf: Any, layer: str) -> None:
    steps = tf.keras.Input((10, 4), name="steps")
    network = tf.keras.Model(steps, LAYERS[layer](tf.keras.layers)(steps))
    content = zl.convert(network, input_shapes={"steps": (1, 10, 4)}, verify=False).content
    np.testing.assert_allclose(answer(content, STEPS), network(STEPS), atol=1e-5)


@pytest.fixture(scope="module")
def recurrent(tf: Any) -> Any:
    steps = tf.keras.Input((None, 4), name="the steps")
    return tf.keras.Model(steps, tf.keras.layers.GRU(3)(steps), name="recurrent")


def test_advice_for_an_open_batch(recurrent: Any) -> None:
    with pytest.raises(
        ConversionError, match="can't be converted with an open batch: fix it with input_shapes="
    ) as refusal:
        zl.convert(recurrent)
    assert "loc(" not in str(refusal.value)
    assert "--input 'the steps=1,16,4'), with the size that you need in place of 16" in str(refusal.value)
    (shape,) = advised_inputs(refusal.value).values()
    content = zl.convert(recurrent, input_shapes=advised_inputs(refusal.value), verify=False).content
    steps = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    np.testing.assert_allclose(answer(content, steps), recurrent(steps), atol=1e-5)


def test_advice_on_the_command_line(recurrent: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "recurrent.keras", tmp_path / "out.tflite"
    recurrent.save(source)
    assert main(["convert", str(source), "-o", str(target)]) == 1
    advice = re.search(r"--input '([^']*)'", capsys.readouterr().err)
    assert advice is not None
    assert main(["convert", str(source), "-o", str(target), "--input", advice[1]]) == 0
    with zl.load(target) as model:
        assert tuple(model.inputs["the steps"].shape) == (1, 16, 4)


def test_advice_for_graphs_that_keep_an_open_batch(tf: Any, tmp_path: Path) -> None:
    steps = tf.keras.Input((10, 4), name="steps")
    network = tf.keras.Model(steps, tf.keras.layers.LSTM(3)(steps))
    network.export(tmp_path / "saved", verbose=False)
    with pytest.raises(ConversionError, match=r"convert the Keras model or its \.keras file instead") as refusal:
        zl.convert(tmp_path / "saved", input_shapes={"steps": (1, 10, 4)})
    assert zl.convert(network, input_shapes=advised_inputs(refusal.value), verify=False).size > 0

    traced = tf.function(network).get_concrete_function(tf.TensorSpec((None, 10, 4), name="steps"))
    with pytest.raises(ConversionError, match="trace it anew with a fixed one") as refusal:
        zl.convert(traced)
    advice = re.search(r"tf\.function\(call\)\.get_concrete_function\(.*\)", str(refusal.value))
    assert advice is not None
    anew = eval(advice[0], {"tf": tf, "call": network})  # the advice itself is what is tried
    np.testing.assert_allclose(answer(zl.convert(anew).content, STEPS), network(STEPS), atol=1e-5)


def test_wrong_shapes_are_told_before_the_work(recurrent: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"input 'the steps' takes \(\?, \?, 4\); inputs asks for \(1, 16, 5\)"):
        zl.convert(recurrent, input_shapes={"the steps": (1, 16, 5)})
    with pytest.raises(ValueError, match="no input 'steps'; it has the steps"):
        zl.convert(recurrent, input_shapes={"steps": (1, 16, 4)})
    recurrent.save(tmp_path / "recurrent.keras")
    with pytest.raises(ValueError, match=r"input 'the steps' takes \(\?, \?, 4\); inputs asks for \(1, 16, 5\)"):
        zl.convert(tmp_path / "recurrent.keras", input_shapes={"the steps": (1, 16, 5)})


def test_advice_where_calibration_crashes(tf: Any) -> None:
    """TensorFlow 2.21 can't calibrate loops. Should it learn to, this conversion succeeds, and there is no advice."""
    steps = tf.keras.Input((10, 4), name="steps")
    inputs, data = {"steps": (1, 10, 4)}, np.repeat(STEPS, 3, axis=0)
    loop = tf.keras.Model(steps, tf.keras.layers.LSTM(3)(steps))
    with pytest.raises(ConversionError, match=r"crashed \(SIG\w+\) at the step 'Converting'; nothing was") as crash:
        zl.convert(loop, quantize="int8", representative_data=data, input_shapes=inputs)
    assert "warnings.warn" not in str(crash.value)
    assert "unroll=True, or quantize with quantize='dynamic'" in str(crash.value)
    assert zl.convert(loop, quantize="dynamic", input_shapes=inputs, verify=False).size > 0
    unrolled = tf.keras.Model(steps, tf.keras.layers.LSTM(3, unroll=True)(steps))
    result = zl.convert(unrolled, quantize="int8", representative_data=data)
    assert result.verification is not None
    assert result.verification.max_abs < 0.05


# Half precision


@pytest.fixture(scope="module")
def half(tf: Any) -> Any:
    """A network that was built under the policy mixed_float16: its layers compute in float16."""
    layers = tf.keras.layers
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        image = tf.keras.Input((8, 8, 3), name="image")
        inner = tf.keras.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()])
        network = tf.keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(inner(image))), name="half")
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    return network


@pytest.mark.parametrize("kind", ["model", "file"])
def test_half_precision_is_converted_in_float32(half: Any, kind: str, tmp_path: Path) -> None:
    half.save(tmp_path / "half.keras")
    images = np.random.default_rng(6).random((3, 8, 8, 3)).astype(np.float32)
    result = zl.convert(half if kind == "model" else tmp_path / "half.keras", representative_data=images)
    with zl.load(result.content) as model:
        came = model(images[:1])
    assert came.dtype == np.float32
    expected = half(images[:1])
    np.testing.assert_allclose(came, expected, atol=5e-3)
    assert result.verification is not None
    assert result.verification.max_abs < 1e-5
    # The caller's model is as it was.
    assert expected.dtype == "float16"
    assert {layer.compute_dtype for layer in half._flatten_layers() if layer.weights} == {"float16"}


def test_graphs_in_half_precision_name_the_cause(half: Any, tmp_path: Path) -> None:
    half.export(tmp_path, verbose=False)
    with pytest.raises(
        ConversionError, match=r"float16 numbers: where a dtype policy such as mixed_float16"
    ) as refusal:
        zl.convert(tmp_path)
    assert "Select TF ops" not in str(refusal.value)
    assert "Conv2D" in [one.name for one in refusal.value.unsupported]
    # "Give the Keras model or its .keras file": test_half_precision_is_converted_in_float32.


# Classes of one's own


@pytest.fixture(scope="module")
def networks(tf: Any) -> dict[str, Callable[[], Any]]:
    class Dense(tf.keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = tf.keras.layers.Dense(3)
            self.dropout = tf.keras.layers.Dropout(0.5)

    class Plain(Dense):
        def call(self, x: Any, training: bool = False) -> Any:
            return self.dropout(self.dense(x), training=training)

    class Untrained(Dense):
        def call(self, x: Any) -> Any:
            return self.dense(x)

    class Scaled(Dense):
        def call(self, x: Any, scale: Any = None) -> Any:
            return self.dense(x) if scale is None else self.dense(x) * scale

    class Named(Dense):
        def call(self, inputs: Any) -> Any:
            return {"sum": self.dense(inputs["left"]) + self.dense(inputs["right"]), "left": self.dense(inputs["left"])}

    class Listed(Dense):
        def call(self, pair: Any) -> Any:
            left, right = pair
            return self.dense(left) - self.dense(right)

    return {"plain": Plain, "untrained": Untrained, "scaled": Scaled, "named": Named, "listed": Listed}


@pytest.mark.parametrize("name", ["plain", "untrained"])
def test_called_models_convert(networks: Any, name: str) -> None:
    network = networks[name]()
    expected = network(ROWS).numpy()
    result = zl.convert(network, quantize="int8-float-io", representative_data=ROWS)
    with zl.load(result.content) as model:
        assert list(model.inputs) == ["x"]
        assert model.inputs["x"].shape_signature == (-1, 4)
        np.testing.assert_allclose(np.asarray(model.map(ROWS)), expected, atol=0.1)


def test_models_that_were_not_called_convert_with_shapes(networks: Any) -> None:
    with pytest.raises(ConversionError, match=r"was not called yet.*input_shapes=\{'x': \(1, 8\)\}") as refusal:
        zl.convert(networks["plain"]())
    assert zl.convert(networks["plain"](), input_shapes=advised_inputs(refusal.value)).size > 0
    network = networks["plain"]()
    content = zl.convert(network, input_shapes={"x": (8, 4)}).content
    np.testing.assert_allclose(answer(content, ROWS), network(ROWS), atol=1e-5)
    with pytest.raises(ValueError, match="no input 'y'; it has x"):
        zl.convert(networks["plain"](), input_shapes={"y": (1, 4)})
    with pytest.raises(ValueError, match="call takes x; give the shape of 'x', too"):
        zl.convert(networks["scaled"](), input_shapes={"scale": (1, 3)})


@pytest.mark.parametrize("was_called", [True, False])
def test_several_inputs_of_a_class(networks: Any, was_called: bool) -> None:
    scaled, rows, scale = networks["scaled"](), ROWS[:1], np.array([[1, 2, 3]], np.float32)
    if was_called:
        scaled(rows, scale)
    # Keras keeps the shape of the first argument alone; the others have to be told.
    content = zl.convert(scaled, input_shapes={"x": (1, 4), "scale": (1, 3)}).content
    np.testing.assert_allclose(answer(content, x=rows, scale=scale), scaled(rows, scale), atol=1e-5)

    named, pair = networks["named"](), {"left": ROWS[:1], "right": ROWS[1:2]}
    if was_called:
        named(pair)
    content = zl.convert(named, input_shapes={"left": (1, 4), "right": (1, 4)}).content
    came = answer(content, pair)
    for name, expected in named(pair).items():
        np.testing.assert_allclose(came[name], expected, atol=1e-5)


def test_list_of_inputs_of_a_class(networks: Any) -> None:
    network = networks["listed"]()
    expected = network([ROWS[:1], ROWS[1:2]])
    content = zl.convert(network).content
    np.testing.assert_allclose(answer(content, {"pair_0": ROWS[:1], "pair_1": ROWS[1:2]}), expected, atol=1e-5)


def test_inputs_of_another_type_than_float32(tf: Any) -> None:
    class Looked(tf.keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.keras.layers.Embedding(10, 3)

        def call(self, ids: Any) -> Any:
            return self.table(ids)

    model, ids = Looked(), np.arange(5, dtype=np.int32)[np.newaxis]
    expected = model(ids)
    function = tf.function(model).get_concrete_function(tf.TensorSpec((1, 5), tf.int32, name="ids"))
    np.testing.assert_array_equal(answer(zl.convert(function).content, ids), expected)


def test_advice_where_there_are_no_inputs_to_read(tf: Any, networks: Any) -> None:
    network = tf.keras.Sequential([tf.keras.layers.Dense(3)])
    with pytest.raises(ConversionError, match=r"build it .* as model\.build\(\(None, 8\)\)"):
        zl.convert(network)
    network.build((None, 8))
    assert zl.convert(network, verify=False).size > 0

    own = networks["untrained"]()
    labels = own(ROWS).numpy().argmax(axis=1)
    with pytest.raises(ValueError, match=r"give it as keras\.Model\(x, model\(x\)\)"):
        evaluate(own, ROWS, labels)
    x = tf.keras.Input((4,))
    assert evaluate(tf.keras.Model(x, own(x)), ROWS, labels, rounds=1).accuracy == 1


# Names


def test_names_of_any_script(tf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the model to the command line: every name is the one that the author gave."""
    names = ["my image", "画像", "self", "größe=1"]
    inputs = [tf.keras.Input((4,), name=name) for name in names]
    total = tf.keras.layers.Dense(3, activation="softmax")(tf.keras.layers.Concatenate()(inputs))
    network = tf.keras.Model(inputs, total)
    data = {name: np.random.default_rng(place).normal(size=(6, 4)) for place, name in enumerate(names)}
    rows: dict[str, Any] = {name: array.astype(np.float32) for name, array in data.items()}
    expected = network([rows[name] for name in names]).numpy()
    result = zl.convert(network, tmp_path / "named.tflite", quantize="int8-float-io", representative_data=data)
    assert result.verification is not None
    with zl.load(tmp_path / "named.tflite") as model:
        assert set(model.inputs) == set(names)
        np.testing.assert_allclose(np.asarray(model.map(rows)), expected, atol=0.1)

    labels = expected.argmax(axis=1)
    assert evaluate(tmp_path / "named.tflite", rows, labels, rounds=1).accuracy == 1
    np.savez(tmp_path / "data.npz", labels=labels, **rows)
    assert main(["evaluate", str(tmp_path / "named.tflite"), str(tmp_path / "data.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["accuracy"] == 1

    network.save(tmp_path / "named.keras")
    shapes = [word for name in names for word in ("--input", f"{name}=1,4")]
    arguments = ["convert", str(tmp_path / "named.keras"), "-o", str(tmp_path / "fixed.tflite"), "--json", *shapes]
    assert main([*arguments, "--representative-data", str(tmp_path / "data.npz")]) == 0
    assert json.loads(capsys.readouterr().out)["verification"]["samples"] == 6
    with zl.load(tmp_path / "fixed.tflite") as model:
        assert {name: tuple(tensor.shape) for name, tensor in model.inputs.items()} == dict.fromkeys(names, (1, 4))


def test_names_of_any_script_in_mappings(tf: Any) -> None:
    inputs = {name: tf.keras.Input((4,), name=name) for name in ("ein Bild", "量")}
    summed = tf.keras.layers.Add()(list(inputs.values()))
    network = tf.keras.Model(inputs, {"the sum": summed, "差": tf.keras.layers.Subtract()(list(inputs.values()))})
    rows = {"ein Bild": ROWS[:1], "量": ROWS[1:2]}
    result = zl.convert(network, outputs=["差"], input_shapes={"量": (1, 4)})
    with zl.load(result.content) as model:
        assert list(model.outputs) == ["差"]
        np.testing.assert_allclose(model(rows), rows["ein Bild"] - rows["量"], atol=1e-6)


OWN_LAYERS = """
import keras

FACTOR = {factor}

class Scaled(keras.layers.Layer):
    def call(self, x):
        return x * FACTOR

@keras.saving.register_keras_serializable(package="mine")
class Shifted(keras.layers.Layer):
    def call(self, x):
        return x + 1
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_custom_objects_of_a_file(tf: Any, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my_layers.py").write_text(OWN_LAYERS.format(factor=2.0))
    defined: dict[str, Any] = {"__name__": "my_layers"}
    exec((tmp_path / "my_layers.py").read_text(), defined)
    file = tmp_path / f"own{suffix}"
    tf.keras.Sequential([tf.keras.Input((4,)), defined["Scaled"](), defined["Shifted"]()]).save(file)
    with pytest.raises(ConversionError, match=r"custom_objects='layers\.py' \(--custom-objects layers\.py\)"):
        zl.convert(file)
    target = tmp_path / "own.tflite"
    options = ["--custom-objects", str(tmp_path / "my_layers.py")]
    assert main(["convert", str(file), *options, "-o", str(target)]) == 0, capsys.readouterr().err
    x = np.arange(4, dtype=np.float32)[None]
    assert np.array_equal(answer(target.read_bytes(), x), x * 2 + 1)
    (tmp_path / "my_layers.py").write_text(OWN_LAYERS.format(factor="1 / 0"))
    with pytest.raises(ConversionError, match=r"in '.*my_layers\.py' can't be defined: ZeroDivisionError"):
        zl.convert(file, custom_objects=tmp_path / "my_layers.py")


def test_python_code_in_a_file_runs_when_it_is_trusted(tf: Any, tmp_path: Path) -> None:
    file = tmp_path / "lambda.keras"
    tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Lambda(lambda x: x * 2.0)]).save(file)
    with pytest.raises(ConversionError, match=r"with safe_mode=False \(--no-safe-mode\)"):
        zl.convert(file)
    x = np.arange(4, dtype=np.float32)[None]
    assert np.array_equal(answer(zl.convert(file, safe_mode=False).content, x), x * 2)


def test_code_of_an_author_is_for_keras_files(recurrent: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="safe_mode is for files that Keras wrote"):
        zl.convert(recurrent, safe_mode=False)
    with pytest.raises(ValueError, match="custom_objects is for files that Keras wrote"):
        zl.convert(recurrent, custom_objects="layers.py")
    (tmp_path / "model.keras").touch()
    with pytest.raises(FileNotFoundError, match=r"there is no Python file .*layers\.py"):
        zl.convert(tmp_path / "model.keras", custom_objects=tmp_path / "layers.py")
