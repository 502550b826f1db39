"""Boxes are where things are: in every form in which detectors tell them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import zerolite as zl
from tests.support import model_zoo
from tests.tasks.handmade_models import constant_model, post_processed
from tests.tasks.shapes import CLASSES, scene
from zerolite import metadata
from zerolite.tasks.decoding.boxes import Candidates, suppress

pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

MODEL = Path(__file__).parent / "models" / "shape_detector.tflite"
CELLS = 64 + 16 + 4  # of strides 8, 16 and 32 in an input of 64 x 64
PICTURE = np.full((100, 200, 3), 90, np.uint8)


def detector_of(model: Path | bytes, **options: Any) -> zl.tasks.Detector:
    """By the model alone, without the task's name."""
    detector = zl.tasks.load(model, **options)
    assert isinstance(detector, zl.tasks.Detector)
    return detector


def told(found: zl.tasks.Detections) -> list[tuple[str, float, list[float]]]:
    return [
        (one.label, round(one.score, 4), [round(side, 3) for side in one.box.to_dict().values()])
        for one in found.detections
    ]


def test_shapes_are_found_where_they_are() -> None:
    rng = np.random.default_rng(123)
    pairs: list[tuple[float, bool]] = []  # the score of each box that was told, and whether it is on a shape
    shapes = 0
    with detector_of(MODEL, class_names=CLASSES) as detector:
        for _ in range(60):
            truth = scene(rng, height=96, width=128)
            free = [(zl.tasks.Box(*box), number) for box, number in zip(truth.boxes, truth.classes, strict=True)]
            shapes += len(free)
            for one in detector(truth.picture, min_score=0.05).detections:
                hit = next((pair for pair in free if pair[1] == one.class_number and pair[0].iou(one.box) > 0.5), None)
                if hit is not None:
                    free.remove(hit)
                pairs.append((one.score, hit is not None))
    pairs.sort(key=lambda pair: -pair[0])
    hits = np.cumsum([hit for _, hit in pairs])
    precision = hits / np.arange(1, len(pairs) + 1)
    average_precision = sum(precision[place] for place, (_, hit) in enumerate(pairs) if hit) / shapes
    assert average_precision > 0.9


# What remains of many boxes


@st.composite
def eight_boxes(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    corners = draw(st.lists(st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 5)] * 2), min_size=8, max_size=8))
    # On ties, and where boxes overlap by half exactly, kernels differ from one another.
    scores = draw(st.lists(st.integers(3, 40), min_size=8, max_size=8, unique=True))
    boxes = [zl.tasks.Box(x / 16, y / 16, (x + w) / 16, (y + h) / 16) for x, y, w, h in corners]
    assume(all(abs(one.iou(other) - 0.5) > 1e-6 for one, other in itertools.combinations(boxes, 2)))
    return np.array([list(one.to_dict().values()) for one in boxes], np.float32), np.array(
        scores, np.float32
    ) / np.float32(40)


@pytest.fixture(scope="module")
def kernel() -> Iterator[zl.CompiledModel]:
    """At most 4 of 8 boxes, which overlap by at most 0.5 and have scores from 0.1 on."""
    with zl.load(model_zoo.model_path("non_max_suppression")) as model:
        yield model


@settings(max_examples=60, deadline=None)
@given(eight_boxes())
def test_suppression_is_that_of_tensorflow(
    kernel: zl.CompiledModel, drawn: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> None:
    boxes, scores = drawn
    reference = kernel(boxes=boxes[:, [1, 0, 3, 2]], scores=scores)
    candidates = Candidates(boxes.astype(float), scores.astype(float), np.zeros(8, np.int64))
    found = suppress(candidates.sound(0.1001), iou=0.5, most=4)
    expected = reference["selected"][: int(reference["count"])]
    np.testing.assert_allclose(found.scores, scores[expected], rtol=1e-6)
    np.testing.assert_array_equal(found.boxes, boxes[expected])


def test_classes_do_not_suppress_one_another() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 1, 0.95]])
    found = suppress(Candidates(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 1, 0])), iou=0.5, most=9)
    assert found.scores.tolist() == [0.9, 0.8]


