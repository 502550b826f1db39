"""Scores are told as what they are: of two classes, as probabilities, or as plain numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from zerolite import vision
from zerolite.cli import main

Image = pytest.importorskip("PIL.Image", reason="images need the extra vision")


def brightness(path: Path, *, sigmoid: bool) -> Path:
    """A model of 1 x 1 grey images whose score is the pixel less a half, or the sigmoid of that."""
    builder = GraphBuilder()
    source = builder.tensor("x", (1, 1, 1, 1), "float32")
    shifted = builder.tensor("shifted", (1, 1, 1, 1), "float32")
    score = builder.tensor("score", (1, 1, 1, 1), "float32")
    row = builder.tensor("row", (1, 1), "float32")
    builder.operator(Op.SUB, [source, builder.constant("half", np.array([0.5], np.float32))], [shifted])
    if sigmoid:
        builder.operator(Op.LOGISTIC, [shifted], [score])
    shape = builder.constant("shape", np.array([1, 1], np.int32))
    builder.operator(Op.RESHAPE, [score if sigmoid else shifted, shape], [row])
    builder.interface([source], [row])
    path.write_bytes(builder.finish())
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "dark.png", tmp_path / "bright.png"]
    for path, grey in zip(paths, (10, 200), strict=True):
        Image.new("L", (1, 1), grey).save(path)
    return paths


@pytest.mark.parametrize("sigmoid", [True, False])
def test_one_score_tells_two_classes(sigmoid: bool, pictures: list[Path], tmp_path: Path) -> None:
    path = brightness(tmp_path / "m.tflite", sigmoid=sigmoid)
    for model in (path, path.read_bytes(), zl.load(path)):
        found = list(vision.classify(model, pictures, ["dark", "bright"], preprocessing="unit"))
        assert [one.predictions[0].label for one in found] == ["dark", "bright"]
        for one, grey in zip(found, (10, 200), strict=True):
            probability = 1 / (1 + np.exp(0.5 - grey / 255))
            by_class = {prediction.class_number: prediction.probability for prediction in one.predictions}
            assert by_class == pytest.approx({0: 1 - probability, 1: probability}, abs=1e-6)


def test_scores_without_a_model() -> None:
    assert [one.class_number for one in vision.top([0.9])] == [1, 0]
    assert [one.class_number for one in vision.top([-3.0], ["no", "yes"])] == [0, 1]
    assert vision.top([1000.0])[0].score == 1
    assert [one.probability for one in vision.top([0.675, -0.22])] == [None, None]
    assert [one.probability for one in vision.top([0.9, 0.8])] == [None, None]
    assert [one.probability for one in vision.top([0.25, 0.75])] == [0.75, 0.25]


def test_logits_are_no_percentages(pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = GraphBuilder()
    source, target = builder.tensor("x", (1, 1, 2, 1), "float32"), builder.tensor("y", (1, 2), "float32")
    builder.operator(Op.RESHAPE, [source, builder.constant("shape", np.array([1, 2], np.int32))], [target])
    builder.interface([source], [target])
    (tmp_path / "m.tflite").write_bytes(builder.finish())
    code = main(
        ["classify", str(pictures[1]), "--model", str(tmp_path / "m.tflite"), "--preprocessing", "unit", "--top", "1"]
    )
    out = capsys.readouterr().out
    assert (code, "%" in out, "0.7843" in out) == (0, False, True)
