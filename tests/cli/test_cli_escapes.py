"""Names in models, files and archives reach terminals as text: whatever commands a terminal is shown, not sent."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.support import model_zoo
from zerolite.cli import main

pytest.importorskip("typer", reason="needs the extra cli")

# Colours, a window's title, a bell, the same in one byte, a line of its own, text from right to left.
EVIL = "\x1b[41m\x1b]0;owned\x07\x9b2J\r\nzerolite: all is well\n\u202egnp.\u2028\x7f"
SHOWN = "\\x1b]0;owned\\x07"
COMMANDS = ("\x1b]", "\x1b[41m", "\x07", "\x9b", "\u202e", "\u2028", "\x7f")
PICTURES = 2


def renamed(name: str, *, sound: bool = True) -> bytes:
    """A model of the zoo whose every name begins with `EVIL`."""
    model = schema.ModelT.InitFromPackedBuf(model_zoo.model_path(name).read_bytes(), 0)
    model.description = EVIL
    for graph in model.subgraphs:
        graph.name = EVIL
        for number, tensor in enumerate(graph.tensors):
            tensor.name = f"{EVIL}{number}"
            if not sound:
                tensor.shape = [-7]
    for signature in model.signatureDefs:
        signature.signatureKey = EVIL
        for number, entry in enumerate((*signature.inputs, *signature.outputs)):
            entry.name = f"{EVIL}{number}"
    for entry in model.metadata or ():
        entry.name = f"{EVIL}{entry.name.decode()}"
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / f"{EVIL.replace('/', '')}.tflite"
    path.write_bytes(renamed("small_cnn"))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image", reason="needs the extra images")
    folder = tmp_path / "pictures"
    for number in range(PICTURES):
        path = folder / f"{EVIL}{number}" / f"{EVIL}.png"
        path.parent.mkdir(parents=True)
        image.new("L", (28, 28), 100 * number).save(path)
    return folder


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / f"{EVIL}.npz"
    np.savez(path, x=np.zeros((4, 28, 28, 1), np.float32), y=np.arange(4))
    return path


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """Exit code, and stdout and stderr, in which nothing but ends of lines is left that commands a terminal."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert {one for one in shown if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} <= {"\n"}
    assert not any(line.startswith("zerolite: all is well") for line in shown.splitlines())
    return code, shown


@pytest.mark.parametrize("options", [[], ["--tensors", "--delegates"]])
def test_info(options: list[str], model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = tell(capsys, "info", model, *options)
    assert code == 0
    assert SHOWN in shown


def test_info_as_json_is_exact(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = tell(capsys, "info", model, "--json")
    assert code == 0
    assert EVIL in json.loads(shown)["signatures"]


def test_run(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 28, 28, 1), np.float32))
    code, shown = tell(capsys, "run", model, "--input", tmp_path / "x.npy", "--output", tmp_path / f"{EVIL}y.npz")
    assert code == 0
    assert SHOWN in shown