# SSD and EfficientDet


def raw_outputs(anchors: NDArray[np.float32], classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    encoded = rng.normal(0, 1.5, (len(anchors), 4)).astype(np.float32)
    scores = rng.uniform(0, 0.2, (len(anchors), classes)).astype(np.float32)
    high = rng.choice(len(anchors), 60, replace=False)
    scores[high] += rng.uniform(0, 0.8, (60, classes)).astype(np.float32)
    return encoded, scores


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_outputs_of_the_operator_in_any_order(order: tuple[int, ...]) -> None:
    encoded = np.zeros((2, 4), np.float32)
    anchors = np.array([[0.5, 0.25, 0.5, 0.25], [0.5, 0.75, 0.25, 0.25]], np.float32)
    scores = np.array([[0, 0.1, 0.8], [0, 0.6, 0.2]], np.float32)
    model = post_processed(encoded, scores, anchors, order=order)
    with detector_of(model, class_names=["cat", "dog"]) as detector:
        assert told(detector(PICTURE)) == [
            ("dog", 0.8, [25.0, 25.0, 75.0, 75.0]),
            ("cat", 0.6, [125.0, 37.5, 175.0, 62.5]),
        ]


@pytest.mark.parametrize(
    ("family", "size", "count"), [("ssd", (300, 300), 1917), ("ssd", (320, 320), 2034), ("efficientdet", (64, 64), 774)]
)
def test_raw_boxes_are_what_the_operator_makes_of_them(family: str, size: tuple[int, int], count: int) -> None:
    is_ssd = family == "ssd"
    anchors = zl.tasks.ssd_anchors(size) if is_ssd else zl.tasks.efficientdet_anchors(size)
    assert anchors.shape == (count, 4)
    encoded, scores = raw_outputs(anchors, 4)
    if not is_ssd:
        encoded /= 5
    with_background = scores if is_ssd else np.concatenate((np.zeros((count, 1), np.float32), scores), axis=1)
    scales = (10.0, 5.0) if is_ssd else (1.0, 1.0)
    reference_model = post_processed(encoded, with_background, anchors, scales=scales, size=size, most=400)
    raw = constant_model({"scores": scores[np.newaxis], "boxes": encoded[np.newaxis]}, size=size)
    with detector_of(reference_model) as reference, detector_of(raw) as detector:
        expected, found = (one(PICTURE, max_results=400) for one in (reference, detector))
    assert len(found.detections) > 20
    for one, other in zip(found.detections, expected.detections, strict=True):
        assert one.class_number == other.class_number
        assert one.score == pytest.approx(other.score)
        np.testing.assert_allclose(list(one.box.to_dict().values()), list(other.box.to_dict().values()), atol=1e-3)


def test_anchors_of_ssd_are_those_of_the_object_detection_api() -> None:
    """Three small ones in the finest cells, and six in all others: by the paper's formula, one by one."""
    anchors = zl.tasks.ssd_anchors((300, 300))
    scale = [0.2 + 0.15 * layer for layer in range(6)] + [1.0]
    expected = []
    for layer, cells in enumerate((19, 10, 5, 3, 2, 1)):
        pairs = [(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)]
        if layer:
            pairs = [(scale[layer], ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 1 / 3)]
            pairs += [((scale[layer] * scale[layer + 1]) ** 0.5, 1.0)]
        for row, column in itertools.product(range(cells), repeat=2):
            for size, ratio in pairs:
                middle = ((row + 0.5) / cells, (column + 0.5) / cells)
                expected.append((*middle, size / ratio**0.5, size * ratio**0.5))
    np.testing.assert_allclose(anchors, expected, rtol=1e-5)


def test_anchors_of_efficientdet() -> None:
    """Of three octaves and three shapes, from four times the distance of cells on."""
    anchors = zl.tasks.efficientdet_anchors((512, 512))
    assert anchors.shape == (49104, 4)  # the number that EfficientDet-D0 has
    first = anchors[:9] * 512
    assert (first[:, :2] == 4).all()
    sizes = [
        (32 * 2 ** (octave / 3) * height, 32 * 2 ** (octave / 3) * width)
        for octave in range(3)
        for width, height in ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))
    ]
    np.testing.assert_allclose(first[:, 2:], sizes, rtol=1e-6)
    np.testing.assert_allclose(anchors[-1], [0.875, 0.875, *(4 / 4 * 2 ** (2 / 3) * np.array((1.4, 0.7)))], rtol=1e-6)
    assert zl.tasks.efficientdet_anchors((512, 512), scale=3)[0, 2] * 512 == 24


