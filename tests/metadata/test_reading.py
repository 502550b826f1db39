"""What a model's file says of itself is read, used, and never trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.metadata.handmade import described, with_metadata
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.support import model_zoo
from zerolite import vision

Image = pytest.importorskip("PIL.Image", reason="images need the extra vision")

MODEL = model_zoo.model_path("small_cnn")
NAMES = [f"class {number}" for number in range(10)]
GOOD = described([127.5], [127.5], label_file="names.txt")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)).save(path)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_reads_what_the_file_says(tmp_path: Path) -> None:
    files = {"names.txt": "\n".join(NAMES), "other.txt": "x"}
    content = with_metadata(MODEL.read_bytes(), GOOD, files)
    for model in (written(tmp_path / "m.tflite", content), content):
        known = zl.metadata.read(model)
        assert (known.name, known.inputs[0].name) == ("a classifier", "the image")
        assert known.inputs[0].normalization == zl.metadata.Normalization((127.5,), (127.5,))
        assert known.outputs[0].associated_files[0].kind == "axis_labels"
        assert known.attached_files == ("names.txt", "other.txt")
        assert zl.metadata.read_labels(model) == NAMES
        assert zl.metadata.read_attached(model, "other.txt") == b"x"
    assert vision.load_labels(tmp_path / "m.tflite") == NAMES
    assert zl.metadata.read(MODEL) == zl.metadata.Metadata()
    assert zl.metadata.read_labels(MODEL) is None
    with pytest.raises(ValueError, match="no labels packed into it"):
        vision.load_labels(MODEL)


def test_files_of_something_else_are_no_labels() -> None:
    model = model_zoo.model_path("two_inputs_three_outputs")
    file = zl.metadata.AssociatedFile("sides.txt", kind="axis_labels")
    other = zl.metadata.TensorMetadata(associated_files=(file,))
    graph = zl.metadata.SubgraphMetadata(outputs=(zl.metadata.TensorMetadata(), other, zl.metadata.TensorMetadata()))
    content = zl.metadata.write(model, zl.metadata.Metadata(subgraphs=(graph,)), {"sides.txt": b"left\nright"})
    assert [zl.metadata.read_labels(content, output_index=output) for output in range(4)] == [
        None,
        ["left", "right"],
        None,
        None,
    ]
    vocabulary = zl.metadata.Metadata(associated_files=(zl.metadata.AssociatedFile("words.txt", kind="vocabulary"),))
    assert zl.metadata.read_labels(zl.metadata.write(model, vocabulary, {"words.txt": b"a"})) is None


def test_classify_uses_normalization_and_labels(picture: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "m.tflite", with_metadata(MODEL.read_bytes(), GOOD, {"names.txt": "\n".join(NAMES)}))
    expected = next(iter(vision.classify(MODEL, picture, NAMES, preprocessing="tf"))).predictions
    with zl.load(path) as loaded:
        for model in (path, path.read_bytes(), loaded):
            found = next(iter(vision.classify(model, picture))).predictions
            assert [one.label for one in found] == [one.label for one in expected]
            assert [one.score for one in found] == pytest.approx([one.score for one in expected], rel=1e-4)
    (tmp_path / "data" / "0").mkdir(parents=True)
    picture.rename(tmp_path / "data" / "0" / "a.png")
    ours = zl.evaluate(path, tmp_path / "data", class_names=NAMES_BY_NUMBER, keep_outputs=True)
    named = zl.evaluate(MODEL, tmp_path / "data", class_names=NAMES_BY_NUMBER, preprocessing="tf", keep_outputs=True)
    np.testing.assert_allclose(ours.outputs, named.outputs, rtol=1e-4)


NAMES_BY_NUMBER = [str(number) for number in range(10)]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_eight_bits_without_metadata_get_the_pixels(dtype: str, picture: Path, tmp_path: Path) -> None:
    builder = GraphBuilder()
    zero = -128 if dtype == "int8" else 0
    source = builder.tensor("x", (1, 2, 2, 1), dtype, quantized=quantization([1 / 255], [zero]))
    target = builder.tensor("y", (1, 4), dtype, quantized=quantization([1 / 255], [zero]))
    shape = builder.constant("shape", np.array([1, 4], np.int32))
    builder.operator(Op.RESHAPE, [source, shape], [target])
    builder.interface([source], [target])
    path = written(tmp_path / "m.tflite", builder.finish())
    pixels = np.array([[0, 10], [200, 255]], np.uint8)
    Image.fromarray(pixels).save(picture)
    found = next(iter(vision.classify(path, picture, k=4)))
    assert [one.class_number for one in found.predictions] == [3, 2, 1, 0]
    np.testing.assert_allclose([one.score for one in found.predictions], np.array([255, 200, 10, 0]) / 255, atol=1e-6)


def test_unknown_range_is_told(picture: Path) -> None:
    with pytest.warns(UserWarning, match="nothing tells the range that input 'image' was trained on"):
        list(vision.classify(MODEL, picture))
    list(vision.classify(MODEL, picture, preprocessing="none"))


@pytest.mark.parametrize(
    "metadata",
    [b"", b"M001", b"\0\0\0\0M001", GOOD[:40], b"\xff" * 64, described([1, 2], [0]), described([float("nan")])],
)
def test_broken_metadata_is_one_error(metadata: bytes, picture: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "m.tflite", with_metadata(MODEL.read_bytes(), metadata))
    with pytest.raises(ValueError, match=r"the metadata of .*m\.tflite is broken"):
        zl.metadata.read(path)
    assert zl.metadata.read(zl.metadata.write(path, zl.metadata.Metadata(name="anew"))).name == "anew"
    with pytest.raises(
        ValueError, match=r"write it anew with zl\.metadata\.write, or name labels and preprocessing yourself"
    ):
        vision.classify(path, picture)
    assert len(list(vision.classify(path, picture, NAMES, preprocessing="unit"))) == 1


def test_too_many_means_are_refused(picture: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "m.tflite", with_metadata(MODEL.read_bytes(), described([1, 2, 3], [1])))
    with pytest.raises(ValueError, match="3 numbers as mean for images of 1 channels"):
        list(vision.classify(path, picture))


@given(place=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(place: int, value: int) -> None:
    changed = bytearray(GOOD)
    changed[place] = value
    try:
        zl.metadata.read(with_metadata(SMALL, bytes(changed)))
    except ValueError as error:
        assert "metadata" in str(error)  # noqa: PT017 - both ends are right


SMALL = model_zoo.model_path("passthrough").read_bytes()
