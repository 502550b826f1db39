"""Pictures are decoded as viewers show them, and folders are read as people keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from zerolite import vision

Image = pytest.importorskip("PIL.Image", reason="images need the extra vision")


@pytest.mark.parametrize("color", ["rgb", "grayscale"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_are_counts(suffix: str, color: vision.Color, tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 1024).reshape(32, 32).astype(np.uint16)
    path = tmp_path / f"ramp{suffix}"
    Image.fromarray(values).save(path)
    found = vision.decode_image(path, color=color)
    np.testing.assert_array_equal(found[..., 0], values >> 8)
    if suffix == ".png":
        tf = pytest.importorskip("tensorflow")
        channels = 3 if color == "rgb" else 1
        np.testing.assert_array_equal(found, tf.io.decode_png(path.read_bytes(), channels=channels).numpy())


def test_thirty_two_bits_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(vision.ImageError, match="32 bits"):
        vision.decode_image(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_upright(orientation: int, tmp_path: Path) -> None:
    from PIL import ImageOps

    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    np.testing.assert_array_equal(vision.decode_image(tmp_path / "a.png"), expected)


def test_large_photos_are_decoded_and_huge_ones_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (15, 10)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert vision.decode_image(tmp_path / "a.png").shape == (10, 15, 3)
    Image.new("L", (21, 10)).save(tmp_path / "a.png")
    with pytest.raises(vision.ImageError, match=r"too large.*set PIL\.Image\.MAX_IMAGE_PIXELS higher"):
        vision.decode_image(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert vision.decode_image(tmp_path / "a.png").shape == (10, 21, 3)


def test_folders_hidden_linked_and_in_circles(tmp_path: Path) -> None:
    place = tmp_path / "pictures"
    for name in ("a", ".ipynb_checkpoints", "a/.thumbnails"):
        (place / name).mkdir(parents=True)
        Image.new("L", (2, 2)).save(place / name / "0.png")
    (tmp_path / "elsewhere").mkdir()
    Image.new("L", (2, 2)).save(tmp_path / "elsewhere" / "0.png")
    (place / "b").symlink_to(tmp_path / "elsewhere")
    (place / "a" / "up").symlink_to(place)
    found = vision.ImageFolder.by_class(place)
    assert found.class_names == ("a", "b")
    assert [str(file.relative_to(place)) for file in found.files] == ["a/0.png", "b/0.png"]


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".mpo", ".tga", ".JPG", ".jp2"])
def test_every_format_of_pictures_counts(suffix: str, tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 8), (200, 0, 0))
    form = {".jfif": "JPEG", ".jpe": "JPEG", ".mpo": "MPO", ".tga": "TGA", ".JPG": "JPEG", ".jp2": "PNG"}[suffix]
    image.save(tmp_path / f"a{suffix}", form)
    assert len(list(vision.load_images(tmp_path, size=(4, 4)))) == 1


# Models that leave the height and width of images open


def mean_of_channels(stored: int = 1) -> bytes:
    """Says which of the three channels is strongest, in a picture of any size."""
    builder = GraphBuilder()
    shape = [1, stored, stored, 3]
    image = builder.tensor("image", shape, shape_signature=[1, -1, -1, 3])
    axes = builder.constant("axes", np.array([1, 2], np.int32))
    scores = builder.tensor("scores", [1, 3])
    builder.operator(Op.MEAN, [image, axes], [scores], options=schema.ReducerOptionsT())
    builder.interface([image], [scores])
    builder.signature("serving_default", {"image": image}, {"scores": scores})
    return builder.finish()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures of several sizes; a spot of another colour is in the middle, where a single pixel is taken from."""
    for number, (name, size) in enumerate((("0", (40, 30)), ("1", (25, 60)), ("2", (33, 33)))):
        counts = np.zeros((*size, 3), np.uint8)
        counts[..., number] = 200
        height, width = size
        counts[height // 2 - 2 : height // 2 + 3, width // 2 - 2 : width // 2 + 3] = np.roll((255, 0, 0), number + 1)
        (tmp_path / name).mkdir()
        Image.fromarray(counts).save(tmp_path / name / "picture.png")
    return tmp_path


@pytest.mark.parametrize("workers", [None, 2])
def test_pictures_keep_their_own_size(workers: int | None, pictures: Path) -> None:
    content = mean_of_channels()
    options: dict[str, Any] = {"preprocessing": "none", "workers": workers}
    found = list(zl.vision.classify(content, pictures, **options))
    assert [one.predictions[0].class_number for one in found] == [0, 1, 2]
    counts = [vision.decode_image(one.path) for one in found]
    expected = [image.mean(axis=(0, 1)).max() for image in counts]
    np.testing.assert_allclose([one.predictions[0].score for one in found], expected, rtol=1e-5)
    assert zl.evaluate(content, pictures, **options).metrics["accuracy"] == 1
    (row,) = zl.compare({"model": content}, pictures, preprocessing="none", rounds=2).rows
    assert row.result.metrics["accuracy"] == 1


@pytest.mark.parametrize("runtime", ["tf.lite", "ai_edge_litert"])
def test_pictures_keep_their_own_size_in_other_runtimes(runtime: Any, pictures: Path) -> None:
    if runtime == "tf.lite":
        pytest.importorskip("tensorflow", reason="needs the extra convert")
    comparison = zl.compare(
        {"model": mean_of_channels()}, pictures, runtimes=["zerolite", runtime], preprocessing="none", rounds=1
    )
    assert comparison.rows[1].result.metrics["accuracy"] == 1
    assert comparison.rows[1].difference is not None
    assert comparison.rows[1].difference.largest_difference == 0


def test_a_size_that_is_asked_for(pictures: Path) -> None:
    content = mean_of_channels()
    options: dict[str, Any] = {"preprocessing": "none", "size": (1, 1)}
    accuracy = zl.evaluate(content, pictures, **options).metrics["accuracy"]
    assert accuracy == 0, "the pixel in the middle"
    for size in ((8, 8), (16, 24)):
        found = list(zl.vision.classify(content, pictures, preprocessing="none", size=size))
        assert [one.predictions[0].class_number for one in found] == [0, 1, 2]


def test_a_size_that_the_model_was_given(pictures: Path) -> None:
    with zl.load(mean_of_channels()) as model:
        model.resize(image=(1, 12, 10, 3))
        assert zl.evaluate(model, pictures, preprocessing="none").metrics["accuracy"] == 1
        assert model.inputs["image"].shape == (1, 12, 10, 3)


def test_a_model_of_the_caller_gets_its_shapes_back(pictures: Path) -> None:
    with zl.load(mean_of_channels()) as model:
        assert zl.evaluate(model, pictures, preprocessing="none").metrics["accuracy"] == 1
        assert model.inputs["image"].shape == (1, 1, 1, 3)


def test_sizes_that_can_not_be(pictures: Path) -> None:
    fixed = zoo.model_path("small_cnn")
    with pytest.raises(ValueError, match=r"takes images of \d+ x \d+ pixels and no others; came size=\(5, 5\)"):
        zl.evaluate(fixed, pictures, size=(5, 5))
    with pytest.raises(ValueError, match="size must be a height and a width of at least 1 pixel"):
        zl.vision.classify(mean_of_channels(), pictures, size=(0, 5))
    with pytest.raises(ValueError, match="size is for a folder of images"):
        zl.evaluate(mean_of_channels(), np.zeros((2, 4, 4, 3), np.float32), size=(4, 4))


def test_arrays_fill_open_axes_too() -> None:
    items = np.random.default_rng(0).random((5, 6, 7, 3), np.float32)
    result = zl.evaluate(mean_of_channels(), items)
    np.testing.assert_allclose(result.outputs, items.mean(axis=(1, 2)), rtol=1e-5)