def test_levels_of_efficientdet_are_its_rows() -> None:
    anchors = zl.tasks.efficientdet_anchors((64, 64))
    encoded, scores = raw_outputs(anchors, 3)
    encoded /= 5
    outputs: dict[str, NDArray[Any]] = {}
    begin = 0
    for level, side in enumerate((8, 4, 2, 1, 1)):
        rows = slice(begin, begin := begin + side * side * 9)
        outputs[f"class_{level}"] = scores[rows].reshape(1, side, side, 27)
        outputs[f"box_{level}"] = encoded[rows].reshape(1, side, side, 36)
    by_level = constant_model(outputs)
    joined = constant_model({"boxes": encoded[np.newaxis], "scores": scores[np.newaxis]})
    with detector_of(by_level) as one, detector_of(joined) as other:
        assert told(one(PICTURE)) == told(other(PICTURE)) != []


def test_anchors_of_ones_own_and_logits() -> None:
    anchors = np.array([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.1, 0.1]], np.float32)
    logits = np.array([[[9, 2, -3], [9, -4, -5]]], np.float32)
    model = constant_model({"boxes": np.zeros((1, 2, 4), np.float32), "scores": logits})
    with pytest.raises(ValueError, match=r"2 anchors, and these are neither .* give them with anchors="):
        zl.tasks.load(model)
    with pytest.raises(ValueError, match=r"shape \(2, 4\) with finite numbers.*came shape \(1, 4\)"):
        zl.tasks.load(model, anchors=anchors[:1])
    with detector_of(model, anchors=anchors, class_names=["cat", "dog"]) as detector:
        assert told(detector(PICTURE)) == [("cat", round(1 / (1 + np.exp(-2)), 4), [50.0, 25.0, 150.0, 75.0])]
    with pytest.raises(ValueError, match="5 labels for a model with 3 classes"):
        zl.tasks.load(model, anchors=anchors, class_names=list("abcde"))


# YOLO


def yolo_rows(cells: int, classes: int, *, objectness: bool) -> NDArray[np.float32]:
    """A thing of class 1 in the middle, twice, and a smaller one of class 0 on it; all else is empty."""
    rows = np.zeros((cells, 4 + objectness + classes), np.float32)
    rows[5, :4] = rows[9, :4] = 0.5, 0.5, 0.5, 0.25
    rows[9, 0] = 0.51
    rows[40, :4] = 0.25, 0.5, 0.125, 0.125
    for place, (number, score) in {5: (1, 0.9), 9: (1, 0.8), 40: (0, 0.75)}.items():
        if objectness:
            rows[place, 4] = 0.5
        rows[place, 4 + objectness + number] = score
    return rows


@pytest.mark.parametrize("kind", ["v8", "v8 by row", "v5", "v8 in pixels"])
def test_yolo(kind: str) -> None:
    v5 = kind == "v5"
    rows = yolo_rows(3 * CELLS if v5 else CELLS, 2, objectness=v5)
    if kind == "v8 in pixels":
        rows[:, :4] *= 64
    values = rows if v5 or kind == "v8 by row" else rows.T
    with detector_of(constant_model({"Identity": values[np.newaxis]}), class_names=["cat", "dog"]) as detector:
        found = detector(PICTURE)
        # The picture is twice as wide as high: it takes up the middle half of the input.
        factor = 0.5 if v5 else 1.0
        assert told(found) == [
            ("dog", round(0.9 * factor, 4), [50.0, 25.0, 150.0, 75.0]),
            ("cat", round(0.75 * factor, 4), [37.5, 37.5, 62.5, 62.5]),
        ]
        assert len(detector(PICTURE, iou=0.99).detections) == 3
        assert len(detector(PICTURE, min_score=0.85 * factor).detections) == 1
        assert len(detector(PICTURE, max_results=1).detections) == 1


