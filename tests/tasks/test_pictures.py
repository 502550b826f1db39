"""Pictures in every form go into a model as its trainers feed it, one by one or many."""

from __future__ import annotations

import base64
import importlib
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.tasks.handmade_models import constant_model
from tests.tasks.shapes import scene
from zerolite._runners import TensorSpec
from zerolite._runtime.quantization import AffineQuantization
from zerolite.cli import main
from zerolite.metadata import Normalization, annotate
from zerolite.tasks.image_input import Framing, ImageInput
from zerolite.tasks.picture import Picture
from zerolite.tasks.task_model import TaskModel

Image = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

MODEL = Path(__file__).parent / "models" / "shape_detector.tflite"
FLOAT = np.dtype(np.float32)


def spec(height: int, width: int, dtype: Any = FLOAT, quantized: tuple[float, int] | None = None) -> TensorSpec:
    parameters = None if quantized is None else AffineQuantization.of([quantized[0]], [quantized[1]])
    return TensorSpec("image", (1, height, width, 3), np.dtype(dtype), parameters)


def counts(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    place = tmp_path / "pictures"
    (place / "deeper").mkdir(parents=True)
    for index in range(5):
        picture = scene(rng, height=96, width=128).picture
        Image.fromarray(picture).save(place / ("deeper" if index == 4 else "") / f"{index}.png")
    return place


# Into the input


@pytest.mark.parametrize("size", [(40, 30), (100, 160), (64, 64), (1, 1)])
def test_resizing_is_plain_bilinear(size: tuple[int, int]) -> None:
    """As OpenCV and tf.image.resize without antialiasing: pixels have their middles in the middle."""
    picture = counts(64, 48)
    found, _ = ImageInput(spec(*size), Framing(), preprocessing="none").place(Image.fromarray(picture))
    ys, xs = ((np.arange(n) + 0.5) * full / n - 0.5 for n, full in zip(size, (64, 48), strict=True))
    rows, columns = (np.clip(np.floor(places), 0, None).astype(int) for places in (ys, xs))
    below, right = np.minimum(rows + 1, 63), np.minimum(columns + 1, 47)
    down, across = np.clip(ys - rows, 0, 1)[:, None, None], np.clip(xs - columns, 0, 1)[None, :, None]
    values = picture.astype(float)
    upper = values[rows][:, columns] * (1 - across) + values[rows][:, right] * across
    lower = values[below][:, columns] * (1 - across) + values[below][:, right] * across
    np.testing.assert_allclose(found[0], upper * (1 - down) + lower * down, atol=1.0)


@pytest.mark.parametrize(
    ("picture", "corner", "shown"),
    [((100, 200), (0, 16), (64, 32)), ((333, 111), (21, 0), (21, 64)), ((64, 64), (0, 0), (64, 64))],
)
def test_letterbox(picture: tuple[int, int], corner: tuple[int, int], shown: tuple[int, int]) -> None:
    box = ImageInput(spec(64, 64), Framing("letterbox", bars=114), preprocessing="none")
    found, placement = box.place(Image.new("RGB", (picture[1], picture[0]), (255, 0, 7)))
    assert (placement.corner, placement.shown) == (corner, shown)
    inside = np.zeros((64, 64), bool)
    inside[corner[1] : corner[1] + shown[1], corner[0] : corner[0] + shown[0]] = True
    assert (found[0][inside] == (255, 0, 7)).all()
    assert (found[0][~inside] == 114).all()
    corners = np.array([corner, np.add(corner, shown)]) / 64
    np.testing.assert_allclose(placement.to_picture(corners), [(0, 0), (picture[1], picture[0])], atol=1e-9)


@pytest.mark.parametrize(
    ("dtype", "quantized", "preprocessing", "expected"),
    [
        (np.float32, None, None, lambda x: x / 127.5 - 1),  # what is usual for the kind of model
        (np.float32, None, "unit", lambda x: x / 255),
        (np.uint8, None, None, lambda x: x),
        (np.int32, None, None, lambda x: x),
        (np.uint8, (1 / 128, 128), None, lambda x: x),
        (np.int8, (1 / 128, 0), None, lambda x: x - 128),
        (np.int8, (1 / 255, -128), "unit", lambda x: x - 128),
    ],
)
def test_counts_become_what_the_input_stores(
    dtype: Any, quantized: tuple[float, int] | None, preprocessing: str | None, expected: Any
) -> None:
    picture = counts(8, 8)
    box = ImageInput(spec(8, 8, dtype, quantized), Framing(preprocessing="tf"), preprocessing=preprocessing)
    found, _ = box.place(Image.fromarray(picture))
    assert found.dtype == dtype
    np.testing.assert_allclose(found[0], expected(picture.astype(np.float64)), atol=1e-6)


def test_normalization_of_the_metadata_goes_before_what_is_usual() -> None:
    model = annotate(
        constant_model({"x": np.zeros((1, 7, 84), np.float32)}), normalization=Normalization((100.0,), (50.0,))
    )
    task = TaskModel(model, delegates=None, threads=None, fallback=True, verify="structure", tuned=None, workers=None)
    box = ImageInput(task.picture_input.spec, Framing(preprocessing="tf"), preprocessing=None)
    found, _ = box.place(Image.new("RGB", (9, 9), (200, 100, 0)))
    np.testing.assert_allclose(found[0, 0, 0], (2, 0, -2))
    task.close()


# From the caller


def forms(picture: np.ndarray, folder: Path) -> dict[str, Any]:
    image = Image.fromarray(picture)
    content = io.BytesIO()
    image.save(content, "PNG")
    path = folder / "one.png"
    path.write_bytes(content.getvalue())
    transparent = np.concatenate((picture, np.full((*picture.shape[:2], 1), 30, np.uint8)), axis=2)
    return {
        "path": path,
        "str": str(path),
        "bytes": content.getvalue(),
        "bytearray": bytearray(content.getvalue()),
        "image": image,
        "array": picture,
        "array of four channels": transparent,
        "RGBA": Image.fromarray(transparent),
        "strides": np.repeat(picture, 2, axis=1)[:, ::2],
    }


def test_every_form_gives_the_same_answer(tmp_path: Path) -> None:
    picture = scene(np.random.default_rng(4), height=90, width=70).picture
    with zl.tasks.load(MODEL, "detect") as detector:
        answers = {name: detector(form) for name, form in forms(picture, tmp_path).items()}
    first = answers["path"].to_dict()["detections"]
    assert first
    assert all(answer.to_dict()["detections"] == first for answer in answers.values())
    assert {name for name, answer in answers.items() if answer.path is not None} == {"path", "str"}
    json.dumps([answer.to_dict() for answer in answers.values()], allow_nan=False)


def test_grey_cmyk_and_turned_pictures(tmp_path: Path) -> None:
    grey = counts(5, 7)[..., 0]
    for form in (grey, grey[..., np.newaxis], Image.fromarray(grey)):
        np.testing.assert_array_equal(np.asarray(Picture.open(form).image), np.stack([grey] * 3, axis=2))
    Image.new("CMYK", (7, 5), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=100)
    assert np.asarray(Picture.open(tmp_path / "cmyk.jpg").image)[2, 2].tolist() == pytest.approx([254, 0, 0], abs=6)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(counts(5, 7)).save(tmp_path / "turned.png", exif=exif)
    for form in (tmp_path / "turned.png", Image.open(tmp_path / "turned.png")):
        assert np.array_equal(np.asarray(Picture.open(form).image), np.rot90(counts(5, 7), 3))


def test_one_pixel_and_many(tmp_path: Path) -> None:
    with zl.tasks.load(MODEL, "detect") as detector:
        found = detector(np.zeros((1, 1, 3), np.uint8))
        assert (found.width, found.height) == (1, 1)
        wide = detector(np.zeros((1, 3000, 3), np.uint8))
        assert wide.width == 3000
        huge = Image.new("1", (12000, 9000))  # of one bit, so that the test stays small
        huge.save(tmp_path / "huge.png")
        assert detector(tmp_path / "huge.png").width == 12000
        Image.new("1", (16000, 16000)).save(tmp_path / "bomb.png")
        with pytest.raises(zl.ImageError, match=r"bomb\.png can't be decoded as an image: it is too large"):
            detector(tmp_path / "bomb.png")


def test_what_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("words")
    with zl.tasks.load(MODEL, "detect") as detector:
        with pytest.raises(zl.ImageError, match=r"text\.png can't be decoded.*its format is unknown"):
            detector(tmp_path / "text.png")
        with pytest.raises(zl.ImageError, match=r"the picture in memory can't be decoded.*it is empty"):
            detector(b"")
        with pytest.raises(FileNotFoundError):
            detector(tmp_path / "nowhere.png")
        with pytest.raises(TypeError, match=r"counts from 0 to 255 as uint8; came float64"):
            detector(np.zeros((4, 4, 3)))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="a picture is a path, bytes, a Pillow image"):
            detector(5)  # type: ignore[arg-type]
        for shape in ((4,), (4, 4, 2), (0, 4, 3), (2, 4, 4, 3)):
            with pytest.raises(ValueError, match=r"has the shape \(height, width, 3\)"):
                detector(np.zeros(shape, np.uint8))
    with pytest.raises(zl.Error, match="closed"):
        detector(np.zeros((4, 4, 3), np.uint8))


