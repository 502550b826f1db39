"""Scores are calibrated as TensorFlow Lite's task library does it, here computed by SciPy and by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.tasks.handmade_models import constant_model, post_processed
from tests.tasks.text.models import sentiment
from zerolite import metadata
from zerolite.cli import main

special = pytest.importorskip("scipy.special", reason="the formulas are checked with SciPy")
images = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

PICTURE = np.full((10, 20, 3), 90, np.uint8)
SIGMOIDS = "0.9,1.5,-0.3,0.2\n1,-2,0.1\n\n0.5,3,0,-1"
ROWS = [(0.9, 1.5, -0.3, 0.2), (1, -2, 0.1, -math.inf), None, (0.5, 3, 0, -1)]
DEFAULT = 0.125
NAMES = ["a", "b", "c", "d"]


def calibrated(
    model: bytes, lines: str | None, transformation: Any = "identity", *, output: int = 0, outputs: int = 1
) -> bytes:
    """The model with metadata that calibrates one of its outputs."""
    kind = metadata.AssociatedFile("calibration.txt", kind="score_calibration")
    tensor = metadata.TensorMetadata(
        process_units=(metadata.ScoreCalibration(transformation, DEFAULT),),
        associated_files=() if lines is None else (kind,),
    )
    tensors = tuple(tensor if place == output else metadata.TensorMetadata() for place in range(outputs))
    files = {} if lines is None else {"calibration.txt": lines.encode()}
    graph = metadata.SubgraphMetadata(inputs=(metadata.TensorMetadata("image"),), outputs=tensors)
    return metadata.write(model, metadata.Metadata(subgraphs=(graph,)), files)


def expected_score(score: float, row: tuple[float, ...] | None, transformation: str) -> float:
    if row is None or score < row[3]:
        return DEFAULT
    scale, slope, offset, _ = row
    transformed = {"identity": lambda x: x, "log": np.log, "inverse_logistic": special.logit}[transformation](score)
    return float(scale * special.expit(slope * transformed + offset))


def scores_of(model: bytes) -> dict[int, float]:
    with zl.tasks.load(model, "classify", class_names=NAMES, preprocessing="none") as task:
        return {one.class_number: one.score for one in task(PICTURE, k=4).predictions}


@given(
    st.lists(st.floats(2**-20, 1 - 2**-20, width=32), min_size=4, max_size=4),
    st.sampled_from(["identity", "log", "inverse_logistic"]),
)
def test_scores_of_classes(values: list[float], transformation: str) -> None:
    model = constant_model({"x": np.array([values], np.float32)})
    found = scores_of(calibrated(model, SIGMOIDS, transformation))
    expected = [expected_score(one, row, transformation) for one, row in zip(values, ROWS, strict=True)]
    assert [found[number] for number in range(4)] == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("transformation", "told"),
    [
        ("identity", [0.611261, 0.425557, 0.125, 0.268715]),
        ("log", [0.272328, 0.965071, 0.125, 6.2e-05]),
        ("inverse_logistic", [0.652777, 0.946475, 0.125, 7.3e-05]),
    ],
)
def test_scores_that_the_task_library_told(transformation: str, told: list[float]) -> None:
    """What `ImageClassifier` of tflite-support 0.4.4 said of the same file."""
    model = constant_model({"x": np.array([[0.7, 0.2, 0.5, 0.05]], np.float32)})
    found = scores_of(calibrated(model, SIGMOIDS, transformation))
    assert [found[number] for number in range(4)] == pytest.approx(told, abs=1e-6)


@pytest.mark.parametrize("transformation", ["log", "inverse_logistic"])
def test_logarithms_of_nothing_keep_the_order(transformation: str) -> None:
    """Zero and less have no logarithm, and one no inverse logistic."""
    model = constant_model({"x": np.array([[-1, 0, 1, 2]], np.float32)})
    found = scores_of(calibrated(model, "\n".join(["1,0.02,0"] * 4), transformation))
    scores = [found[number] for number in range(4)]
    assert all(map(math.isfinite, scores))
    assert scores == sorted(scores)
    assert len(set(scores)) == 4


def test_one_score_of_two_classes() -> None:
    model = calibrated(constant_model({"x": np.array([[2.0]], np.float32)}), "1,1,0\n")
    with zl.tasks.load(model, "classify", preprocessing="none") as task:
        assert task(PICTURE).predictions[0].score == pytest.approx(special.expit(2.0))


def test_scores_of_boxes() -> None:
    """What was sure may be not sure any more, and the other way round."""
    anchors = np.array([[0.5, 0.25, 0.5, 0.25], [0.5, 0.75, 0.25, 0.25]], np.float32)
    scores = np.array([[0, 0.1, 0.8], [0, 0.6, 0.2]], np.float32)
    model = post_processed(np.zeros((2, 4), np.float32), scores, anchors, min_score=0.5)
    lines = "1,4,-1\n0.5,-3,1"
    with zl.tasks.load(calibrated(model, lines, output=2, outputs=4), "detect", class_names=["cat", "dog"]) as task:
        found = {one.label: one.score for one in task(PICTURE, min_score=0).detections}
        dog, cat = 0.5 * special.expit(-3 * 0.8 + 1), special.expit(4 * 0.6 - 1)
        assert found["cat"] == pytest.approx(cat, rel=1e-5)
        assert found["dog"] == pytest.approx(dog, rel=1e-5)
        assert [one.label for one in task(PICTURE, min_score=0.2).detections] == ["cat"]


def test_background_of_a_label_map() -> None:
    """A file with a line for the background, as the label map has one."""
    anchors = np.array([[0.5, 0.25, 0.5, 0.25]], np.float32)
    model = post_processed(np.zeros((1, 4), np.float32), np.array([[0, 0.6, 0.2]], np.float32), anchors)
    lines = "1,1,100\n1,4,-1\n1,1,1"
    names = ["???", "cat", "dog"]
    with zl.tasks.load(calibrated(model, lines, output=2, outputs=4), "detect", class_names=names) as task:
        assert task(PICTURE).detections[0].score == pytest.approx(special.expit(4 * 0.6 - 1), rel=1e-5)


def test_scores_of_texts(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("<PAD> 0\n<START> 1\n<UNKNOWN> 2\ngood 3\nbad 4\n")
    table = np.zeros((5, 2), np.float32)
    table[3, 1] = table[4, 0] = 1
    model = calibrated(sentiment(table, 2), "1,2,-1\n1,3,0")
    with zl.tasks.load(model, "text", vocabulary=words) as task:
        scores = {one.class_number: one.score for one in task("good").predictions}
    assert scores == pytest.approx({0: special.expit(-1.0), 1: special.expit(3 * 0.5)}, rel=1e-5)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (None, "names no file of the kind score_calibration"),
        ("1,2,3\n", r"has 1 lines to calibrate 4 classes"),
        ("1,2,3\n1,2\n\n", r"line 2 of calibration\.txt in the model in memory is '1,2'"),
        ("1,2,3\n\n1,x,3\n", r"line 3 .* is '1,x,3'; it has a scale, a slope"),
        ("1,2,3,4,5\n\n\n", "line 1"),
        ("1,nan,3\n\n\n", "line 1"),
    ],
)
def test_broken_files(lines: str | None, said: str) -> None:
    model = calibrated(constant_model({"x": np.zeros((1, 4), np.float32)}), lines)
    with pytest.raises(ValueError, match=said):
        zl.tasks.load(model, "classify", preprocessing="none")


# What zl.vision.classify and the command tell


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    images.fromarray(PICTURE).save(path)
    return path


@pytest.mark.parametrize("position", [0, 1])
def test_classify_says_the_same(position: int, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of the output that is named, of several."""
    scores = np.array([[0.7, 0.2, 0.5, 0.05]], np.float32)
    model = file.with_name("model.tflite")
    named = {"y": np.ones((1, 4), np.float32)}
    outputs = {"x": scores} if position == 0 else {**named, "x": scores}
    model.write_bytes(calibrated(constant_model(outputs), SIGMOIDS, output=position, outputs=len(outputs)))
    (found,) = zl.vision.classify(model, file, NAMES, k=4, preprocessing="none", output="x")
    assert {one.class_number: one.score for one in found.predictions} == pytest.approx(
        {0: 0.611261, 1: 0.425557, 2: 0.125, 3: 0.268715}, abs=1e-6
    )
    words = ["classify", str(file), "--model", str(model), "--preprocessing", "none", "--output", "x", "--json"]
    assert main(words) == 0
    (told,) = json.loads(capsys.readouterr().out)["images"]
    assert [one["score"] for one in told["predictions"]] == [one.score for one in found.predictions]


def test_classify_with_one_score(file: Path) -> None:
    model = calibrated(constant_model({"x": np.array([[1.2]], np.float32)}), "0.9,1.5,-0.3")
    (found,) = zl.vision.classify(model, file, preprocessing="none")
    score = expected_score(1.2, (0.9, 1.5, -0.3, -math.inf), "identity")
    assert [one.class_number for one in found.predictions] == [1, 0]
    assert [one.score for one in found.predictions] == pytest.approx([score, 1 - score])


def test_classify_refuses_a_broken_calibration(file: Path) -> None:
    model = calibrated(constant_model({"x": np.zeros((1, 4), np.float32)}), "1,2,3\n4")
    with pytest.raises(ValueError, match="has 2 lines to calibrate 4 classes"):
        zl.vision.classify(model, file, preprocessing="none")
