"""What a picture shows is what the model says of it, with the labels of its file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo
from tests.tasks.handmade_models import constant_model
from zerolite import metadata

Image = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

PICTURE = np.full((10, 20, 3), 90, np.uint8)
NAMES = [f"digit {number}" for number in range(10)]


def scores_of(values: list[float]) -> bytes:
    return constant_model({"x": np.array([values], np.float32)})


def dense_row() -> bytes:
    """A picture's numbers times a matrix: a row that may be scores, or features, or anything."""
    graph = GraphBuilder()
    image = graph.tensor("image", [1, 4, 4, 3])
    weights = graph.constant("weights", np.zeros((5, 48), np.float32))
    made = graph.tensor("row", [1, 5])
    graph.operator(Op.FULLY_CONNECTED, [image, weights, -1], [made], options=schema.FullyConnectedOptionsT())
    graph.interface([image], [made])
    graph.signature("serving_default", {"image": image}, {"row": made})
    return graph.finish()


@pytest.mark.parametrize("variant", ["", "_int8", "_uint8_io"])
def test_answers_are_those_of_vision(variant: str, tmp_path: Path) -> None:
    """Of pictures that need no resizing, which is where the two differ."""
    path = model_zoo.model_path(f"small_cnn{variant}")
    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(tmp_path / f"{index}.png")
    expected = list(zl.vision.classify(path, tmp_path, NAMES, k=3, preprocessing="unit"))
    with zl.tasks.load(path, class_names=NAMES, preprocessing="unit") as task:
        assert isinstance(task, zl.tasks.Classifier)
        found = list(task.map(tmp_path, k=3))
    assert [one.predictions for one in found] == [one.predictions for one in expected]
    json.dumps([one.to_dict() for one in found], allow_nan=False)


def test_labels_and_the_threshold_of_the_metadata() -> None:
    labels = metadata.AssociatedFile("labels.txt", kind="axis_labels")
    output = metadata.TensorMetadata(
        "probability", process_units=(metadata.ScoreThresholding(0.2),), associated_files=(labels,)
    )
    described = metadata.Metadata(
        "ImageClassifier",
        subgraphs=(metadata.SubgraphMetadata(inputs=(metadata.TensorMetadata("image"),), outputs=(output,)),),
    )
    model = metadata.write(scores_of([0.1, 0.25, 0.65]), described, {"labels.txt": b"cat\ndog\ncow\n"})
    with zl.tasks.load(model, preprocessing="unit") as task:
        assert isinstance(task, zl.tasks.Classifier)
        assert [one.label for one in task(PICTURE).predictions] == ["cow", "dog"]
        assert [one.probability for one in task(PICTURE).predictions] == pytest.approx([0.65, 0.25])
        assert len(task(PICTURE, min_score=0).predictions) == 3
        assert [one.label for one in task(PICTURE, k=1).predictions] == ["cow"]
        with pytest.raises(ValueError, match="min_score is NaN"):
            task(PICTURE, min_score=np.nan)
        with pytest.raises(ValueError, match="k is 0, and must be at least 1"):
            task(PICTURE, k=0)
    few = metadata.write(scores_of([0.1, 0.9]), described, {"labels.txt": b"cat\ndog\ncow\n"})
    with zl.tasks.load(few, preprocessing="unit") as task:  # labels that contradict the graph
        assert [one.label for one in task(PICTURE).predictions] == ["1"]


def test_one_score_and_logits_and_nan() -> None:
    with zl.tasks.load(scores_of([0.8]), "classify", class_names=["no", "yes"], preprocessing="unit") as task:
        assert [(one.label, round(one.score, 6)) for one in task(PICTURE).predictions] == [("yes", 0.8), ("no", 0.2)]
    with zl.tasks.load(scores_of([3, np.nan, -2]), "classify", preprocessing="unit") as task:
        found = task(PICTURE).predictions
        assert [(one.class_number, one.score, one.probability) for one in found] == [(0, 3, None), (2, -2, None)]


def test_what_nobody_tells_is_said(tmp_path: Path) -> None:
    model = scores_of([1, 2])
    with zl.tasks.load(model, "classify") as task, pytest.warns(UserWarning, match="nothing tells the range"):
        task(PICTURE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with zl.tasks.load(model, "classify", preprocessing="none") as task:
            task(PICTURE)
    with pytest.raises(
        ValueError, match=r"is for none of the tasks .* if it is for one of them, name that as the task"
    ):
        zl.tasks.load(dense_row())
    said = metadata.write(dense_row(), metadata.Metadata("ImageClassifier"), {})
    with zl.tasks.load(said, preprocessing="unit") as task:
        assert isinstance(task, zl.tasks.Classifier)
    with pytest.raises(ValueError, match=r"is no classifier: its outputs are 'x' of shape \(1, 2, 2\)"):
        zl.tasks.load(constant_model({"x": np.zeros((1, 2, 2), np.float32)}), "classify")
    with pytest.raises(ValueError, match="1 labels for a model with 2 classes"):
        zl.tasks.load(model, "classify", class_names=["one"])


def test_classes_are_written_on_the_picture() -> None:
    picture = np.full((200, 300, 3), 90, np.uint8)
    with zl.tasks.load(scores_of([0.2, 0.8]), "classify", class_names=["cat", "dog"], preprocessing="unit") as task:
        drawn = np.asarray(task.draw(picture, task(picture)))
    changed = (drawn != picture).any(axis=2)
    assert changed[:60, :120].mean() > 0.1
    assert not changed[100:].any()
