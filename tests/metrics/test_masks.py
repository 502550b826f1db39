"""Masks: what is void, what is foreground, and a class of a name that another one has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.metrics.models import Echo, write_scores
from zerolite.cli import main
from zerolite.comparison import compare
from zerolite.evaluation import evaluate
from zerolite.evaluation.metrics.choice import metric_makers

sklearn_metrics: Any = pytest.importorskip("sklearn.metrics", reason="an oracle")

RNG = np.random.default_rng(2)
NAMES = ["mean_iou", "pixel_accuracy"]


def oracle(labels: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    return {
        "mean_iou": pytest.approx(sklearn_metrics.jaccard_score(labels.ravel(), predicted.ravel(), average="macro")),
        "pixel_accuracy": pytest.approx(sklearn_metrics.accuracy_score(labels.ravel(), predicted.ravel())),
    }


@pytest.mark.parametrize("ending", ["sigmoid", "logit"])
def test_binary_masks_of_0_and_255(ending: str, tmp_path: Path) -> None:
    scores = RNG.normal(size=(70, 6, 5, 1)).astype(np.float32)
    path = write_scores(tmp_path / "m.tflite", ending, 6, 5, 1)
    truth = RNG.integers(0, 2, (70, 6, 5))
    truth[:65] = 0  # so that the foreground comes last
    expected = oracle(truth, scores[..., 0] > 0)
    for masks in (truth, truth * 255, (truth * 255).astype(np.uint8)[..., np.newaxis], truth.astype(bool)):
        assert evaluate(path, scores, masks, metrics=NAMES).metrics == expected
    with pytest.raises(ValueError, match=r"for pixels choose metrics=\['mean_iou', 'pixel_accuracy'\]"):
        evaluate(path, scores, truth)
    both = np.concatenate([-scores, scores], axis=-1)
    assert evaluate(Echo(6, 5, 2), both, truth * 255, metrics=NAMES).metrics == expected


def test_255_is_void_where_the_labels_mean_it() -> None:
    scores = RNG.normal(size=(70, 4, 4, 2)).astype(np.float32)
    truth = RNG.integers(0, 2, (70, 4, 4))
    void = RNG.random(truth.shape) < 0.2
    masks = np.where(void, 255, truth)
    predicted = scores.argmax(axis=-1)
    expected = oracle(truth[~void], predicted[~void])
    assert evaluate(Echo(4, 4, 2), scores, masks, metrics=NAMES).metrics == expected
    # A void number of one's own, and none.
    assert evaluate(Echo(4, 4, 2), scores, np.where(void, 9, truth), metrics=NAMES, void=9).metrics == expected
    with pytest.raises(ValueError, match="pixels labelled 0 to 255, and the model's 2 classes"):
        evaluate(Echo(4, 4, 2), scores, masks, metrics=NAMES, void=None)
    # Background and void only: nothing in the data tells that, so that it has to be said.
    background = np.where(void, 255, 0)
    expected = oracle(background[~void], predicted[~void])
    assert evaluate(Echo(4, 4, 2), scores, background, metrics=NAMES, void=255).metrics == expected


def test_255_is_a_class_of_a_model_that_has_it() -> None:
    scores = RNG.normal(size=(5, 8, 8, 256)).astype(np.float32)
    truth = RNG.integers(0, 256, (5, 8, 8))
    assert evaluate(Echo(8, 8, 256), scores, truth, metrics=NAMES).metrics == oracle(truth, scores.argmax(axis=-1))
    predicted = RNG.choice([0, 255], (6, 8, 8))
    truth = RNG.choice([0, 255], (6, 8, 8))
    expected = oracle(truth, predicted)
    binary = oracle(truth, RNG.choice([0, 255], (6, 8, 8)))
    assert expected != binary
    for name in NAMES:
        metric = metric_makers([name])[name]()
        for outputs, labels in zip(predicted, truth, strict=True):
            metric.update(outputs[np.newaxis], labels[np.newaxis])
        assert metric.result() == expected[name]


def test_class_numbers_beside_masks_of_0_and_255() -> None:
    predicted, truth = RNG.integers(0, 2, (6, 8, 8)), RNG.integers(0, 2, (6, 8, 8))
    predicted[0] = 0
    for name in NAMES:
        metric = metric_makers([name])[name]()
        for outputs, labels in zip(predicted, truth, strict=True):
            metric.update(outputs[np.newaxis], labels[np.newaxis] * 255)
        assert metric.result() == oracle(truth, predicted)[name]


def test_one_hot_masks_and_pixels_that_are_nan() -> None:
    scores = RNG.normal(size=(5, 4, 4, 3)).astype(np.float32)
    truth = RNG.integers(0, 3, (5, 4, 4))
    expected = oracle(truth, scores.argmax(axis=-1))
    assert evaluate(Echo(4, 4, 3), scores, np.eye(3)[truth], metrics=NAMES).metrics == expected
    with pytest.raises(ValueError, match=r"needs class numbers as labels, integers of shape .*, or one-hot ones"):
        evaluate(Echo(4, 4, 3), scores, np.eye(3)[truth] * 0.7, metrics=NAMES)
    scores[..., 0][truth == 0] = np.nan
    predicted = np.where(truth == 0, 3, scores.argmax(axis=-1))
    with pytest.warns(UserWarning, match="holds NaN for 5 of 5 items"):
        values = evaluate(Echo(4, 4, 3), scores, truth, metrics=NAMES).metrics
    assert values["pixel_accuracy"] == oracle(truth, predicted)["pixel_accuracy"]
    by_class = sklearn_metrics.jaccard_score(truth.ravel(), predicted.ravel(), average=None, labels=[0, 1, 2])
    assert values["mean_iou"] == pytest.approx(by_class.mean())


def test_void_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_scores(tmp_path / "m.tflite", "sigmoid", 4, 4, 1)
    scores = RNG.normal(size=(5, 4, 4, 1)).astype(np.float32)
    masks = (scores > 0) * 255
    np.savez(tmp_path / "data.npz", x=scores, y=masks)
    arguments = ["evaluate", str(path), str(tmp_path / "data.npz"), "--metric", "pixel_accuracy", "--json"]
    for word, accuracy in (("auto", 1), ("255", 1)):
        assert main([*arguments, "--void", word]) == 0
        assert json.loads(capsys.readouterr().out)["metrics"]["pixel_accuracy"] == accuracy
    assert main([*arguments, "--void", "none"]) == 1
    assert "pixels labelled 0 to 255" in capsys.readouterr().err
    assert main([*arguments, "--void", "white"]) == 2


# Names


def test_a_class_name_that_occurs_twice(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    path = write_scores(tmp_path / "m.tflite", "logit", 1, 1, 3)
    names = ["crane", "cat", "crane"]
    for folder in ("cat", "crane"):
        (tmp_path / "images" / folder).mkdir(parents=True)
        image_module.new("RGB", (1, 1), (0, 200, 0)).save(tmp_path / "images" / folder / "0.png")

    class Row(Echo):
        """Scores of the only pixel."""

        def __init__(self) -> None:
            super().__init__(1, 1, 3)
            self.output = Echo(3).output

        def function(self, *arrays: np.ndarray) -> np.ndarray:
            return arrays[0].reshape(-1, 3)

    assert path.is_file()
    with pytest.raises(
        ValueError, match=r"classes 0 and 2 are both called 'crane', .* the folder .*crane is; .* 'crane 0'"
    ):
        evaluate(Row(), tmp_path / "images", preprocessing="unit", class_names=names)
    # The advice works.
    (tmp_path / "images" / "crane").rename(tmp_path / "images" / "crane 0")
    told = evaluate(Row(), tmp_path / "images", preprocessing="unit", class_names=["crane 0", "cat", "crane"])
    assert told.accuracy == 0.5
    # Where no folder has that name, nothing is in doubt.
    (tmp_path / "images" / "crane 0").rename(tmp_path / "removed")
    assert evaluate(Row(), tmp_path / "images", preprocessing="unit", class_names=names).accuracy == 1


def test_classes_of_one_name_are_told_apart(tmp_path: Path) -> None:
    rows = np.eye(3, dtype=np.float32)
    comparison = compare({"a": Echo(3)}, rows, [2, 1, 2], class_names=["crane", "cat", "crane"], rounds=1)
    sample = comparison.worst[0]
    assert (sample.label, list(sample.answers.values())) == ("crane (2)", ["crane (0)"])
