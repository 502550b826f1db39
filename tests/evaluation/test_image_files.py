"""Pictures are decoded as viewers show them, and folders are read as people keep them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