# Many


@pytest.mark.parametrize("workers", [None, 2])
def test_many_pictures(workers: int | None, folder: Path) -> None:
    (folder / "2b.png").write_bytes(b"no image")
    with zl.tasks.load(MODEL, "detect", workers=workers) as detector:
        single = [detector(path) for path in sorted(folder.rglob("[0-9].png"))]
        skipped: list[zl.ImageError] = []
        steps: list[tuple[int, int | None]] = []
        found = list(detector.map(folder, on_corrupt=skipped.append, progress=lambda *step: steps.append(step)))
        assert found == single
        assert [error.path.name for error in skipped] == ["2b.png"]
        assert steps == [(done, 6) for done in range(1, 7)]
        arrays = [np.asarray(Image.open(one.path)) for one in single]
        for many in (arrays, iter(arrays), np.stack(arrays)):
            assert [one.detections for one in detector.map(many)] == [one.detections for one in single]
        assert list(detector.map([])) == []
        assert [one.detections for one in detector.map(arrays[0])] == [single[0].detections]
        assert [one.path for one in detector.map(folder / "0.png")] == [folder / "0.png"]
        iterator = detector.map(folder)
        assert [next(iterator), next(iterator), next(iterator)] == single[:3]
        with pytest.raises(zl.ImageError):
            next(iterator)
        with pytest.raises(FileNotFoundError, match="there is no file or folder"):
            detector.map(folder / "nowhere")
        with pytest.raises(ValueError, match="on_corrupt must be"):
            detector.map(folder, on_corrupt="drop")  # type: ignore[arg-type]


