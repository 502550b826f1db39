"""Vectors of pictures, and pictures in the style of others: by models of plain arithmetic, whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.tasks.handmade_models import constant_model, mean_color, tinted
from zerolite.cli import main

Image = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")


def plain(color: tuple[int, int, int], height: int = 30, width: int = 50) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


# Embeddings


def test_vectors_and_their_similarity() -> None:
    with zl.tasks.load(mean_color(16), preprocessing="unit") as task:
        assert isinstance(task, zl.tasks.Embedder)
        assert task.numbers == 3
        red, dark, green, black = (task(plain(color)) for color in ((255, 0, 0), (51, 0, 0), (0, 255, 0), (0, 0, 0)))
    np.testing.assert_allclose(dark.vector, [0.2, 0, 0], rtol=1e-5)
    assert dark.vector.dtype == np.float32
    assert red.similarity(dark) == pytest.approx(1, abs=1e-6)
    assert red.similarity(green) == 0
    assert red.similarity(black) == 0
    np.testing.assert_allclose(zl.tasks.similarities([red, dark, green])[0], [1, 1, 0], atol=1e-6)
    assert zl.tasks.similarities([]).shape == (0, 0)
    json.dumps(red.to_dict(), allow_nan=False)
    assert red.to_dict()["vector"] == pytest.approx([1, 0, 0], abs=1e-5)


def test_vectors_that_can_not_be_compared() -> None:
    vectors = [zl.tasks.Embedding(np.array(v, np.float32), 1, 1) for v in ([1, 2], [1, 2, 3], [np.nan, 1])]
    with pytest.raises(ValueError, match="vectors of 2 and of 3 numbers can't be compared"):
        vectors[0].similarity(vectors[1])
    assert np.isnan(vectors[0].similarity(vectors[2]))
    assert vectors[2].to_dict()["vector"] == [None, 1.0]
    with pytest.raises(ValueError, match=r"makes no vector of a picture: its outputs are 'x' of shape \(1, 4, 4, 2\)"):
        zl.tasks.load(constant_model({"x": np.zeros((1, 4, 4, 2))}), "embed")
    with pytest.raises(ValueError, match=r"class_names= is for"):
        zl.tasks.load(mean_color(16), "embed", class_names=["a", "b", "c"])


def test_command_embed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, color in {"a": (250, 10, 10), "b": (10, 10, 250), "c": (200, 0, 0), "d": (0, 0, 200)}.items():
        Image.fromarray(plain(color)).save(folder / f"{name}.png")
    model = tmp_path / "embed.tflite"
    model.write_bytes(mean_color(16))
    arguments = ["embed", str(folder), "--model", str(model), "--preprocessing", "unit"]
    assert main([*arguments, "--output", str(tmp_path / "vectors.npz")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [(Path(line[0]).stem, Path(line[1]).stem) for line in lines] == [
        ("a", "c"),
        ("b", "d"),
        ("c", "a"),
        ("d", "b"),
    ]
    with np.load(tmp_path / "vectors.npz") as stored:
        assert [Path(path).stem for path in stored["paths"]] == ["a", "b", "c", "d"]
        np.testing.assert_allclose(stored["vectors"][2], [200 / 255, 0, 0], rtol=1e-5)
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[3])["vector"] == pytest.approx([0, 0, 200 / 255], abs=1e-5)
    assert main([*arguments, "--output", "vectors.txt"]) == 2
    assert "must end in .npz" in capsys.readouterr().err


# Style


def test_the_style_of_another_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    style = plain((51, 255, 102))
    with zl.tasks.load_stylizer(mean_color(16, keep_axes=True), tinted(24)) as stylizer:
        found = stylizer(picture, style)
        np.testing.assert_allclose(np.asarray(found.image), picture * (0.2, 1.0, 0.4), atol=0.51)
        half = stylizer(picture, style, strength=0.5)
        own = np.asarray(Image.fromarray(picture).resize((1, 1), Image.Resampling.BOX))[0, 0] / 255
        np.testing.assert_allclose(np.asarray(half.image), picture * (np.array((0.2, 1, 0.4)) + own) / 2, atol=6)
        wide = stylizer(plain((255, 255, 255), 30, 90), style)
        assert wide.image.size == (90, 30)
        assert (np.asarray(wide.image) == (51, 255, 102)).all()
        assert wide.to_dict() == {"path": None, "width": 90, "height": 30}
        with pytest.raises(ValueError, match="strength must be from 0 to 1"):
            stylizer(picture, style, strength=np.nan)
        with pytest.raises(zl.ImageError):
            stylizer.map([picture], b"no image")


@pytest.mark.parametrize("workers", [None, 2])
def test_many_pictures_in_one_style(workers: int | None) -> None:
    pictures = [plain((level, level, level)) for level in range(0, 250, 25)]
    steps: list[tuple[int, int | None]] = []
    with zl.tasks.load_stylizer(mean_color(16, keep_axes=True), tinted(24), workers=workers) as stylizer:
        found = list(
            stylizer.map([*pictures, b"no"], plain((255, 0, 0)), on_corrupt="skip", progress=lambda *s: steps.append(s))
        )
    assert [int(np.asarray(one.image)[0, 0, 0]) for one in found] == list(range(0, 250, 25))
    assert steps[-1] == (11, 11)


def test_models_that_are_no_pair() -> None:
    with pytest.raises(ValueError, match=r"must make a picture of a picture .* and of the 3 numbers"):
        zl.tasks.load_stylizer(mean_color(16), mean_color(16))
    with pytest.raises(ValueError, match="must have one input, for a picture"):
        zl.tasks.load_stylizer(tinted(24), mean_color(16))
    other = constant_model({"x": np.zeros((1, 7))})
    with pytest.raises(
        ValueError, match=r"and of the 7 numbers that the model in memory makes of a style; its inputs are"
    ):
        zl.tasks.load_stylizer(other, tinted(24))


def test_command_stylize(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "predict.tflite").write_bytes(mean_color(16, keep_axes=True))
    (tmp_path / "transform.tflite").write_bytes(tinted(24))
    Image.fromarray(plain((255, 0, 255))).save(tmp_path / "style.png")
    Image.fromarray(plain((100, 100, 100))).save(tmp_path / "one.png")
    arguments = ["stylize", str(tmp_path / "one.png"), "--style", str(tmp_path / "style.png")]
    arguments += ["--model", str(tmp_path / "predict.tflite"), "--transform", str(tmp_path / "transform.tflite")]
    assert main([*arguments, "--output", str(tmp_path / "styled")]) == 0
    assert "1 pictures written" in capsys.readouterr().out
    assert (np.asarray(Image.open(tmp_path / "styled" / "one.png")) == (100, 0, 100)).all()
