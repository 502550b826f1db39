"""`zerolite convert --all`: a file for every quantization, and what they are worth on one's own data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.real_answers import real_answers
from zerolite.cli import main
from zerolite.conversion.options import QUANTIZATION_MODES

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

ROWS = np.random.default_rng(6).normal(size=(24, 64)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with a model and data whose labels are the model's own answers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dense.tflite").write_bytes(zoo.model_path("dense_2layer").read_bytes())
    np.savez(tmp_path / "test.npz", x=ROWS, y=real_answers(tmp_path / "dense.tflite", ROWS).argmax(axis=1))
    return tmp_path


def test_every_quantization_and_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = ["--report", "out.json", "--report", "out.md"]
    assert main(["convert", "dense.tflite", "--all", "--data", "test.npz", *report, "--no-verify", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    quantized = [mode for mode in QUANTIZATION_MODES if mode != "none"]
    assert told["left_out"] == {}
    assert told["files"] == {"float32": "dense.tflite"} | {mode: f"dense-{mode}.tflite" for mode in quantized}
    assert list(told["conversions"]) == quantized
    rows = {row["model"]: row for row in told["comparison"]["rows"]}
    assert list(rows) == ["float32", *quantized]
    assert rows["float32"]["metrics"]["accuracy"] == 1
    for mode in quantized:
        path = folder / f"dense-{mode}.tflite"
        accuracy = zl.evaluate(path, folder / "test.npz").accuracy
        assert rows[mode]["metrics"]["accuracy"] == accuracy
        assert path.stat().st_size < (folder / "dense.tflite").stat().st_size
    assert json.loads((folder / "out.json").read_text())["rows"][0]["model"] == "float32"
    assert "dynamic-int4" in (folder / "out.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all"], "It needs --data"),
        (["--all", "--data", "test.npz", "--quantize", "int8"], "every quantization: leave out --quantize"),
        (["--all", "--data", "test.npz", "--keep-float", "auto"], "every quantization: leave out"),
        (["--report", "out.html", "--quantize", "dynamic", "-o", "x.tflite"], "goes with --all"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_use(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "dense.tflite", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
