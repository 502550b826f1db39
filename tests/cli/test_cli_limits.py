"""Exit codes for pipelines: limits on metrics and differences, and files of which one is broken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from zerolite.cli import main

pytest.importorskip("typer", reason="needs the extra cli")

DENSE = model_zoo.model_path("dense_2layer")
INT8 = model_zoo.model_path("dense_2layer_int8_float_io")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight items, of which the model is right on six."""
    rows = np.random.default_rng(0).normal(size=(8, 64)).astype(np.float32)
    with zl.load(DENSE) as model:
        labels = model.map(rows)
    labels = np.asarray(labels).argmax(axis=1)
    labels[:2] = (labels[:2] + 1) % 10
    path = tmp_path / "data.npz"
    np.savez(path, x=rows, y=labels)
    return path


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        (["--min", "accuracy=0.75"], 0, ""),
        (["--min", "accuracy=0.9"], 1, "accuracy is 0.75 and must be at least 0.9"),
        (["--max", "accuracy=0.5"], 1, "accuracy is 0.75 and must be at most 0.5"),
        (["--min", "f1=0.5"], 1, "measured are accuracy; ask for it with --metric f1"),
        (["--min", "accuracy"], 2, "give a metric and a number"),
        (["--min", "accuracy=nan"], 2, "give a metric and a number"),
    ],
)
def test_evaluate(limits: list[str], code: int, words: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(DENSE), str(data), *limits]) == code
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        (["--max-difference", "100"], 0, ""),
        (["--max-difference", "0"], 1, "beside a in zerolite 0 is allowed: b in zerolite differs by 0."),
        (["--min", "accuracy=0.9"], 1, "a in zerolite: accuracy is 0.75 and must be at least 0.9"),
        (["--max-difference", "-1"], 2, ""),
    ],
)
def test_compare(limits: list[str], code: int, words: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", f"a={DENSE}", f"b={INT8}", "--data", str(data), "--rounds", "1", *limits]) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert code == 2 or "accuracy" in captured.out


def test_info_of_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    assert main(["info", str(DENSE), str(INT8), "--json"]) == 0
    documents = json.loads(capsys.readouterr().out)
    assert [document["file"] for document in documents] == [str(DENSE), str(INT8)]
    assert main(["info", str(broken), str(DENSE)]) == 1
    captured = capsys.readouterr()
    assert DENSE.name in captured.out
    assert broken.name in captured.err
    assert main(["info", str(DENSE), str(INT8), "--graph", str(tmp_path / "graph.dot")]) == 2
