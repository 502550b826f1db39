"""What `zerolite run` takes as an input: files of several forms, pictures, the standard input, values themselves."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from zerolite.cli import main

pytest.importorskip("typer", reason="needs the extra cli")

DENSE = model_zoo.model_path("dense_2layer")
CNN = model_zoo.model_path("small_cnn")
ROW = np.linspace(-1, 1, 64, dtype=np.float32)[np.newaxis]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    """The values of the only output."""
    assert main(["run", *map(str, arguments), "--json"]) == 0
    (output,) = json.loads(capsys.readouterr().out)["outputs"]
    return output["values"]


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["run", *map(str, arguments)]) in (1, 2)
    return capsys.readouterr().err


@pytest.fixture
def expected() -> Any:
    with zl.load(DENSE) as model:
        return np.asarray(model(ROW)).tolist()


@pytest.mark.parametrize("header", ["", ",".join(f"f{i}" for i in range(64))])
def test_tables_of_numbers(header: str, expected: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, delimiter in (("rows.csv", ","), ("rows.tsv", "\t")):
        title = header.replace(",", delimiter)
        # Nine digits tell every float32 from its neighbours.
        np.savetxt(tmp_path / name, ROW, delimiter=delimiter, header=title, comments="", fmt="%.9g")
        assert run(capsys, DENSE, "--input", tmp_path / name) == expected


def test_whole_numbers_of_a_table_keep_their_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("dtype_int64")
    with zl.load(path) as model:
        shape = model.inputs[0].shape
        values = (2**53 + 1 + np.arange(np.prod(shape), dtype=np.int64)).reshape(shape)
        expected = {name: array.tolist() for name, array in model(values, values).items()}
    rows = tmp_path / "rows.csv"
    lines = [",".join(map(str, row)) for row in values.reshape(-1, shape[-1]).tolist()]
    rows.write_text("\n".join(lines), encoding="utf-8-sig")
    assert main(["run", str(path), "--input", f"x={rows}", "--input", f"y={rows}", "--json"]) == 0
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    assert {output["name"]: output["values"] for output in outputs} == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no numbers"),
        ("a,b\n", "holds no numbers"),
        ("1,2\n3\n", "is no table of numbers"),
        ("1,two\n", "is no table of numbers"),
        ("1,99999999999999999999\n", "is no table of numbers"),
    ],
)
def test_tables_of_something_else(
    content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text(content)
    assert f"rows.csv {reason}" in refusal(capsys, DENSE, "--input", tmp_path / "rows.csv")


def test_other_files_are_named_as_what_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.npy").write_bytes(b"\x80\x04K\x01.")
    assert "rows.npy holds pickled Python objects" in refusal(capsys, DENSE, "--input", tmp_path / "rows.npy")
    np.save(tmp_path / "rows.npy", np.array([{}]), allow_pickle=True)
    assert "holds Python objects, which are not read" in refusal(capsys, DENSE, "--input", tmp_path / "rows.npy")


def test_numpys_own_floats(expected: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "rows.npy", ROW.astype(np.float64))
    assert run(capsys, DENSE, "--input", tmp_path / "rows.npy") == expected
    np.save(tmp_path / "rows.npy", np.full((1, 64), 1e300))
    assert "input 'features' of type float32 can't hold" in refusal(capsys, DENSE, "--input", tmp_path / "rows.npy")


@pytest.mark.parametrize("form", ["npy", "npz", "csv"])
def test_the_standard_input(
    form: str, expected: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = io.BytesIO()
    if form == "npy":
        np.save(content, ROW)
    elif form == "npz":
        np.savez(content, features=ROW)
    else:
        np.savetxt(content, ROW, delimiter=",", fmt="%.9g")
    content.seek(0)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))
    assert run(capsys, DENSE, "--input", "-") == expected


def test_values_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    counter = model_zoo.model_path("runtime_range")
    with zl.load(counter) as model:
        (name,) = model.inputs
    assert run(capsys, counter, "--input", f"{name}=3") == run(capsys, counter, "--input", "3") == [0, 1, 2]
    assert main(["run", str(model_zoo.model_path("no_signature_two_inputs")), *two_rows()]) == 0
    capsys.readouterr()
    assert "can't hold" in refusal(capsys, counter, "--input", "2.5")
    assert "different lengths" in refusal(capsys, counter, "--input", "[[1], [1, 2]]")
    assert "it is no value" in refusal(capsys, counter, "--input", "three")


def two_rows() -> list[str]:
    with zl.load(model_zoo.model_path("no_signature_two_inputs")) as model:
        return [
            word
            for tensor in model.inputs.values()
            for word in ("--input", f"{tensor.name}={json.dumps(np.ones(tensor.shape).tolist())}")
        ]


def test_words_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("string_passthrough")
    with zl.load(path) as model:
        shape = model.inputs[0].shape
    words = np.full(shape, "é").tolist()
    assert np.ravel(run(capsys, path, "--input", json.dumps(words))).tolist() == np.ravel(words).tolist()


def test_real_numbers_are_quantized(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = model_zoo.model_path("dense_2layer_int8")
    np.save(tmp_path / "rows.npy", ROW)
    with zl.load(path) as model:
        quantization = model.inputs[0].quantization
        assert quantization is not None
        expected = np.asarray(model(quantization.quantize(ROW))).tolist()
    assert run(capsys, path, "--input", tmp_path / "rows.npy") == expected


def test_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = pytest.importorskip("PIL.Image", reason="needs the extra vision")
    with zl.load(CNN) as model:
        _, height, width, channels = model.inputs[0].shape
        counts = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
        images.fromarray(counts[..., 0] if channels == 1 else counts).save(tmp_path / "picture.png")
        expected = np.asarray(model((counts[np.newaxis] / np.float32(255)).astype(np.float32)))
    answer = run(capsys, CNN, "--input", tmp_path / "picture.png", "--preprocessing", "unit")
    np.testing.assert_allclose(answer, expected, rtol=1e-5)


def test_few_values_stand_in_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(DENSE), "--input", json.dumps(ROW.tolist())]) == 0
    with zl.load(DENSE) as model:
        values = [f"{value:.6g}" for value in np.asarray(model(ROW)).ravel().tolist()]
    assert " ".join(values) in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"zerolite {zl.__version__}, on LiteRT ")


def test_a_file_that_declares_more_than_there_is_memory_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The header of an array is a few bytes of anybody's; believing it reserves what it says."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)})
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("features.npy", header.getvalue() + bytes(64))
    for command in (["run", DENSE, "--input", path], ["evaluate", DENSE, path]):
        assert main(list(map(str, command))) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "x.npz" in err
        assert "memory" in err
        assert "unexpected" not in err
        assert err.count("\n") == 1