def test_drawing_changes_a_copy(folder: Path) -> None:
    picture = np.asarray(Image.open(folder / "0.png"))
    with zl.tasks.load(MODEL, "detect") as detector:
        found = detector(picture)
        before = picture.copy()
        drawn = detector.draw(picture, found)
        assert drawn.size == (128, 96)
        assert drawn.mode == "RGB"
        np.testing.assert_array_equal(picture, before)
        box = found.detections[0].box
        assert (np.asarray(drawn) != picture).any(axis=2)[int(box.bottom - 1), int(box.left) : int(box.right - 1)].all()
        with pytest.raises(ValueError, match="a picture of 128 x 96 pixels, and this one has 9 x 9"):
            detector.draw(np.zeros((9, 9, 3), np.uint8), found)


def test_delegates_and_tunings(tmp_path: Path) -> None:
    picture = scene(np.random.default_rng(9)).picture
    with zl.tasks.load(MODEL, "detect", delegates=[zl.XNNPack(kernels="builtin")], threads=2) as detector:
        assert detector(picture).detections
    tuned = tmp_path / "model.tuned"
    zl.tune(MODEL, budget_s=0.3).save(tuned)
    with zl.tasks.load(MODEL, "detect", tuned=tuned) as detector:
        assert detector(picture).detections


