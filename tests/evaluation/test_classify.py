"""Classification says of files what the model says of their arrays, and shows it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from zerolite import vision
from zerolite.cli import main
from zerolite.evaluation import evaluate
from zerolite.vision.contact_sheet import MOST_IMAGES

Image = pytest.importorskip("PIL.Image", reason="images need the extra vision")

MODEL = model_zoo.model_path("small_cnn")
NAMES = [f"class <{number}>" for number in range(10)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    place = tmp_path / "images"
    (place / "deeper").mkdir(parents=True)
    for index in range(7):
        counts = rng.integers(0, 256, (28 + index, 28, 3), dtype=np.uint8)
        Image.fromarray(counts).save(place / ("deeper" if index > 4 else "") / f"{index}.png")
    return place


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    file = tmp_path / "labels.txt"
    file.write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    return file


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("variant", ["", "_int8", "_uint8_io"])
def test_predictions_are_the_models(variant: str, folder: Path) -> None:
    path = model_zoo.model_path(f"small_cnn{variant}")
    images = np.concatenate(list(vision.load_images(folder, size=(28, 28), preprocessing="unit", color="grayscale")))
    outputs = evaluate(path, images).outputs
    results = list(vision.classify(path, folder, NAMES, k=3, preprocessing="unit"))
    assert [result.path.name for result in results] == [f"{index}.png" for index in range(7)]
    for result, scores in zip(results, outputs, strict=True):
        assert result.predictions == tuple(vision.top(scores, NAMES, k=3))
    pooled = list(vision.classify(path, folder, NAMES, k=3, preprocessing="unit", workers=2))
    for one, other in zip(results, pooled, strict=True):
        assert [p.label for p in one.predictions] == [p.label for p in other.predictions]
    with zl.load(path) as model:
        single = list(vision.classify(model, folder / "3.png", preprocessing="unit"))
        assert [len(result.predictions) for result in single] == [5]
        assert single[0].predictions[0].label == str(outputs[3].argmax())
        assert not model.closed


def test_integers_without_a_scale_take_counts(folder: Path) -> None:
    from zerolite._runners import TensorSpec

    image = vision.load_image(folder / "0.png", size=(28, 28))
    stored = TensorSpec("x", (1, 28, 28, 3), np.dtype(np.uint8)).store_image(image)
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored, image)


def test_wrong_use(folder: Path) -> None:
    with pytest.raises(ValueError, match="3 labels for a model with 10 classes"):
        vision.classify(MODEL, folder, NAMES[:3])
    with pytest.raises(ValueError, match="images need a model with one input of shape"):
        vision.classify(model_zoo.model_path("dense_2layer"), folder)
    with pytest.raises(FileNotFoundError, match="absent"):
        vision.classify(MODEL, [folder, folder / "absent"])
    with pytest.raises(ValueError, match="k must be"):
        vision.classify(MODEL, folder, k=0)
    assert list(vision.classify(MODEL, [])) == []


def test_corrupt_images(folder: Path) -> None:
    (folder / "1.png").write_bytes(b"broken")
    results = vision.classify(MODEL, folder, preprocessing="unit")
    assert next(results).path.name == "0.png"
    with pytest.raises(vision.ImageError, match=r"1\.png"):
        next(results)
    told: list[vision.ImageError] = []
    assert len(list(vision.classify(MODEL, folder, preprocessing="unit", on_corrupt=told.append))) == 6
    assert [error.path.name for error in told] == ["1.png"]
    with pytest.raises(ValueError, match="none of the 1 images"):
        list(vision.classify(MODEL, folder / "1.png", on_corrupt="skip"))


def test_contact_sheet_shows_every_image(folder: Path) -> None:
    tall = folder / ("a very long name " * 4 + ".png")
    Image.new("RGBA", (10, 500), (255, 0, 0, 0)).save(tall)
    results = list(vision.classify(MODEL, folder, ["a very long label " * 4] * 10, preprocessing="unit"))
    with Image.open(io.BytesIO(vision.contact_sheet(results))) as sheet:
        assert sheet.format == "PNG"
        five_wide = sheet.width
        assert sheet.width < 5 * 240
        assert sheet.height > 2 * 200
    with Image.open(io.BytesIO(vision.contact_sheet(results[:1], image_format="JPEG"))) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.width < five_wide / 4
    with pytest.raises(ValueError, match="at least one image"):
        vision.contact_sheet([])
    many = vision.contact_sheet(results[:1] * (MOST_IMAGES + 50))
    with Image.open(io.BytesIO(many)) as sheet, Image.open(io.BytesIO(vision.contact_sheet(results[:1] * 5))) as row:
        assert sheet.height < (MOST_IMAGES // 5 + 1) * row.height


# The command


def test_command(folder: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    arguments: list[str | Path] = ["classify", folder, "--model", MODEL, "--class-names", labels, "--top", "2"]
    arguments += ["--preprocessing", "unit"]
    code, out, err = tell(capsys, *arguments, "--contact-sheet", sheet)
    assert (code, err) == (0, "")
    expected = list(vision.classify(MODEL, folder, NAMES, k=2, preprocessing="unit"))
    for result in expected:
        assert str(result.path) in out
        assert all(prediction.label in out for prediction in result.predictions)
    assert f"{sheet} written." in out
    assert sheet.read_bytes() == vision.contact_sheet(expected)
    code, out, err = tell(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["images"] == [result.to_dict() for result in expected]


def test_command_and_corrupt_images(
    folder: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = folder / "deeper" / "5.png"
    broken.write_bytes(broken.read_bytes()[:100])
    sheet = tmp_path / "sheet.png"
    arguments: list[str | Path] = ["classify", folder, "--model", MODEL, "--preprocessing", "unit"]
    arguments += ["--contact-sheet", sheet]
    # What is found in the sound images is told all the same; the exit code says that it is not all.
    code, out, err = tell(capsys, *arguments)
    assert code == 1
    assert all(f"{number}.png" in out for number in (0, 1, 2, 3, 4, 6))
    assert err.startswith(f"zerolite: {broken} can't be decoded as an image")
    assert "1 of 7 images could not be classified" in err
    assert sheet.exists()
    code, out, err = tell(capsys, *arguments, "--json")
    assert (code, len(json.loads(out)["images"])) == (1, 6)
    code, out, err = tell(capsys, *arguments, "--skip-corrupt")
    assert (code, err) == (0, "")
    assert f"skipped: {broken}" in out
    assert sheet.exists()
    code, out, err = tell(capsys, *arguments, "--skip-corrupt", "--json")
    assert [entry["path"] for entry in json.loads(out)["skipped"]] == [str(broken)]
    # Where no image is sound, it is told why.
    for more in ((), ("--skip-corrupt",)):
        code, _, err = tell(capsys, "classify", broken, "--model", MODEL, "--preprocessing", "unit", *more)
        assert code == 1
        assert err.startswith(f"zerolite: {broken} can't be decoded as an image")
        assert err.splitlines()[1] == "zerolite: none of the 1 images can be decoded"


def test_command_tells_warnings_in_one_line(folder: Path) -> None:
    command = [sys.executable, "-m", "zerolite", "classify", str(folder / "0.png"), "--model", str(MODEL)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.startswith("zerolite: nothing tells the range that input 'image' was trained on")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--contact-sheet", "sheet.gif"], 2, "must end in"),
        (["--contact-sheet", "absent/sheet.png"], 1, "create it first"),
        (["--top", "0"], 2, "--top"),
        (["--class-names", "absent.txt"], 2, "absent.txt"),
        (["--preprocessing", "absent"], 1, "there is no preprocessing 'absent'"),
        (["--resampling", "absent"], 2, "--resampling"),
    ],
)
def test_command_used_wrongly(
    arguments: list[str], code: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, out, err = tell(capsys, "classify", folder, "--model", MODEL, *arguments)
    assert (answer, out) == (code, "")
    assert message in err


def test_short_labels_are_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "short.txt"
    file.write_text("one\ntwo\n")
    code, out, err = tell(capsys, "classify", folder, "--model", MODEL, "--class-names", file)
    assert (code, out) == (1, "")
    assert "there are 2 labels for a model with 10 classes" in err
    assert err.count("\n") == 1
