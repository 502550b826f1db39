"""The layers that have to stay in float are found: the model is as right with them as it must be, and no layer more."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.quantization.digit_model import DigitModel, digit_model
from tests.support import model_zoo as zoo
from zerolite.cli import main
from zerolite.conversion import ConversionError, ConversionResult, LayerLoss, PrecisionSearch, PrecisionTrial
from zerolite.conversion.quantization.goal import LossGoal
from zerolite.conversion.quantization.least_kept import least_kept
from zerolite.conversion.quantization.trial import pareto_front

pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

MAX_LOSS = 0.01


@pytest.fixture(scope="module")
def ruined(tmp_path_factory: pytest.TempPathFactory) -> DigitModel:
    """A model that int8 makes useless."""
    return digit_model(tmp_path_factory.mktemp("ruined"), outlier=True)


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def result(ruined: DigitModel, steps: list[str]) -> ConversionResult:
    return zl.convert(
        ruined.path,
        quantize="int8",
        representative_data=ruined.calibration,
        max_loss=MAX_LOSS,
        evaluation_data=ruined.images,
        evaluation_labels=ruined.labels,
        on_step=steps.append,
    )


def search_of(result: ConversionResult) -> PrecisionSearch:
    assert result.search is not None
    return result.search


def test_the_model_is_as_right_as_it_must_be(result: ConversionResult, ruined: DigitModel, steps: list[str]) -> None:
    exact = zl.evaluate(ruined.path, ruined.images, ruined.labels).accuracy
    plain = zl.convert(ruined.path, quantize="int8", representative_data=ruined.calibration)
    assert exact > 0.9
    assert zl.evaluate(plain.content, ruined.images, ruined.labels).accuracy < 0.5
    accuracy = zl.evaluate(result.content, ruined.images, ruined.labels).accuracy
    assert accuracy >= exact - MAX_LOSS
    assert plain.size < result.size < 0.6 * ruined.path.stat().st_size
    search = search_of(result)
    assert (search.chosen.value, search.chosen.size) == (accuracy, result.size)
    assert result.kept_float == tuple(name for name in result.kept_float if name in search.chosen.kept_float)
    assert result.verification is not None
    assert steps[:3] == ["Evaluating the float model", "Quantizing", "Comparing layers"]
    assert steps[-3:] == ["Timing", "Quantizing", "Verifying"]


def test_no_more_layers_stay_than_it_takes(result: ConversionResult) -> None:
    search = search_of(result)
    assert 0 < len(search.chosen.kept_float) < len(search.layers)
    for name in search.chosen.kept_float:
        rest = tuple(one for one in search.chosen.kept_float if one != name)
        (trial,) = (one for one in search.trials if one.kept_float == rest and one.quantize == "int8")
        assert trial.loss > MAX_LOSS, name


def test_the_way_there(result: ConversionResult) -> None:
    search = search_of(result)
    first, second, *_ = search.trials
    assert (first.label, first.loss, first.kept_float) == ("float32", 0.0, ())
    assert (second.label, second.kept_float) == ("int8", ())
    assert all(trial.latency_us > 0 for trial in search.trials)
    # The layer into which the outlier goes loses everything, and those behind it add nothing.
    assert search.layers[0].operator == "CONV_2D"
    assert search.layers[0].own > 100 * search.layers[1].own
    document = json.loads(search.to_json())
    assert document == result.to_dict()["search"]
    assert document["trials"][document["chosen"]]["kept_float"] == list(search.chosen.kept_float)
    assert document["trials"][1]["loss"] == second.loss
    rows = list(csv.DictReader(io.StringIO(search.to_csv())))
    assert [float(row["value"]) for row in rows] == [trial.value for trial in search.trials]


def test_plot(result: ConversionResult) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    picture = search_of(result).plot().decode()
    assert picture.count("<?xml") == 1
    assert "accuracy" in picture
    assert search_of(result).plot() == picture.encode()


def test_command_line_where_nothing_has_to_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    model = digit_model(tmp_path, outlier=False)
    np.save(tmp_path / "calibration.npy", model.calibration)
    np.savez(tmp_path / "test.npz", x=model.images, y=model.labels)
    options = ["--quantize", "int8", "--representative-data", str(tmp_path / "calibration.npy"), "--keep-float", "auto"]
    options += ["--data", str(tmp_path / "test.npz"), "--metric", "top-2", "--plot", str(tmp_path / "trials.svg")]
    assert main(["convert", str(model.path), *options, "-o", str(tmp_path / "out.tflite")]) == 0
    out = capsys.readouterr().out
    assert "a loss of 0.01 is allowed" in out
    assert "int8 (chosen)" in out
    assert "Not quantized" not in out
    assert (tmp_path / "trials.svg").is_file()
    plain = zl.convert(model.path, quantize="int8", representative_data=model.calibration, verify=False)
    assert (tmp_path / "out.tflite").read_bytes() == plain.content


def test_what_no_choice_reaches() -> None:
    """Inputs and outputs are integers whatever stays in float."""
    path = zoo.model_path("dense_2layer")
    rows = np.random.default_rng(6).normal(size=(12, 64)).astype(np.float32)
    with zl.load(path) as model:
        exact = np.concatenate([cast("Any", model(row[np.newaxis])) for row in rows])

    def is_exact(outputs: np.ndarray, _: np.ndarray) -> float:
        return float(np.allclose(outputs, exact, atol=1e-5))

    options: dict[str, Any] = {"quantize": "int8", "representative_data": rows, "max_loss": 0.5}
    data = (rows, np.zeros(len(rows)))
    with pytest.raises(
        ConversionError,
        match=r"keeps the exact .* of the float model's 1: the best, with 0 layers .*io_dtype='float32'",
    ):
        zl.convert(path, metric={"exact": is_exact}, evaluation_data=data, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_loss": 0.1}, ValueError, "need evaluation_data"),
        ({"keep_float": "auto"}, ValueError, "need evaluation_data"),
        ({"max_loss": -1, "evaluation_data": 1}, ValueError, "a number from 0 up; came -1"),
        ({"max_loss": float("nan"), "evaluation_data": 1}, ValueError, "a number from 0 up"),
        ({"evaluation_data": 1}, ValueError, "evaluation_data is for max_loss"),
        ({"max_loss": 0, "evaluation_data": 1, "metric": "acuracy"}, ValueError, "acuracy"),
        ({"max_loss": 0, "evaluation_data": 1, "metric": {}}, ValueError, "metric must be one metric"),
        ({"max_loss": 0, "evaluation_data": iter([1])}, TypeError, "empty after one trial"),
        ({"max_loss": 0, "evaluation_data": 1, "quantize": "none"}, ValueError, "choose how the rest is"),
    ],
)
def test_wrong_use(
    options: dict[str, Any], error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "")  # whoever starts a process now fails
    with pytest.raises(error, match=message):
        zl.convert(zoo.model_path("small_cnn"), **{"quantize": "dynamic", **options})


def test_data_without_a_number(ruined: DigitModel) -> None:
    options: dict[str, Any] = {"quantize": "dynamic", "max_loss": 0.1}
    with pytest.raises(ValueError, match="evaluation_data has no labels"):
        zl.convert(ruined.path, evaluation_data=ruined.images[:3], **options)
    with pytest.raises(ValueError, match="'confusion_matrix' is no finite number"):
        zl.convert(
            ruined.path, evaluation_data=(ruined.images[:3], ruined.labels[:3]), metric="confusion_matrix", **options
        )
    with pytest.raises(ValueError, match="max_loss is for models with one signature"):
        zl.convert(zoo.model_path("multi_signature"), evaluation_data=1, **options)


def test_errors_are_better_when_they_are_smaller() -> None:
    def loss(metric: Any) -> float:
        return LossGoal.checked(0.1, metric, 1, None, preprocessing=None).loss(1.0, 1.5)

    assert loss("rmse") == 0.5
    assert loss("accuracy") == -0.5
    assert loss({"mse": lambda *_: 0.0}) == -0.5


# The search without models


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=14))
def test_the_fewest_layers_are_found(layers: list[tuple[bool, int]]) -> None:
    """Where some layers are needed and others are not."""
    losses = [
        LayerLoss(name=str(index), operator="ADD", relative_error=0.0, own=0.0, constant_bytes=size)
        for index, (_, size) in enumerate(layers)
    ]
    needed = tuple(str(index) for index, (is_needed, _) in enumerate(layers) if is_needed)
    asked: list[tuple[str, ...]] = []

    def is_met(kept: tuple[str, ...]) -> bool:
        asked.append(kept)
        return set(needed) <= set(kept)

    assert least_kept(losses, is_met) == needed
    assert len(asked) == len(set(asked))
    assert least_kept(losses, lambda _: False) is None


def trials(values: list[tuple[int, int]]) -> Iterator[PrecisionTrial]:
    for size, loss in values:
        yield PrecisionTrial(quantize="int8", kept_float=(), value=-loss, loss=loss, size=size, latency_us=0.0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1))
def test_front(values: list[tuple[int, int]]) -> None:
    beaten = {
        mine
        for mine, other in itertools.product(values, values)
        if other != mine and other[0] <= mine[0] and other[1] <= mine[1]
    }
    front = [(one.size, one.loss) for one in pareto_front(list(trials(values)), "size")]
    assert front == sorted(set(values) - beaten)
