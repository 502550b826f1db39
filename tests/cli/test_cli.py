"""The command line: it shows what the reference says, and every failure is one line with its exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import model_zoo
from zerolite.cli import main

pytest.importorskip("typer", reason="needs the extra cli")


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `zerolite ARGUMENTS`."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def save(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def save_all(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


def one_line(text: str) -> bool:
    return text.startswith("zerolite: ") and text.count("\n") == 1 and text.endswith("\n")


# info


@pytest.mark.parametrize(
    "name",
    ["small_cnn", "small_cnn_int8", "small_cnn_uint8_io", "multi_signature", "two_inputs_three_outputs"],
)
def test_info_is_what_the_reference_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path(name)
    code, out, err = tell(capsys, "info", path, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["size_bytes"] == path.stat().st_size
    assert document["dispatch"]["path"] == "direct"
    assert document["dispatch"]["reason"]
    interpreter = model_zoo.reference_interpreter(path)
    assert set(document["signatures"]) == set(interpreter.get_signature_list())
    for signature, sides in document["signatures"].items():
        runner = interpreter.get_signature_runner(signature)
        for told, details in (
            (sides["inputs"], runner.get_input_details()),
            (sides["outputs"], runner.get_output_details()),
        ):
            assert {tensor["name"] for tensor in told} == set(details)
            for tensor in told:
                detail = details[tensor["name"]]
                assert tensor["dtype"] == np.dtype(detail["dtype"]).name
                assert tensor["shape_signature"] == detail["shape_signature"].tolist()
                scales = detail["quantization_parameters"]["scales"]
                assert (tensor["quantization"] is None) == (len(scales) == 0)
                if tensor["quantization"] is not None:
                    np.testing.assert_allclose(tensor["quantization"]["scales"], scales)
                    zero_points = detail["quantization_parameters"]["zero_points"]
                    assert tensor["quantization"]["zero_points"] == zero_points.tolist()


def test_info_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "info", model_zoo.model_path("small_cnn_int8"))
    assert (code, err) == (0, "")
    for part in (
        "serving_default",
        "image",
        "output_0",
        "int8",
        "? x 28 x 28 x 1",
        "zero point",
        "dispatch: ",
    ):
        assert part in out


@pytest.mark.parametrize("name", [entry.name for entry in model_zoo.models()])
def test_info_of_every_model(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "info", model_zoo.model_path(name), "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["signatures"]
    assert (document["dispatch"] is None) == (document["refusal"] is not None)


def test_names_are_not_read_as_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "[red]model.tflite"
    path.write_bytes(model_zoo.model_path("dense_2layer").read_bytes())
    assert "[red]model.tflite" in tell(capsys, "info", path)[1]


# run


def test_run_answers_like_the_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("small_cnn")
    image = np.random.default_rng(1).normal(size=(1, 28, 28, 1)).astype(np.float32)
    (expected,) = model_zoo.reference_run(path, [image])
    archive, plain = tmp_path / "y.npz", tmp_path / "y.npy"
    for target in (archive, plain):
        code, out, err = tell(capsys, "run", path, "--input", save(tmp_path / "x.npy", image), "--output", target)
        assert (code, err) == (0, "")
        assert "output_0" in out
    with np.load(archive) as outputs:
        assert outputs.files == ["output_0"]
        np.testing.assert_allclose(outputs["output_0"], expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.load(plain), expected, rtol=1e-6, atol=1e-7)


def test_run_resizes_open_axes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("dense_2layer")
    features = np.random.default_rng(2).normal(size=(3, 64)).astype(np.float32)
    (expected,) = model_zoo.reference_run(path, [features])
    code, out, err = tell(capsys, "run", path, "--input", save(tmp_path / "x.npy", features), "--json")
    assert (code, err) == (0, "")
    (output,) = json.loads(out)["outputs"]
    assert output["shape"] == [3, 10]
    np.testing.assert_allclose(output["values"], expected, rtol=1e-5, atol=1e-6)


def test_run_takes_several_inputs_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("two_inputs_three_outputs")
    details = model_zoo.input_details(path, signature="serving_default")
    assert isinstance(details, dict)
    inputs = model_zoo.random_inputs(details, np.random.default_rng(3))
    expected = model_zoo.reference_run(path, inputs)
    save_all(tmp_path / "both.npz", inputs)
    files = {name: save(tmp_path / f"{name}.npy", array) for name, array in inputs.items()}
    for arguments in (
        ["--input", f"left={files['left']}", "--input", f"right={files['right']}"],
        ["--input", tmp_path / "both.npz"],
    ):
        code, _, err = tell(capsys, "run", path, *arguments, "--output", tmp_path / "y.npz")
        assert (code, err) == (0, "")
        with np.load(tmp_path / "y.npz") as outputs:
            assert set(outputs.files) == set(expected)
            for name, array in expected.items():
                np.testing.assert_allclose(outputs[name], array, rtol=1e-6, atol=1e-7)


def test_run_takes_a_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("multi_signature")
    details = model_zoo.input_details(path, signature="mean")
    assert isinstance(details, dict)
    inputs = model_zoo.random_inputs(details, np.random.default_rng(4))
    save_all(tmp_path / "x.npz", inputs)
    code, out, err = tell(capsys, "run", path, "--signature", "mean", "--input", tmp_path / "x.npz", "--json")
    assert (code, err) == (0, "")
    (output,) = json.loads(out)["outputs"]
    expected = model_zoo.reference_run(path, inputs, "mean")["mean"]
    np.testing.assert_allclose(output["values"], expected, rtol=1e-6)


def test_json_has_no_numbers_that_json_has_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model_zoo.model_path("dense_2layer")
    features = np.full((1, 64), np.nan, np.float32)
    code, out, _ = tell(capsys, "run", path, "--input", save(tmp_path / "x.npy", features), "--json")
    assert code == 0
    assert json.loads(out, parse_constant=lambda word: pytest.fail(word))["outputs"]


# Wrong use: exit code 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["absent-command"],
        ["info"],
        ["info", "absent.tflite"],
        ["info", "MODEL", "--absent-option"],
        ["run", "MODEL"],
        ["run", "MODEL", "--input", "absent.npy"],
        ["run", "MODEL", "--input", "X", "--input", "X"],
        ["run", "MODEL", "--input", "other=X"],
        ["run", "MODEL", "--input", "X", "--output", "y.txt"],
        ["run", "MODEL", "--input", "X", "--signature", "absent"],
        ["demo", "--epochs", "0"],
        ["demo", "--seed", "-1"],
    ],
)
def test_wrong_use(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = {
        "MODEL": str(model_zoo.model_path("dense_2layer")),
        "X": str(save(tmp_path / "x.npy", np.zeros((1, 64), np.float32))),
    }
    code, _, err = tell(capsys, *(places.get(argument, argument) for argument in arguments))
    assert code == 2
    assert "Traceback" not in err


def test_wrong_use_names_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two, many = model_zoo.model_path("two_inputs_three_outputs"), model_zoo.model_path("multi_signature")
    x = save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    cases: list[tuple[list[str | Path], list[str]]] = [
        (["run", two, "--input", f"left={x}"], ["Missing", "right"]),
        (["run", two, "--input", x], ["left", "right"]),
        (["run", many, "--signature", "absent"], ["absent", "encode", "decode", "mean"]),
    ]
    for arguments, parts in cases:
        code, _, err = tell(capsys, *arguments)
        assert code == 2
        assert all(part in err for part in parts)


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["info", "--help"], ["run", "--help"], ["demo", "--help"]):
        code, out, err = tell(capsys, *arguments)
        assert (code, err) == (0, "")
        assert "Usage: zerolite" in out


# Failure: exit code 1 and one line


@pytest.mark.parametrize("content", [b"", b"no model", b"\x1c\x00\x00\x00TFL3" + b"\xff" * 64])
def test_files_that_are_no_models(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    code, out, err = tell(capsys, "info", path)
    assert (code, out) == (1, "")
    assert one_line(err)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 63), np.float32),
        np.full((1, 64), 2**24 + 1, np.int32),  # which float32 can't hold
        np.full((1, 64), 1e300),
        np.zeros((), np.float32),
        np.array([{}], dtype=object),
    ],
)
def test_arrays_that_do_not_fit(array: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    code, out, err = tell(
        capsys,
        "run",
        model_zoo.model_path("dense_2layer"),
        "--input",
        tmp_path / "x.npy",
        "--output",
        tmp_path / "y.npz",
    )
    assert (code, out) == (1, "")
    assert one_line(err)
    assert not (tmp_path / "y.npz").exists()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"plain text"])
def test_files_that_are_no_arrays(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    code, out, err = tell(capsys, "run", model_zoo.model_path("dense_2layer"), "--input", tmp_path / "x.npy")
    assert (code, out) == (1, "")
    assert one_line(err)
    assert "x.npy" in err


def test_outputs_that_can_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    path = model_zoo.model_path("two_inputs_three_outputs")
    run = ["run", str(path), "--input", f"left={x}", "--input", f"right={x}", "--output"]
    code, _, err = tell(capsys, *run, tmp_path / "y.npy")
    assert code == 1
    assert one_line(err)
    assert "the model has 3" in err
    code, _, err = tell(capsys, *run, tmp_path / "absent" / "y.npz")
    assert code == 1
    assert one_line(err)


def test_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for module in [module for module in sys.modules if module.startswith("zerolite.cli.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "typer", None)
    code, out, err = tell(capsys, "info", "model.tflite")
    assert (code, out) == (1, "")
    assert one_line(err)
    assert "zerolite[cli]" in err


def test_missing_demo_extra_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    code, out, err = tell(capsys, "demo")
    assert (code, out) == (1, "")
    assert one_line(err)
    assert "jinja2" in err
    assert "zerolite[demo]" in err


def test_module_is_the_same_command() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "zerolite", "info", model_zoo.model_path("small_cnn"), "--json"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "serving_default" in json.loads(answer.stdout)["signatures"]
    assert answer.stderr == ""


def test_tables_fit_a_terminal() -> None:
    """A long name is cut rather than folded, so that each line of the table is one line."""
    program = (
        "from zerolite.cli.output import print_table\n"
        "print_table(('name', 'count'), [('n' * 200, '1,234')] * 3, shortened=1)"
    )
    leader, follower = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            stdout=follower,
            timeout=60,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "60"},
        )
        shown = os.read(leader, 1 << 16).decode()
    finally:
        os.close(leader)
        os.close(follower)
    rows = [line for line in shown.splitlines() if "nnn" in line]
    assert len(rows) == 3
    assert all("…" in row and row.rstrip().endswith("1,234") for row in rows)


# Progress

WORK = """
import sys
from zerolite.cli.progress import {name}
progress = {name}()
with progress if hasattr(progress, "__enter__") else __import__("contextlib").nullcontext():
    progress.stage("Working", 8)
    for done in range(1, 9):
        progress.advance_to(done)
"""


def test_progress_without_a_terminal_is_plain_lines() -> None:
    program = WORK.format(name="LineProgress")
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert answer.stdout == ""
    assert answer.stderr.splitlines() == ["Working ...", *(f"Working: {done} of 8" for done in (2, 4, 6, 8))]


def test_progress_on_a_terminal_is_a_bar() -> None:
    leader, follower = pty.openpty()
    program = WORK.format(name="TerminalProgress")
    try:
        answer = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            stdout=subprocess.PIPE,
            stderr=follower,
            timeout=60,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        )
        shown = os.read(leader, 1 << 16).decode()
    finally:
        os.close(leader)
        os.close(follower)
    assert answer.stdout == b""
    assert "Working" in shown
    assert "8/8" in shown