def test_size_of_models_that_leave_it_open() -> None:
    graph = GraphBuilder()
    image = graph.tensor("image", [1, 1, 1, 3], shape_signature=[1, -1, -1, 3])
    made = graph.tensor("y", [1, 1, 1, 3], shape_signature=[1, -1, -1, 3])
    graph.operator(Op.LOGISTIC, [image], [made])
    graph.interface([image], [made])
    graph.signature("serving_default", {"image": image}, {"y": made})
    with pytest.raises(ValueError, match=r"leaves height and width open.*give size=\(height, width\)"):
        zl.tasks.load(graph.finish(), "detect")
    with pytest.raises(ValueError, match="is no detector"):
        zl.tasks.load(graph.finish(), "detect", size=(32, 48))
    with pytest.raises(ValueError, match="takes images of 64 x 64 pixels and no others"):
        zl.tasks.load(MODEL, "detect", size=(32, 48))


# The command


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_command_detect(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "names.txt"
    names.write_text("red disc\ngreen square\nblue triangle\n")
    drawn = tmp_path / "drawn"
    arguments = ("detect", folder, "--model", MODEL, "--class-names", names, "--output", drawn)
    code, out, err = command(capsys, *arguments, folder / "0.png")
    assert (code, err) == (0, "")
    assert "5 pictures written" in out
    assert {path.relative_to(drawn).as_posix() for path in drawn.rglob("*.png")} == {
        *(f"{number}.png" for number in range(4)),
        "deeper/4.png",
    }
    with zl.tasks.load(MODEL, "detect", class_names=names.read_text().split("\n")[:3]) as detector:
        expected = list(detector.map(folder))
        np.testing.assert_array_equal(
            np.asarray(Image.open(drawn / "0.png")), np.asarray(detector.draw(folder / "0.png", expected[0]))
        )
    (folder / "broken.png").write_bytes(b"no")
    code, out, err = command(capsys, *arguments, "--json", "--workers", "2")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert "1 of 6 images can't be decoded; --skip-corrupt leaves them out" in err
    assert next(line for line in lines if "error" in line)["path"] == str(folder / "broken.png")
    assert [{**line, "picture": None} for line in lines if "error" not in line] == [
        {**one.to_dict(), "picture": None} for one in expected
    ]
    code, out, _ = command(capsys, *arguments, "--skip-corrupt")
    assert code == 0
    assert f"skipped: {folder / 'broken.png'}" in out
    code, _, err = command(capsys, "detect", folder, "--model", MODEL, "--class-names", MODEL)
    assert code == 1
    assert "has no labels packed into it" in err


# The page


def shown_on(page: str) -> list[list[str]]:
    """The texts of each figure; every picture must be one that can be decoded, and nothing may come from elsewhere."""
    document = ET.fromstring(re.sub(r"(?s)^.*<main>|</main>.*$", "", page).join(("<main>", "</main>")))
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    for image in document.iter("img"):
        content = base64.b64decode(image.attrib["src"].removeprefix("data:image/jpeg;base64,"))
        assert max(Image.open(io.BytesIO(content)).size) <= 360
    return [list(figure.itertext()) for figure in document.iter("figure")]


def test_page_of_what_was_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "<b>&.png").write_bytes(b"no picture")
    page = folder.parent / "found.html"
    command = ["detect", str(folder), "--model", str(MODEL), "--page", str(page)]
    assert main([*command, "--skip-corrupt", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = shown_on(page.read_text(encoding="utf-8"))
    assert len(figures) == len(told) == 6
    for figure, one in zip(figures, told, strict=True):
        if "error" in one:
            assert figure == [one["error"]]
        else:
            assert figure[0] == one["path"]
            assert sum(text.endswith(" %") for text in figure) == len(one["detections"]) > 0


def test_page_of_a_failure_is_not_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder.parent / "found.html"
    page.write_text("as before")
    (folder / "4.png").write_bytes(b"no picture")
    assert main(["detect", str(folder), "--model", str(MODEL), "--page", str(folder / "none" / "found.html")]) == 1
    assert "does not exist; create it first" in capsys.readouterr().err
    model = folder.parent / "broken.tflite"
    model.write_bytes(b"no model")
    assert main(["detect", str(folder), "--model", str(model), "--page", str(page)]) == 1
    assert page.read_text() == "as before"
    assert {path.name for path in folder.parent.iterdir()} == {"pictures", "found.html", "broken.tflite"}


# Scaled decoding


def photo(path: Path, *, orientation: int = 1) -> Path:
    """Smooth, as photos are seen from afar, of 800 x 640 pixels."""
    small = np.random.default_rng(4).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((800, 640), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, quality=95, exif=exif)
    return path


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("keep_aspect_ratio", [False, True])
def test_large_photos_are_decoded_at_a_part_of_their_size(
    *, orientation: int, keep_aspect_ratio: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = photo(tmp_path / "photo.jpg", orientation=orientation)
    drafts: list[tuple[int, int]] = []
    jpeg = importlib.import_module("PIL.JpegImagePlugin").JpegImageFile
    draft = jpeg.draft

    def told(image: Any, mode: str, size: tuple[int, int]) -> Any:
        made = draft(image, mode, size)
        drafts.append(image.size)
        return made

    monkeypatch.setattr(jpeg, "draft", told)
    options: dict[str, Any] = {"size": (90, 70), "resampling": "bilinear", "keep_aspect_ratio": keep_aspect_ratio}
    whole = zl.vision.decode_image(file, **options)
    assert not drafts
    scaled = zl.vision.decode_image(file, **options, scaled_decoding=True)
    # A quarter covers both: 200 x 160, upright or not; an eighth, 100 x 80, does so where nothing is cut off.
    assert drafts in ([(200, 160)], [(100, 80)])
    assert scaled.shape == whole.shape
    assert 0 < np.abs(scaled - whole).mean() < 6  # of 255; another part of the photo would be 60 and more away


@pytest.mark.parametrize("orientation", [1, 6])
def test_boxes_are_in_pixels_of_the_whole_photo(orientation: int, tmp_path: Path) -> None:
    file = photo(tmp_path / "photo.jpg", orientation=orientation)
    with zl.tasks.load(MODEL, "detect") as one, zl.tasks.load(MODEL, "detect", scaled_decoding=True) as other:
        whole, scaled = (task(file, min_score=1e-3) for task in (one, other))
        assert (scaled.width, scaled.height) == ((800, 640) if orientation == 1 else (640, 800))
        assert (whole.width, whole.height) == (scaled.width, scaled.height)
        assert other(np.zeros((9, 9, 3), np.uint8)).width == 9
    with pytest.raises(ValueError, match=r"scaled_decoding= is for detect, .*, and .* is loaded to audio"):
        zl.tasks.load(constant_sound(), "audio", scaled_decoding=True)


def constant_sound() -> bytes:
    graph = GraphBuilder()
    sound = graph.tensor("sound", [1, 16_000])
    made = graph.constant("scores", np.zeros((1, 3), np.float32))
    graph.interface([sound], [made])
    graph.signature("serving_default", {"sound": sound}, {"scores": made})
    return graph.finish()
