"""The demonstration, small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support import model_zoo
from tests.support.html_page import Page
from zerolite.cli import main
from zerolite.demo.run import DemoSettings

# Keras 3.15's own, whenever it saves a variable under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

VARIANTS = ["float32", "float16", "dynamic range", "int8"]


# The whole


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """The whole in a process of its own, which works while other tests do."""
    pytest.importorskip("tensorflow", reason="the demonstration needs the extra demo")
    out = tmp_path_factory.mktemp("demo") / "made" / "on demand"
    command = [sys.executable, "-m", "zerolite", "demo", "--epochs", "2", "--json", "--out", str(out)]
    # As a shell would start it: JAX, which TensorFlow imports where it is installed, sets the level of logs.
    variables = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables) as process:
        yield out, process
        process.kill()


@pytest.fixture(scope="module")
def small_run(started: tuple[Path, subprocess.Popen[str]]) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out, process = started
    answer, errors = process.communicate(timeout=300)
    return out, subprocess.CompletedProcess(process.args, process.returncode, answer, errors)


@pytest.mark.slow
@pytest.mark.usefixtures("started")
def test_demo_fails_where_predictions_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("CUDA_VISIBLE_DEVICES", "-1"),
        ("KERAS_BACKEND", "tensorflow"),
    ):
        monkeypatch.setenv(name, value)
    tf = pytest.importorskip("tensorflow", reason="the demonstration needs the extra demo")
    from zerolite._runners.interpreter import reference_interpreter
    from zerolite.comparison import compare_models
    from zerolite.conversion import convert

    # A reference that is sure of another digit than any network that learned something.
    layers = tf.keras.layers
    biased = layers.Dense(10, kernel_initializer="zeros", bias_initializer=tf.keras.initializers.Constant(3))
    stubborn = tf.keras.Sequential([tf.keras.Input((8, 8, 1)), layers.Flatten(), biased])
    content = convert(stubborn).content
    monkeypatch.setattr(compare_models, "reference_interpreter", lambda _, **__: reference_interpreter(content))
    code = main(["demo", "--epochs", "1", "--out", str(tmp_path)])
    captured = capsys.readouterr()
    assert code == 1
    last = captured.err.splitlines()[-1]
    assert last.startswith("zerolite: predictions of 'float32' differ between zerolite and tf.lite on")
    assert json.loads((tmp_path / "report.json").read_text())["agrees"] is False
    assert "differ between" in Page((tmp_path / "report.html").read_text(encoding="utf-8")).text


@pytest.mark.slow
def test_demo_succeeds_and_says_what_it_does(
    small_run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, answer = small_run
    assert answer.returncode == 0, answer.stderr
    stages = ["Loading TensorFlow", "Training", "Converting", "Comparing", "Writing the report"]
    # Nothing but progress: no log of TensorFlow, no warning.
    assert all(line.startswith(tuple(stages)) for line in answer.stderr.splitlines()), answer.stderr
    assert all(stage in answer.stderr for stage in stages)


@pytest.mark.slow
def test_demo_reports_every_variant(small_run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, answer = small_run
    document = json.loads(answer.stdout)
    assert document == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert document["agrees"] is True
    assert document["settings"] == {"epochs": 2, "seed": 0, "rounds": 15, "threads": 1}
    assert document["data"]["train_images"] + document["data"]["test_images"] == 1797
    assert [(row["model"], row["runtime"]) for row in document["rows"]] == [
        ("Keras", "Keras"),
        *((variant, runtime) for variant in VARIANTS for runtime in ("tf.lite", "zerolite")),
    ]
    for row in document["rows"]:
        name = "digits.keras" if row["runtime"] == "Keras" else f"digits-{row['model']}.tflite"
        assert row["size_bytes"] == (out / name.replace(" ", "-")).stat().st_size
        # Two epochs are few, but far better than guessing.
        assert 0.5 < row["metrics"]["accuracy"] <= 1
        assert 0 < row["latency_us"]["p50"] <= row["latency_us"]["p95"]
        assert row["items_per_second"] == pytest.approx(1e6 / row["latency_us"]["mean"])
    assert [entry["model"] for entry in document["parity"]] == VARIANTS
    for entry in document["parity"]:
        assert entry["agreeing"] == entry["items"] == document["data"]["test_images"]
        assert entry["first_differing"] == []


@pytest.mark.slow
def test_demo_models_are_what_their_names_say(
    small_run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, _ = small_run
    types = {}
    for variant in VARIANTS:
        path = out / f"digits-{variant.replace(' ', '-')}.tflite"
        (source,) = model_zoo.reference_interpreter(path).get_input_details()
        types[variant] = source["dtype"]
    assert types == dict.fromkeys(VARIANTS, np.float32) | {"int8": np.int8}


@pytest.mark.slow
def test_demo_page_shows_the_numbers(small_run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, answer = small_run
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    for row in json.loads(answer.stdout)["rows"]:
        assert f"{100 * row['metrics']['accuracy']:.2f} %" in page.text
    assert "zerolite predicts what the other runtimes predict" in page.text


# Its parts


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"rounds": 0}, {"seed": -1}, {"seed": 2**32}, {"test_images": 3}])
def test_settings_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DemoSettings(**wrong)  # type: ignore[arg-type]