@pytest.mark.parametrize("output", [[], ["--json"]])
def test_check(output: list[str], model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(capsys, "check", model, "--verify", "full", *output)[0] == 0


def test_check_of_a_model_that_is_not_sound(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.write_bytes(renamed("small_cnn", sound=False))
    code, shown = tell(capsys, "check", model, "--verify", "full")
    assert code == 1
    assert SHOWN in shown


def test_profile(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for output in ([], ["--csv"]):
        assert tell(capsys, "profile", model, "--runs", "1", *output)[0] == 0


def test_evaluate(model: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(capsys, "evaluate", model, samples, "--metric", "per_class", "--metric", "confusion_matrix")[0] == 0


def test_evaluate_with_names_of_classes(
    model: Path, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps([f"{EVIL}{number}" for number in range(10)]))
    code, shown = tell(capsys, "evaluate", model, samples, "--metric", "per_class", "--class-names", names)
    assert code == 0
    assert SHOWN in shown


def test_compare(model: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = tell(capsys, "compare", model, model_zoo.model_path("small_cnn"), "--data", samples)
    assert code == 0
    assert SHOWN in shown


def test_metadata(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = model.with_name("labels.txt")
    packed.write_text("\n".join(f"\x1b]0;owned\x07{number}" for number in range(10)))
    words = [
        word for option in ("name", "description", "version", "author", "license") for word in (f"--{option}", EVIL)
    ]
    assert tell(capsys, "metadata", "add", model, "--labels", packed, *words)[0] == 0
    code, shown = tell(capsys, "metadata", "show", model)
    assert code == 0
    assert SHOWN in shown


def test_classify(model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps([f"{EVIL}{number}" for number in range(10)]))
    (pictures / f"{EVIL}.png").write_bytes(b"no picture")
    arguments = ("--model", model, "--labels", labels, "--preprocessing", "unit")
    assert tell(capsys, "classify", pictures, *arguments)[0] == 1
    code, shown = tell(capsys, "classify", pictures, *arguments, "--skip-corrupt")
    assert code == 0
    assert shown.count(SHOWN) > PICTURES


def test_benchmark(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(capsys, "benchmark", model, "--seconds", "0.01", "--rounds", "1", "--processes", "0")[0] == 0


def test_tune(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = tell(capsys, "tune", model, "--budget", "0.1")
    assert code == 0
    assert SHOWN in shown


def test_layers(model: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for output in ([], ["--csv"]):
        code, shown = tell(capsys, "layers", model, model, "--data", samples, *output)
        assert code == 0
        assert SHOWN in shown


def test_convert(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # As it comes from a file that says it is a Keras archive and is none.
    broken = tmp_path / f"{EVIL}.keras"
    broken.write_bytes(b"no archive")
    code, shown = tell(capsys, "convert", broken, "--out", tmp_path / "out.tflite")
    assert code in (1, 2)
    assert SHOWN in shown
    assert tell(capsys, "convert", model, "--out", tmp_path / f"{EVIL}out.tflite", "--quantize", "dynamic")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--input", f"{EVIL}=3"],
        ["info", "--signature", EVIL],
        ["profile", "--signature", f"{EVIL}2"],
        [EVIL],
    ],
)
def test_wrong_use(arguments: list[str], model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = arguments
    code, _ = tell(capsys, first.replace("\n", ""), model, *rest)
    assert code == 2


@pytest.mark.parametrize("traceback", ["", "1"])
def test_errors(
    traceback: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZEROLITE_TRACEBACK", traceback)
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 4, 5, 6), np.float32))
    code = main(["run", str(model), "--input", str(tmp_path / "x.npy")])
    shown = capsys.readouterr().err
    assert code == 1
    assert [command for command in COMMANDS if command in shown] == []
    assert SHOWN in shown
    assert ("Traceback" in shown) == bool(traceback)


PROGRESS = """
import warnings
from zerolite.cli import main
from zerolite.cli.printable import printable_streams
from zerolite.cli.progress import TerminalProgress
with printable_streams(), TerminalProgress() as progress:
    progress.stage({title!r}, 8)
    progress.advance_to(8)
    warnings.warn({title!r})
    assert main(["info", {model!r}, "--tensors"]) == 0
"""


def test_a_terminal_gets_bars_and_tables_and_no_commands_of_names(model: Path) -> None:
    leader, follower = pty.openpty()
    shown = b""
    program = PROGRESS.format(title=f"[/closed]{EVIL}", model=str(model))
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=follower,
        stderr=follower,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"},
    ) as process:
        os.close(follower)
        try:
            while part := os.read(leader, 1 << 16):
                shown += part
        except OSError:  # Linux's end of a terminal that nobody writes to
            pass
        finally:
            os.close(leader)
    assert process.returncode == 0
    text = shown.decode()
    assert "\x1b[" in text  # the bar is drawn
    assert SHOWN in text
    assert [command for command in COMMANDS if command in text] == []


def test_words_of_every_language_stay() -> None:
    from zerolite.cli.printable import printable

    for text in ("naïve café", "日本語", "\u0645\u06cc\u200c\u062e", "👩\u200d🚀", "a\u00a0b", "back\\slash"):
        assert printable(text) == text


def test_messages_of_exceptions(model: Path) -> None:
    """They end on terminals as well, at the end of a traceback."""
    model.write_bytes(renamed("small_cnn", sound=False))
    with pytest.raises(zl.InvalidModelError) as caught:
        zl.load(model)
    assert SHOWN in str(caught.value)
    assert not set("\x1b\x07\x9b\n\r\u202e") & set(str(caught.value))
