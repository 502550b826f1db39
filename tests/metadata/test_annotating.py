"""Labels and a normalization, written in one call and used by what runs the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.metadata.test_golden import EVERYTHING, FILES, GOLDEN
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo
from zerolite.metadata import AssociatedFile, Content, ImageProperties, Metadata, Normalization, annotate

MODEL = model_zoo.model_path("small_cnn")
NAMES = [f"class {number}" for number in range(10)]
UNIT = Normalization((0.0,), (255.0,))


def test_labels_and_normalization(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    content = annotate(MODEL, class_names=NAMES, normalization=UNIT, path=path)
    assert path.read_bytes() == content
    known = zl.metadata.read(path)
    assert known.inputs[0].normalization == UNIT
    assert known.inputs[0].content == Content(ImageProperties("grayscale"))
    with zl.load(MODEL) as model:
        assert ([one.name for one in known.inputs], [one.name for one in known.outputs]) == (
            list(model.inputs),
            list(model.outputs),
        )
    assert known.outputs[0].associated_files == (AssociatedFile("labels.txt", kind="axis_labels"),)
    assert zl.metadata.read_labels(path) == NAMES
    assert MODEL.read_bytes() in content


def test_classify_does_what_was_written(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    content = annotate(MODEL, class_names=NAMES, normalization=UNIT)
    (found,) = zl.vision.classify(content, tmp_path / "a.png")
    (expected,) = zl.vision.classify(MODEL, tmp_path / "a.png", NAMES, preprocessing="unit")
    assert [one.label for one in found.predictions] == [one.label for one in expected.predictions]
    assert [one.score for one in found.predictions] == pytest.approx([one.score for one in expected.predictions])


def test_what_was_there_stays() -> None:
    content = annotate(GOLDEN, class_names=["a", "b", "c"])
    known = zl.metadata.read(content)
    assert zl.metadata.read_labels(content) == ["a", "b", "c"]
    assert known.inputs == EVERYTHING.inputs
    assert known.subgraphs[0].custom == EVERYTHING.subgraphs[0].custom
    assert known.outputs[0].associated_files[1:] == EVERYTHING.outputs[0].associated_files
    assert {name: zl.metadata.read_attached(content, name) for name in FILES} == FILES


def test_one_score_tells_two_classes_apart() -> None:
    builder = GraphBuilder()
    source, target = builder.tensor("x", (1, 1)), builder.tensor("y", (1, 1))
    builder.operator(Op.LOGISTIC, [source], [target])
    builder.interface([source], [target])
    assert zl.metadata.read_labels(annotate(builder.finish(), class_names=["no", "yes"])) == ["no", "yes"]


def test_labels_are_replaced() -> None:
    first = annotate(MODEL, class_names=NAMES, files={"labels-fr.txt": b"un", "notes.txt": b"x"})
    known = zl.metadata.read(first)
    french = AssociatedFile("labels-fr.txt", kind="axis_labels", locale="fr")
    output = known.outputs[0]
    output = replace(output, associated_files=(french, *output.associated_files))
    known = replace(known, subgraphs=(replace(known.subgraphs[0], outputs=(output,)),))
    second = annotate(first, class_names=NAMES[::-1], metadata=known)
    assert zl.metadata.read(second).attached_files == ("labels-fr.txt", "notes.txt", "labels.txt")
    assert zl.metadata.read_labels(second) == NAMES[::-1]
    assert zl.metadata.read(second).outputs[0].associated_files[1] == french


def test_a_file_of_that_name_stays() -> None:
    other = Metadata(associated_files=(AssociatedFile("labels.txt", kind="descriptions"),))
    content = annotate(MODEL, class_names=NAMES, metadata=other, files={"labels.txt": b"other"})
    assert zl.metadata.read_attached(content, "labels.txt") == b"other"
    assert zl.metadata.read_attached(content, "labels-2.txt").decode() == "\n".join(NAMES)


def test_a_detector_names_values() -> None:
    builder = GraphBuilder()
    boxes, scores = builder.tensor("b", (1, 4, 4)), builder.tensor("s", (1, 4, 3))
    anchors = builder.constant("a", np.ones((4, 4), np.float32))
    found = [builder.tensor(name, shape) for name, shape in OUTPUTS.items()]
    builder.custom_operator("TFLite_Detection_PostProcess", [boxes, scores, anchors], found)
    builder.interface([boxes, scores], found)
    names = ["cat", "dog", "owl", "emu"]  # as many as a box has numbers
    content = annotate(builder.finish(), class_names=names)
    known = zl.metadata.read(content)
    assert [one.associated_files for one in known.outputs] == [
        (),
        (AssociatedFile("labels.txt", kind="value_labels"),),
        (),
        (),
    ]
    assert zl.metadata.read_labels(content, output_index=1) == names


OUTPUTS = {"boxes": (1, 10, 4), "classes": (1, 10), "scores": (1, 10), "count": (1,)}


def test_the_image_among_inputs() -> None:
    builder = GraphBuilder()
    image, size = builder.tensor("image", (1, 8, 8, 3)), builder.tensor("size", (1, 2))
    target = builder.tensor("y", (1, 8, 8, 3))
    builder.operator(Op.NEG, [image], [target])
    builder.interface([size, image], [target])
    known = zl.metadata.read(annotate(builder.finish(), normalization=UNIT))
    assert [one.normalization for one in known.inputs] == [None, UNIT]
    assert [one.name for one in known.inputs] == ["size", "image"]


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        (
            "small_cnn",
            {"class_names": NAMES[1:]},
            ValueError,
            r"9 labels are given for .*none of its outputs has 9 numbers",
        ),
        (
            "small_cnn",
            {"class_names": ["a\nb", *NAMES[1:]]},
            ValueError,
            r"the label 'a\\nb' can't be a line of a file",
        ),
        ("small_cnn", {"class_names": [*NAMES[1:], ""]}, ValueError, "the label '' can't be a line of a file"),
        ("small_cnn", {"class_names": "0123456789"}, TypeError, "labels are a list of names"),
        (
            "small_cnn",
            {"normalization": Normalization((1.0, 2.0, 3.0))},
            ValueError,
            r"3 numbers are given as mean for an input of 1 channels",
        ),
        ("unused_input", {"normalization": UNIT}, ValueError, "has 2 inputs, of which 0 are images"),
    ],
)
def test_what_does_not_fit(name: str, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        annotate(model_zoo.model_path(name), **arguments)
