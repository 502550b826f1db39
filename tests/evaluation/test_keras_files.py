"""Files of Keras: every command takes the same ones, and says the same of those that can't be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from zerolite.cli import main
from zerolite.comparison import compare
from zerolite.conversion import ConversionError
from zerolite.evaluation import evaluate

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15's own, whenever it saves a variable under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

ROWS = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def tf() -> Any:
    tensorflow = pytest.importorskip("tensorflow")
    tensorflow.keras.utils.set_random_seed(0)
    return tensorflow


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
def test_every_command_takes_every_file(
    tf: Any, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    file = tmp_path / f"model{suffix}"
    network.save(file)
    labels = network(ROWS).numpy().argmax(axis=1)
    assert evaluate(file, ROWS, labels, rounds=1).accuracy == 1
    assert compare({"file": file, "model": network}, ROWS, labels, rounds=1).disagreement is None
    np.savez(tmp_path / "data.npz", x=ROWS, y=labels)
    target = tmp_path / "converted.tflite"
    assert main(["convert", str(file), "-o", str(target), "--no-verify"]) == 0
    assert main(["evaluate", str(file), str(tmp_path / "data.npz")]) == 0
    assert main(["compare", str(file), str(target), "--data", str(tmp_path / "data.npz")]) == 0
    assert "Keras" in capsys.readouterr().out


def evaluated(file: Path) -> None:
    evaluate(file, ROWS, np.zeros(6, int))


def compared(file: Path) -> None:
    compare({"file": file}, ROWS, np.zeros(6, int))


ENTRIES: list[Callable[[Path], Any]] = [evaluated, compared, zl.convert]


@pytest.mark.parametrize("entry", ENTRIES, ids=["evaluate", "compare", "convert"])
def test_files_that_can_not_be_read_say_the_same(tf: Any, tmp_path: Path, entry: Callable[[Path], Any]) -> None:
    import h5py

    network = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    network.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["model_config"] = file.attrs["model_config"].replace("batch_shape", "batch_input_form")
    network.save_weights(tmp_path / "only.weights.h5")
    for name, message in (
        ("old.h5", r"can't read .*old\.h5' \(written by Keras 2\.4\.0; .*TF_USE_LEGACY_KERAS=1"),
        ("only.weights.h5", r"holds weights only.* call load_weights, and give that"),
    ):
        with pytest.raises((ValueError, ConversionError), match=message) as refusal:
            entry(tmp_path / name)
        assert len(str(refusal.value)) < 500  # and not all settings of all layers
        assert refusal.value.__cause__ is not None
    network.load_weights(tmp_path / "only.weights.h5")
    assert zl.convert(network, verify=False).size > 0


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_advice_for_python_code_in_a_file(tf: Any, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"lambda{suffix}"
    tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Lambda(lambda x: x * 2.0)]).save(file)
    told = ""
    for entry in ENTRIES:
        with pytest.raises((ValueError, ConversionError), match="holds Python code, which is not run out") as refusal:
            entry(file)
        told = str(refusal.value)
    advice = re.search(r"keras\.models\.load_model\(.*?\)", told)
    assert advice is not None
    model = eval(advice[0], {"keras": tf.keras})  # the advice itself is what is tried
    with zl.load(zl.convert(model, verify=False).content) as converted:
        np.testing.assert_allclose(converted(ROWS[:1]), 2 * ROWS[:1], rtol=1e-6)
    assert evaluate(model, ROWS, ROWS.argmax(axis=1), rounds=1).accuracy == 1


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_advice_for_layers_of_ones_own(tf: Any, tmp_path: Path, suffix: str) -> None:
    class Doubled(tf.keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2.0

    file = tmp_path / f"own{suffix}"
    tf.keras.Sequential([tf.keras.Input((4,)), Doubled()]).save(file)
    for entry in ENTRIES:
        with pytest.raises(
            (ValueError, ConversionError), match=r"'Doubled'; if it has layers of your own, load it where"
        ) as refusal:
            entry(file)
        assert "config" not in str(refusal.value)
    model = tf.keras.models.load_model(file, custom_objects={"Doubled": Doubled}, compile=False)
    assert evaluate(model, ROWS, ROWS.argmax(axis=1), rounds=1).accuracy == 1