def test_quantized_outputs_are_real_numbers() -> None:
    values = yolo_rows(CELLS, 2, objectness=False).T[np.newaxis]
    with detector_of(constant_model({"Identity": values}, quantized=(1 / 128, -128))) as detector:
        assert told(detector(PICTURE))[0] == ("1", round(115 / 128, 4), [50.0, 25.0, 150.0, 75.0])


def test_nan_and_boxes_beyond_the_picture() -> None:
    rows = yolo_rows(CELLS, 2, objectness=False)
    rows[5, 4] = np.nan  # the score of another class
    rows[9, 5] = np.nan
    rows[40, 0] = np.nan
    rows[41] = np.inf, 0.5, 0.1, 0.1, 0.9, 0
    rows[42] = np.inf, 0.5, np.inf, 0.1, 0.9, 0
    rows[50] = 1.0, 0.5, 0.5, 0.25, 0.6, 0  # half of it is outside
    rows[51] = 1.5, 0.5, 0.25, 0.25, 0.99, 0  # all of it is
    rows[52] = 0.5, 0.1, 0.25, 0.1, 0.98, 0  # in the bars of the letterbox
    with detector_of(constant_model({"Identity": rows.T[np.newaxis]})) as detector:
        assert told(detector(PICTURE)) == [
            ("1", 0.9, [50.0, 25.0, 150.0, 75.0]),
            ("0", 0.6, [150.0, 25.0, 200.0, 75.0]),
        ]
        for wrong in (np.nan,):
            with pytest.raises(ValueError, match="min_score is NaN"):
                detector(PICTURE, min_score=wrong)
        with pytest.raises(ValueError, match="max_results must be at least 1"):
            detector(PICTURE, max_results=0)
        with pytest.raises(ValueError, match="iou must be from 0 to 1"):
            detector.map([], iou=1.5)


# Four outputs without the operator, and metadata


def four_outputs(**changes: Any) -> dict[str, NDArray[Any]]:
    outputs = {
        "boxes": np.array([[[0.25, 0.125, 0.75, 0.375], [0.1, 0.1, 0.3, 0.3], [0, 0, 1, 1]]], np.float32),
        "scores": np.array([[0.9, 0.7, 0.6]], np.float32),
        "classes": np.array([[1, 7, 0]], np.float32),
        "count": np.array([2], np.float32),
    }
    return outputs | changes


@pytest.mark.parametrize("order", ["boxes classes scores count", "scores boxes count classes"])
def test_four_outputs_by_their_names(order: str) -> None:
    outputs = four_outputs()
    model = constant_model({name: outputs[name] for name in order.split()})
    with detector_of(model, class_names=["cat", "dog"]) as detector:
        assert told(detector(PICTURE)) == [
            ("dog", 0.9, [25.0, 25.0, 75.0, 75.0]),
            ("7", 0.7, [20.0, 10.0, 60.0, 30.0]),  # a class beyond the labels
        ]


def test_four_outputs_with_unsound_numbers() -> None:
    changes = {
        "count": np.array([np.nan], np.float32),
        "classes": np.array([[np.nan, -1, 0]], np.float32),
    }
    with detector_of(constant_model(four_outputs(classes=np.array([[1e30, np.inf, 0]], np.float32)))) as detector:
        assert told(detector(PICTURE)) == []  # two count, and their classes are none
    with detector_of(constant_model(four_outputs(**changes))) as detector:
        assert told(detector(PICTURE)) == [("0", 0.6, [0.0, 0.0, 200.0, 100.0])]


