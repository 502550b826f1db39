"""Labels and a normalization go into the converted file, beside what the source says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.metadata.test_archives import named
from tests.support import model_zoo as zoo
from zerolite.cli import main
from zerolite.metadata import Metadata, Normalization

pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

SOURCE = zoo.model_path("small_cnn")
NAMES = [f"class {number}" for number in range(10)]


def test_labels_and_normalization_are_written(tmp_path: Path) -> None:
    target, file = tmp_path / "m.tflite", tmp_path / "names.json"
    file.write_text(json.dumps(NAMES), encoding="utf-8")
    expected = zl.convert(SOURCE, quantize="dynamic", verify=False).content
    for labels in (NAMES, file, str(file)):
        result = zl.convert(SOURCE, target, quantize="dynamic", class_names=labels, normalization=(127.5, 128))
        assert target.read_bytes() == result.content
        assert expected in result.content
        assert zl.metadata.read_labels(target) == NAMES
        assert zl.metadata.read(target).inputs[0].normalization == Normalization((127.5,), (128.0,))
        assert result.verification is not None


def test_classify_needs_nothing_more(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    image.fromarray(pixels).save(tmp_path / "a.png")
    samples = pixels[None, :, :, None].astype(np.float32) / 255
    result = zl.convert(
        SOURCE,
        quantize="int8",
        representative_data=samples,
        class_names=NAMES,
        normalization=Normalization((0.0,), (255.0,)),
    )
    (found,) = zl.vision.classify(result.content, tmp_path / "a.png")
    (expected,) = zl.vision.classify(result.content, tmp_path / "a.png", NAMES, preprocessing="unit")
    assert found.predictions == expected.predictions


def test_what_the_source_says_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "source.tflite"
    zl.metadata.annotate(
        SOURCE,
        class_names=NAMES,
        metadata=Metadata(name="Digits"),
        files={"notes.md": b"x"},
        path=source,
    )
    result = zl.convert(source, quantize="dynamic", verify=False)
    assert zl.metadata.read(result.content) == zl.metadata.read(source)
    assert zl.metadata.read_labels(result.content) == NAMES
    assert zl.metadata.read_attached(result.content, "notes.md") == b"x"
    other = zl.convert(source, quantize="dynamic", verify=False, class_names=NAMES[::-1])
    assert zl.metadata.read_labels(other.content) == NAMES[::-1]


def test_broken_metadata_of_a_source_is_left_behind(tmp_path: Path) -> None:
    source = tmp_path / "source.tflite"
    source.write_bytes(named("../up.txt", prefix=SOURCE.read_bytes()))
    with pytest.warns(UserWarning, match=r"'\.\./up\.txt' is not possible .*; the result goes without it"):
        result = zl.convert(source, quantize="dynamic", verify=False)
    assert zl.metadata.read(result.content).attached_files == ()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"class_names": NAMES[1:]}, ValueError, "9 labels are given for .*none of its outputs has 9 numbers"),
        ({"class_names": "nowhere.txt"}, FileNotFoundError, "nowhere.txt"),
        ({"normalization": 127.5}, TypeError, r"a mean and a deviation, as \(127\.5, 127\.5\); came 127\.5"),
        ({"normalization": (1, 2, 3)}, TypeError, "a mean and a deviation"),
        ({"normalization": ("a", 1)}, TypeError, "a mean and a deviation"),
        ({"normalization": (1, 0)}, ValueError, "no deviation of 0"),
        ({"normalization": ((1, 2, 3), 1)}, ValueError, "3 numbers are given as mean for an input of 1 channels"),
    ],
)
def test_what_does_not_fit(options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path) -> None:
    target = tmp_path / "m.tflite"
    with pytest.raises(error, match=message):
        zl.convert(SOURCE, target, quantize="dynamic", verify=False, **options)
    assert not target.exists()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    target, file = tmp_path / "m.tflite", tmp_path / "names.txt"
    file.write_text("\n".join(NAMES), encoding="utf-8")
    arguments = ["convert", SOURCE, "-o", target, "--quantize", "dynamic", "--no-verify"]
    arguments += ["--labels", file, "--normalization", "127.5,127.5"]
    assert main([str(argument) for argument in arguments]) == 0
    assert zl.metadata.read_labels(target) == NAMES
    assert zl.metadata.read(target).inputs[0].normalization == Normalization((127.5,), (127.5,))
    capsys.readouterr()
    assert main([*map(str, arguments[:-1]), "127.5"]) == 2
    assert "It is MEAN,STD" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_keras_model() -> None:
    keras = pytest.importorskip("tensorflow", reason="conversion needs the extra convert").keras
    network = keras.Sequential(
        [keras.Input((8, 8, 3), name="photo"), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )
    result = zl.convert(network, class_names=["cat", "dog", "owl"], normalization=((1, 2, 3), 4.5))
    known = zl.metadata.read(result.content)
    assert [one.name for one in known.inputs] == ["photo"]
    assert known.inputs[0].normalization == Normalization((1.0, 2.0, 3.0), (4.5,))
    assert zl.metadata.read_labels(result.content) == ["cat", "dog", "owl"]
