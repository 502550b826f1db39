"""`zerolite convert`: the same as the function, in a table, in JSON, or in one line of what is wrong."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from zerolite.cli import main

pytest.importorskip("typer", reason="needs the extra cli")
pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

SOURCE = zoo.model_path("dense_2layer")
ROWS = np.random.default_rng(6).normal(size=(12, 64)).astype(np.float32)


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `zerolite convert ARGUMENTS`."""
    code = main(["convert", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", ROWS)
    return tmp_path / "rows.npy"


def test_json_is_what_the_function_says(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.tflite"
    options: list[str | Path] = ["--quantize", "int8", "--representative-data", rows, "--io-dtype", "uint8"]
    code, out, err = tell(capsys, SOURCE, "--out", target, *options, "--json")
    assert (code, err) == (0, "")
    result = zl.convert(SOURCE, quantize="int8", representative_data=ROWS, io_dtype="uint8")
    expected = result.to_dict() | {"file": str(target)}
    told: dict[str, Any] = json.loads(out)
    for changing in ("seconds", "peak_memory_bytes"):
        assert told.pop(changing) > 0
        expected.pop(changing)
    assert told == expected
    assert target.read_bytes() == result.content


def test_tables_for_people(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options: list[str | Path] = ["--quantize", "dynamic", "--representative-data", rows, "--log", tmp_path / "log.txt"]
    code, out, err = tell(capsys, SOURCE, "-o", tmp_path / "out.tflite", *options)
    assert (code, err) == (0, "")
    for part in ("out.tflite written: ", "% of the source", "FULLY_CONNECTED", "12 representative samples", "output_0"):
        assert part in out
    assert (tmp_path / "log.txt").is_file()


def test_target_is_named_after_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tell(capsys, SOURCE, "--quantize", "fp16", "--no-verify")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["dense_2layer.tflite"]
    # Where that would be the source itself, another name has to be given.
    code, _, err = tell(capsys, "dense_2layer.tflite", "--quantize", "fp16")
    assert code == 2
    assert "is the source" in err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "either SOURCE or --keras-application"),
        (["SOURCE", "--keras-application", "MobileNetV2"], "either SOURCE or --keras-application"),
        (["SOURCE", "--weights", "none"], "go with"),
        (["--keras-application", "MobileNetV2", "--weights", "noise"], "'imagenet' or 'none'"),
        (["absent.keras"], "does not exist"),
        (["rows.npy"], "can't convert"),
        (["SOURCE"], "choose how to quantize it"),
        (["SOURCE", "--quantize", "int5"], "quantize must be one of"),
        (["SOURCE", "--quantize", "int8"], "needs representative_data"),
        (["SOURCE", "--quantize", "dynamic", "--io-dtype", "int8"], "goes with quantize='int8'"),
        (["SOURCE", "--quantize", "dynamic", "--input", "features"], "is no NAME=SIZE"),
        (["SOURCE", "--quantize", "dynamic", "--input", "features=1,x"], "is no NAME=SIZE"),
        (["SOURCE", "--quantize", "dynamic", "--select-tf-ops"], "for models that TensorFlow"),
        (["SOURCE", "--quantize", "dynamic", "--preprocessing", "resnet50"], "goes with a folder of images"),
        (["SOURCE", "--quantize", "int8", "--representative-data", "."], "needs it"),
    ],
)
@pytest.mark.usefixtures("rows")
def test_wrong_use(
    arguments: list[str],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = tell(capsys, *(str(SOURCE) if word == "SOURCE" else word for word in arguments))
    assert (code, out) == (2, "")
    assert part in " ".join(err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npy"]


def test_failure_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "short.npy", ROWS[:, :5])
    (tmp_path / "broken.tflite").write_bytes(b"no model")
    target = tmp_path / "out.tflite"
    np.save(tmp_path / "rows.npy", ROWS)
    cases: list[tuple[list[str | Path], str]] = [
        ([SOURCE, "--quantize", "int8", "--representative-data", tmp_path / "short.npy"], "(1, 5)"),
        ([tmp_path / "broken.tflite", "--quantize", "dynamic"], "broken.tflite"),
        ([zoo.model_path("dense_2layer_int8"), "--quantize", "dynamic"], "quantized already"),
        (
            [zoo.model_path("no_signature"), "--quantize", "int8", "--representative-data", tmp_path / "rows.npy"],
            "has no signatures",
        ),
    ]
    for arguments, part in cases:
        code, out, err = tell(capsys, *arguments, "--out", target, "--json")
        assert (code, out) == (1, "")
        assert err.startswith("zerolite: ")
        assert err.count("\n") == 1
        assert part in err
    assert not target.exists()


def test_log_of_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "rows.npy", ROWS)
    log = tmp_path / "log.txt"
    options: list[str | Path] = ["--quantize", "int8", "--representative-data", tmp_path / "rows.npy", "--log", log]
    assert tell(capsys, zoo.model_path("no_signature"), "-o", tmp_path / "out.tflite", *options)[0] == 1
    assert log.is_file()


def zerolite(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "zerolite", "convert", *map(str, arguments)]
    return subprocess.Popen(program, stdin=subprocess.DEVNULL, **options)


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    try:
        process = zerolite(
            SOURCE,
            *("-o", tmp_path / "out.tflite", "--quantize", "dynamic"),
            stdout=subprocess.DEVNULL,
            stderr=follower,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        )
        assert process.wait(timeout=60) == 0
        shown = os.read(leader, 1 << 16).decode()
    finally:
        os.close(leader)
        os.close(follower)
    assert "Quantizing" in shown


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    """As from the keyboard, as soon as the conversion is under way."""
    leader, follower = pty.openpty()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    try:
        process = zerolite(
            SOURCE,
            *("-o", tmp_path / "out.tflite", "--quantize", "dynamic"),
            stdout=subprocess.DEVNULL,
            stderr=follower,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "TMPDIR": str(temporary)},
        )
        shown = b""
        while b"Starting" not in shown:
            shown += os.read(leader, 1 << 12)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) not in {0, 2}
        shown += os.read(leader, 1 << 16)
    finally:
        os.close(leader)
        os.close(follower)
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == [temporary]
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_application(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra convert")
    target = tmp_path / "m.tflite"
    options: list[str | Path] = ["--weights", "none", "--image-size", "32", "--no-verify", "--json"]
    code, out, err = tell(capsys, "--keras-application", "MobileNetV2", "-o", target, *options)
    assert (code, err) == (0, "")
    assert json.loads(out)["operators"]["DEPTHWISE_CONV_2D"] == 17
    with zl.load(target) as model:
        assert [tuple(tensor.shape) for tensor in model.inputs.values()] == [(1, 32, 32, 3)]


@pytest.mark.slow
def test_application_without_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra convert")
    # Nothing listens on the discard port, and nothing is in the folder for downloads.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    code, out, err = tell(capsys, "--keras-application", "MobileNetV2", "-o", tmp_path / "m.tflite")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "--weights none" in err
    assert not (tmp_path / "m.tflite").exists()
