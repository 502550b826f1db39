"""Images are what Keras makes of them, and broken ones are named."""

from __future__ import annotations

import contextlib
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zerolite import vision

Image = pytest.importorskip("PIL.Image", reason="images need the extra vision")

SIZES = [(31, 47), (64, 20), (24, 24)]


def photo(path: Path, size: tuple[int, int] = (31, 47), mode: str = "RGB", seed: int = 0) -> Path:
    """A picture with smooth and rough parts, of (height, width)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    smooth = np.stack([rows * 5 % 256, columns * 4 % 256, (rows + columns) * 3 % 256], axis=-1)
    counts = np.clip(smooth + rng.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)
    Image.fromarray(counts).convert(mode).save(path)
    return path


# Preprocessing


@pytest.mark.slow
def test_preprocessing_is_that_of_every_keras_application(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    applications = {
        name: module
        for name, module in vars(tf.keras.applications).items()
        if hasattr(module, "preprocess_input") and name != "imagenet_utils"
    }
    assert len(applications) >= 15
    assert set(applications) <= set(vision.PREPROCESSINGS)
    for name, module in applications.items():
        for place, size in enumerate(SIZES):
            file = photo(tmp_path / f"{place}.png", size, seed=place)
            image = tf.keras.utils.load_img(file, target_size=(24, 24))
            expected = module.preprocess_input(tf.keras.utils.img_to_array(image)[np.newaxis])
            loaded = vision.load_image(file, size=(24, 24), preprocessing=name)
            # A count is 1 before the scaling: 1/127.5 of what "tf" makes of it, and so on.
            count = {"tf": 1 / 127.5, "torch": 1 / 255 / 0.229}.get(vision.PREPROCESSINGS[name], 1)
            np.testing.assert_allclose(loaded, expected, rtol=0, atol=count * 1e-3, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("keep_aspect_ratio", [False, True])
@pytest.mark.parametrize("color", ["rgb", "grayscale", "rgba"])
def test_decoding_is_that_of_keras(resampling: Any, keep_aspect_ratio: bool, color: Any, tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    for name, mode in (("a.png", "RGB"), ("b.jpg", "RGB"), ("c.png", "L"), ("d.png", "RGBA"), ("e.gif", "P")):
        file = photo(tmp_path / name, (37, 53), mode)
        image = tf.keras.utils.load_img(
            file,
            target_size=(20, 30),
            color_mode=color,
            interpolation=resampling,
            keep_aspect_ratio=keep_aspect_ratio,
        )
        ours = vision.decode_image(
            file, size=(20, 30), color=color, resampling=resampling, keep_aspect_ratio=keep_aspect_ratio
        )
        np.testing.assert_array_equal(ours, tf.keras.utils.img_to_array(image))


def test_modes_by_hand() -> None:
    image = np.array([[[0, 128, 255]]], np.uint8)
    np.testing.assert_array_equal(vision.preprocess(image, "efficientnet"), image)
    np.testing.assert_allclose(vision.preprocess(image, "unit"), image / 255, rtol=1e-6)
    np.testing.assert_allclose(vision.preprocess(image, "mobilenet_v2"), image / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(
        vision.preprocess(image, "densenet"), (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225], atol=1e-5
    )
    np.testing.assert_allclose(
        vision.preprocess(image, "resnet50"), image[..., ::-1] - np.array([103.939, 116.779, 123.68]), atol=1e-4
    )


@pytest.mark.parametrize("name", sorted(vision.PREPROCESSINGS))
def test_the_callers_images_stay_as_they_are(name: str) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 4, 5, 3)).astype(np.float32)
    before = images.copy()
    result = vision.preprocess(images, name)
    np.testing.assert_array_equal(images, before)
    assert result.dtype == np.float32
    assert result.shape == images.shape
    assert not np.shares_memory(result, images)


def test_preprocessing_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="no preprocessing 'mobilenet_v9'; there are none, tf"):
        vision.preprocess(np.zeros((2, 2, 3)), "mobilenet_v9")
    with pytest.raises(ValueError, match=r"for images of shape \(..., height, width, 3\); came \(8, 8, 1\)"):
        vision.preprocess(np.zeros((8, 8, 1)), "vgg16")


def test_vision_needs_no_tensorflow(tmp_path: Path) -> None:
    file = photo(tmp_path / "a.png")
    program = (
        "import sys; from zerolite import vision;"
        f"vision.load_image({str(file)!r}, size=(8, 8), preprocessing='resnet50');"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# Folders


def test_folder_in_order(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    files = [photo(tmp_path / name, seed=seed) for seed, name in enumerate(["b.png", "a.JPG", "deep/er/c.bmp"])]
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"no image")
    images = list(vision.load_images(tmp_path, size=(16, 12), preprocessing="tf"))
    assert [image.shape for image in images] == [(1, 16, 12, 3)] * 3
    for image, file in zip(images, (files[1], files[0], files[2]), strict=True):
        np.testing.assert_array_equal(image, vision.load_image(file, size=(16, 12), preprocessing="tf"))
        assert image.min() >= -1
        assert image.max() <= 1


def test_classes_by_folder(tmp_path: Path) -> None:
    for name in ("dog/2.png", "cat/1.png", "cat/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photo(tmp_path / name)
    folder = vision.ImageFolder.by_class(tmp_path)
    assert folder.class_names == ("cat", "dog")
    assert [file.name for file in folder.files] == ["1.png", "3.png", "2.png"]
    assert folder.labels == (0, 0, 1)
    ordered = vision.ImageFolder.by_class(tmp_path, ["bird", "dog", "cat"])
    assert ordered.labels == (2, 2, 1)
    with pytest.raises(ValueError, match="dog is named like none of the 2 labels"):
        vision.ImageFolder.by_class(tmp_path, ["bird", "cat"])
    stray = photo(tmp_path / "stray.png")
    with pytest.raises(ValueError, match=r"stray\.png is in no class's folder"):
        vision.ImageFolder.by_class(tmp_path)
    stray.unlink()


def test_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="absent"):
        vision.load_images(tmp_path / "absent", size=(8, 8))
    with pytest.raises(ValueError, match="there is no image in"):
        vision.load_images(tmp_path, size=(8, 8))
    photo(tmp_path / "a.png")
    with pytest.raises(ValueError, match="on_corrupt"):
        vision.load_images(tmp_path, size=(8, 8), on_corrupt="ignore")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no preprocessing"):
        vision.load_images(tmp_path, size=(8, 8), preprocessing="absent")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (0, 8)}, "size must be"),
        ({"size": (8,)}, "size must be"),
        ({"color": "cmyk"}, "color must be one of rgb"),
        ({"resampling": "cubic"}, "resampling must be one of nearest"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        vision.decode_image(photo(tmp_path / "a.png"), **options)


# Broken images


def truncated(path: Path) -> bytes:
    return photo(path.with_suffix(".png"), (60, 60)).read_bytes()[:500]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"GIF89a but not really", ""), (b"text", "its format is unknown"), (None, "truncated")],
)
def test_broken_images_are_named(content: bytes | None, reason: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(truncated(tmp_path / "whole") if content is None else content)
    with pytest.raises(vision.ImageError, match=rf"broken\.png can't be decoded as an image: .*{reason}") as caught:
        vision.load_image(broken, size=(8, 8))
    assert caught.value.path == broken
    assert caught.value.__cause__ is not None
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.path) == (str(caught.value), broken)


def test_every_truncation_is_decoded_or_named(tmp_path: Path) -> None:
    for suffix in (".png", ".jpg", ".gif", ".bmp", ".tiff", ".webp"):
        whole = photo(tmp_path / f"whole{suffix}").read_bytes()
        cut = tmp_path / f"cut{suffix}"
        for length in range(0, len(whole), max(1, len(whole) // 60)):
            cut.write_bytes(whole[:length])
            with contextlib.suppress(vision.ImageError):
                assert vision.decode_image(cut, size=(8, 8)).shape == (8, 8, 3)


def test_corrupt_images_are_fatal_or_skipped(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"broken")
    photo(tmp_path / "c.png")
    with pytest.raises(vision.ImageError, match=r"b\.png"):
        list(vision.load_images(tmp_path, size=(8, 8)))
    assert len(list(vision.load_images(tmp_path, size=(8, 8), on_corrupt="skip"))) == 2
    told: list[vision.ImageError] = []
    assert len(list(vision.load_images(tmp_path, size=(8, 8), on_corrupt=told.append))) == 2
    assert [error.path.name for error in told] == ["b.png"]
    for name in "ac":
        (tmp_path / f"{name}.png").unlink()
    with pytest.raises(ValueError, match="none of the 1 images"):
        list(vision.load_images(tmp_path, size=(8, 8), on_corrupt="skip"))


def test_unreadable_files_are_not_corrupt_images(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vision.load_image(tmp_path / "absent.png", size=(8, 8))


# Labels


def test_labels_from_files(tmp_path: Path) -> None:
    lines = tmp_path / "labels.txt"
    lines.write_text("tench\n goldfish \nwhite shark\n\n", encoding="utf-8")
    assert vision.load_labels(lines) == ["tench", "goldfish", "white shark"]
    document = tmp_path / "labels.json"
    document.write_text(json.dumps(["a", "b"]))
    assert vision.load_labels(document) == ["a", "b"]
    document.write_text(json.dumps({"1": ["n2", "b"], "0": ["n1", "a"]}))
    assert vision.load_labels(document) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "holds no labels"),
        ("a.txt", b"a\n\nb", "line 2 is empty"),
        ("a.txt", b"\xff\xfe\xff", "holds no labels"),
        ("a.json", b"{", "holds no labels"),
        ("a.json", b'{"2": "a"}', "holds no labels"),
        ("a.json", b"[1]", "holds no labels"),
    ],
)
def test_wrong_labels(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}.*{message}"):
        vision.load_labels(tmp_path / name)


def test_top() -> None:
    best = vision.top([0.1, 0.4, 0.4, 0.1], ["a", "b", "c", "d"], k=3)
    assert [(one.class_number, one.label) for one in best] == [(1, "b"), (2, "c"), (0, "a")]
    assert best[0].score == pytest.approx(0.4)
    assert [one.label for one in vision.top(np.array([[-1, 5]], np.int8), k=9)] == ["1", "0"]
    with pytest.raises(ValueError, match="2 labels for a model with 4 classes"):
        vision.top([0, 1, 2, 3], ["a", "b"])
    with pytest.raises(ValueError, match="background class"):
        vision.top([0, 1, 2], ["a", "b"])
    with pytest.raises(ValueError, match="one item"):
        vision.top(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="k must be"):
        vision.top([0, 1], k=0)