def test_metadata_tells_boxes_labels_and_the_order() -> None:
    outputs = four_outputs(boxes=np.array([[[16, 8, 8, 24], [0, 0, 8, 8], [0, 0, 1, 1]]], np.float32))
    names = {"a": "scores", "b": "classes", "c": "boxes", "d": "count"}
    model = constant_model({letter: outputs[name] for letter, name in names.items()})
    properties = metadata.BoundingBoxProperties((0, 1, 3, 2), "upper_left", "pixel")
    labels = metadata.AssociatedFile("labels.txt", kind="value_labels")
    described = metadata.Metadata(
        "ObjectDetector",
        subgraphs=(
            metadata.SubgraphMetadata(
                inputs=(metadata.TensorMetadata("image"),),
                outputs=(
                    metadata.TensorMetadata("score"),
                    metadata.TensorMetadata("category", associated_files=(labels,)),
                    metadata.TensorMetadata("location", content=metadata.Content(properties)),
                    metadata.TensorMetadata("number of detections"),
                ),
            ),
        ),
    )
    packed = metadata.write(model, described, {"labels.txt": b"???\ncat\ndog\n"})
    with detector_of(packed) as detector:
        # Left, top, height, width in pixels of the input, which has 64 x 64.
        assert told(detector(PICTURE))[0] == ("dog", 0.9, [50.0, 12.5, 125.0, 25.0])
        assert detector.class_names == ("cat", "dog")  # the background has no number


def test_names_with_gaps_that_nobody_packs() -> None:
    known = {"task": "detect", "names": {0: "cat", 10**15: "dog"}}
    model = constant_model({"Identity": yolo_rows(CELLS, 2, objectness=False).T[np.newaxis]})
    packed = metadata.write(model, metadata.Metadata(), {"metadata.json": json.dumps(known).encode()})
    with detector_of(packed) as detector:
        assert {one.label for one in detector(PICTURE).detections} == {"1", "cat"}


@pytest.mark.parametrize("file", ["metadata.json", "temp_meta.txt"])
def test_names_that_ultralytics_packs(file: str) -> None:
    known = {"task": "detect", "names": {0: "cat", 1: "dog"}, "stride": 32}
    text = json.dumps(known) if file.endswith(".json") else str(known)
    model = constant_model({"Identity": yolo_rows(CELLS, 2, objectness=False).T[np.newaxis]})
    packed = metadata.write(model, metadata.Metadata(), {file: text.encode()})
    with detector_of(packed) as detector:
        assert [one.label for one in detector(PICTURE).detections] == ["dog", "cat"]


# Models that are none


def test_models_that_detect_nothing() -> None:
    classifier = model_zoo.model_path("small_cnn")
    with pytest.raises(ValueError, match=r"small_cnn\.tflite is no detector of a kind that zerolite knows.*\(1, 10\)"):
        zl.tasks.load(classifier, "detect")
    with pytest.raises(ValueError, match="images need a model with one input of shape"):
        zl.tasks.load(model_zoo.model_path("dense_2layer"), "detect")
    with pytest.raises(ValueError, match="must have one input"):
        zl.tasks.load(model_zoo.model_path("two_inputs_three_outputs"), "detect")
    with pytest.raises(ValueError, match="there is no task 'find'"):
        zl.tasks.load(MODEL, "find")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="anchors= is for models that do not"):
        zl.tasks.load(MODEL, "detect", anchors=np.zeros((84, 4)))
    odd = constant_model({"x": np.zeros((1, 5, 7), np.float32)})
    with pytest.raises(
        ValueError, match=r"is for none of the tasks detect.*'x' of shape \(1, 5, 7\); if it is for one"
    ):
        zl.tasks.load(odd)
    said = metadata.write(odd, metadata.Metadata("ObjectDetector"), {})
    with pytest.raises(ValueError, match="is no detector of a kind that zerolite knows"):
        zl.tasks.load(said)
