"""Keras models on the JAX and PyTorch backends convert like those on TensorFlow, under their own names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.python_process import run_python

pytestmark = pytest.mark.slow

_PROGRAM = """
import json, sys
import keras
import numpy as np
import zerolite as zl

keras.utils.set_random_seed(0)
first, second = keras.Input((8,), name="my features"), keras.Input((8,), name="b")
hidden = keras.layers.Dense(4, activation="relu")(keras.layers.Add()([first, second]))
heads = {"p": keras.layers.Dense(3, activation="softmax", name="p")(hidden), "a": keras.layers.Dense(2)(hidden)}
network = keras.Model([first, second], heads)
result = zl.convert(network, sys.argv[1])
x = np.random.default_rng(0).normal(size=(2, 1, 8)).astype(np.float32)
expected = network(list(x))
with zl.load(sys.argv[1]) as model:
    answer = model({"my features": x[0], "b": x[1]})
    largest = max(float(np.abs(answer[name] - keras.ops.convert_to_numpy(expected[name])).max()) for name in answer)
    print(json.dumps([keras.backend.backend(), list(model.inputs), list(model.outputs), largest]))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_model_on_another_backend(backend: str, tmp_path: Path) -> None:
    for package in (backend, "keras", "tensorflow"):
        pytest.importorskip(package)
    ended = run_python(_PROGRAM, str(tmp_path / "model.tflite"), environment={"KERAS_BACKEND": backend}, timeout=600)
    assert ended.returncode == 0, ended.stderr
    used, inputs, outputs, largest = json.loads(ended.stdout.splitlines()[-1])
    assert used == backend
    assert inputs == ["my features", "b"]
    assert outputs == ["p", "a"]
    assert largest < 1e-4
