"""Each pixel has the class that the model tells of the place where it lies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo
from tests.tasks.handmade_models import constant_model
from tests.tasks.shapes import CLASSES, scene
from zerolite import metadata
from zerolite.cli import main

Image = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

MODEL = Path(__file__).parent / "models" / "shape_segmenter.tflite"
PICTURE = np.full((100, 200, 3), 90, np.uint8)


def quarters(values: list[float]) -> np.ndarray:
    """One value for each quarter of a grid of 16 x 16 cells, row by row."""
    return np.array(values, np.float32).reshape(2, 2).repeat(8, 0).repeat(8, 1)


def mask_of(model: bytes, **options: float) -> list[list[int]]:
    with zl.tasks.load(model, "segment") as segmenter:
        mask = segmenter(PICTURE, **options).mask
    assert mask.shape == (100, 200)
    assert mask.dtype == np.uint8
    found = mask[25::50, 50::100]
    np.testing.assert_array_equal(mask, found.repeat(50, 0).repeat(100, 1))
    return found.tolist()


def test_shapes_are_where_they_are() -> None:
    rng = np.random.default_rng(321)
    shared, covered = np.zeros(4), np.zeros(4)
    with zl.tasks.load(MODEL) as segmenter:
        assert isinstance(segmenter, zl.tasks.Segmenter)
        assert segmenter.class_names == ("ground", *CLASSES)
        for _ in range(30):
            truth = scene(rng, height=96, width=96)
            found = segmenter(truth.picture)
            for number in range(4):
                shared[number] += ((found.mask == number) & (truth.mask == number)).sum()
                covered[number] += ((found.mask == number) | (truth.mask == number)).sum()
            shares = {area.class_number: area.share for area in found.areas}
            assert sum(shares.values()) == pytest.approx(1)
            assert shares[0] == pytest.approx((found.mask == 0).mean())
    assert (shared / covered).min() > 0.85


# Forms of outputs


def test_scores() -> None:
    scores = np.stack([quarters([1, 0, 0, 0]), quarters([0, 3, np.nan, 0]), quarters([0, 2, -1, 5])], axis=-1)
    assert mask_of(constant_model({"x": scores[np.newaxis]})) == [[0, 1], [0, 2]]
    transparent = np.concatenate((scores, scores[..., :1] - 9), axis=-1)
    with zl.tasks.load(constant_model({"x": transparent[np.newaxis]}), class_names=["a", "b", "c", "d"]) as task:
        found = task(PICTURE)
    assert [(one.label, one.pixels, one.is_ground) for one in found.areas] == [
        ("a", 10000, False),
        ("b", 5000, False),
        ("c", 5000, False),
    ]


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("axes", [3, 4])
def test_numbers_of_classes(dtype: str, axes: int) -> None:
    numbers = quarters([0, 15, 200, 7]).astype(dtype)[np.newaxis]
    graph = GraphBuilder()
    image = graph.tensor("image", [1, 16, 16, 3])
    made = graph.constant("x", numbers if axes == 3 else numbers[..., np.newaxis])
    graph.interface([image], [made])
    graph.signature("serving_default", {"image": image}, {"x": made})
    assert mask_of(graph.finish()) == [[0, 15], [200, 7]]


def test_numbers_that_a_graph_finds_itself() -> None:
    """Red, green or blue, whichever is strongest: ARG_MAX over the picture."""
    graph = GraphBuilder()
    image = graph.tensor("image", [1, 16, 16, 3])
    axis = graph.constant("axis", np.array(3, np.int32))
    made = graph.tensor("x", [1, 16, 16], "int64")
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT64
    graph.operator(Op.ARG_MAX, [image, axis], [made], options=options)
    graph.interface([image], [made])
    graph.signature("serving_default", {"image": image}, {"x": made})
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:, :32, 1] = picture[:16, 32:, 2] = picture[16:, 32:, 0] = 255
    with zl.tasks.load(graph.finish(), class_names=["red", "green", "blue"]) as segmenter:
        found = segmenter(picture)
    assert {one.label: one.share for one in found.areas} == {"green": 0.5, "blue": 0.25, "red": 0.25}


def test_numbers_beyond_the_labels_and_a_byte() -> None:
    graph = GraphBuilder()
    image = graph.tensor("image", [1, 16, 16, 3])
    made = graph.constant("x", quarters([0, -1, 300, 1]).astype(np.int32)[np.newaxis])
    graph.interface([image], [made])
    with zl.tasks.load(graph.finish(), "segment", class_names=["ground", "cat"]) as segmenter:
        found = segmenter(PICTURE)
    assert found.mask.dtype == np.int32
    assert {one.label for one in found.areas} == {"ground", "-1", "300", "cat"}


@pytest.mark.parametrize("logits", [False, True])
def test_one_mask(logits: bool) -> None:
    values = quarters([0.1, 0.9, 0.6, 0.4])
    stored = np.log(values / (1 - values)) if logits else values
    model = constant_model({"x": stored[np.newaxis, ..., np.newaxis]})
    assert mask_of(model) == [[0, 1], [1, 0]]
    assert mask_of(model, threshold=0.75) == [[0, 1], [0, 0]]
    with zl.tasks.load(model, "segment", class_names=["person"]) as segmenter:
        assert [one.label for one in segmenter(PICTURE).areas] == ["background", "person"]
        for wrong in (np.nan, -1, 2):
            with pytest.raises(ValueError, match="threshold must be from 0 to 1"):
                segmenter(PICTURE, threshold=wrong)


def test_quantized_scores() -> None:
    scores = np.stack([quarters([3, 0, 0, 0]), quarters([0, 2, 4, -1])], axis=-1)
    assert mask_of(constant_model({"x": scores[np.newaxis]}, quantized=(0.1, 3))) == [[0, 1], [1, 0]]


# What is chosen, and what is refused


def test_which_task_a_model_is_for() -> None:
    colors = constant_model({"x": np.zeros((1, 64, 64, 3), np.float32)})
    with pytest.raises(ValueError, match="is for none of the tasks"):
        zl.tasks.load(colors)  # three channels may be a picture
    named = metadata.annotate(colors, class_names=["sky", "land", "sea"])
    with zl.tasks.load(named) as task:
        assert isinstance(task, zl.tasks.Segmenter)
        assert [one.label for one in task(PICTURE).areas] == ["sky"]
    with pytest.raises(ValueError, match=r"does not tell classes of pixels: its outputs are .*\(1, 10\)"):
        zl.tasks.load(model_zoo.model_path("small_cnn"), "segment")
    with pytest.raises(ValueError, match="2 labels for a model with 3 classes"):
        zl.tasks.load(colors, "segment", class_names=["a", "b"])
    with pytest.raises(ValueError, match=r"anchors= is for detect, and .* is loaded to segment"):
        zl.tasks.load(colors, "segment", anchors=np.zeros((1, 4)))


# Pictures and the command


def test_things_are_coloured_and_the_ground_is_not() -> None:
    truth = scene(np.random.default_rng(5), height=240, width=320)
    with zl.tasks.load(MODEL, "segment") as segmenter:
        found = segmenter(truth.picture)
        drawn = np.asarray(segmenter.draw(truth.picture, found))
    changed = (drawn != truth.picture).any(axis=2)
    assert changed[found.mask > 0].mean() > 0.99
    assert changed[60:][found.mask[60:] == 0].sum() == 0  # below the legend
    json.dumps(found.to_dict(), allow_nan=False)


def test_command_segment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = scene(np.random.default_rng(5), height=120, width=160)
    Image.fromarray(truth.picture).save(tmp_path / "one.png")
    arguments = ["segment", tmp_path / "one.png", "--model", MODEL]
    assert main([*map(str, arguments), "--output", str(tmp_path / "drawn"), "--masks", str(tmp_path / "masks")]) == 0
    assert "blue triangle" in capsys.readouterr().out
    with zl.tasks.load(MODEL, "segment") as segmenter:
        expected = segmenter(tmp_path / "one.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "masks" / "one.png")), expected.mask)
    assert (tmp_path / "drawn" / "one.png").is_file()
    assert main([*map(str, arguments), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**expected.to_dict(), "picture": None}
