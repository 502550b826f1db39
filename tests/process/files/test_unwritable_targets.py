"""Every command that writes a file, on a disk that is full and in a folder that is read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support import model_zoo as zoo
from tests.support.python_process import ROOT

pytest.importorskip("typer", reason="needs the extra cli")

CNN, QUANTIZED = str(zoo.model_path("small_cnn")), str(zoo.model_path("small_cnn_int8"))

# What is written, and the words of the command; DATA, LABELLED and IMAGES stand for files that the test makes. The
# third is a module that the command needs.
WRITERS = {
    "outputs": ("y.npz", ("run", CNN, "--input", "DATA", "--output"), "numpy"),
    "drawn graph": ("graph.dot", ("info", CNN, "--graph"), "numpy"),
    "trace": ("trace.json", ("profile", CNN, "--runs", "2", "--trace"), "numpy"),
    "plot of layers": ("layers.svg", ("layers", CNN, QUANTIZED, "--data", "DATA", "--plot"), "matplotlib"),
    "tuned setting": ("tuned.json", ("tune", CNN, "--budget", "0.1", "--save"), "numpy"),
    "plot of tuning": ("tuned.svg", ("tune", CNN, "--budget", "0.1", "--plot"), "matplotlib"),
    "contact sheet": (
        "sheet.png",
        ("classify", "--preprocessing", "unit", "IMAGES", "--model", CNN, "--contact-sheet"),
        "PIL",
    ),
    "report in Markdown": ("report.md", ("compare", CNN, QUANTIZED, "--data", "LABELLED", "--report"), "sklearn"),
    "report in HTML": ("report.html", ("compare", CNN, QUANTIZED, "--data", "LABELLED", "--report"), "jinja2"),
    "model": ("model.tflite", ("convert", CNN, "--quantize", "dynamic", "--out"), "litert_quantizer"),
}

# Files may not grow beyond a size, which ends a write in its middle, as a full disk does.
FULL = """
import resource, signal, sys
from zerolite.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
sys.exit(main())
"""
READ_ONLY = """
import sys
from zerolite.cli import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    images = rng.random((4, 28, 28, 1), dtype=np.float32)
    np.save(folder / "data.npy", images)
    np.savez(folder / "labelled.npz", x=images, y=np.arange(4))
    image = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / "image.png")
    return {
        "DATA": str(folder / "data.npy"),
        "LABELLED": str(folder / "labelled.npz"),
        "IMAGES": str(folder / "image.png"),
    }


def ending(program: str, words: list[str], *, before: tuple[str, ...] = ()) -> tuple[int, str]:
    process = subprocess.run(
        [*before, sys.executable, "-c", program, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "500"},
    )
    return process.returncode, process.stderr


def prepared(writer: str, folder: Path, inputs: dict[str, str]) -> tuple[Path, list[str]]:
    name, words, module = WRITERS[writer]
    pytest.importorskip(module, reason="the command needs it")
    target = folder / name
    target.write_bytes(b"old")
    return target, [*(inputs.get(word, word) for word in words), str(target)]


@pytest.mark.parametrize("writer", WRITERS)
def test_full_disk(writer: str, tmp_path: Path, inputs: dict[str, str]) -> None:
    target, words = prepared(writer, tmp_path, inputs)
    code, errors = ending(FULL, words)
    assert (code, errors.count("\n")) == (1, 1), errors
    assert "File too large" in errors
    assert "Traceback" not in errors
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("writer", WRITERS)
def test_read_only_folder(writer: str, tmp_path: Path, inputs: dict[str, str]) -> None:
    """It is told in one line."""
    target, words = prepared(writer, tmp_path, inputs)
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:  # may write everywhere, unless it gives up the right
        if shutil.which("setpriv") is None:
            pytest.skip("root can't be kept from writing without setpriv")
        before = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
    tmp_path.chmod(0o555)
    try:
        code, errors = ending(READ_ONLY, words, before=before)
    finally:
        tmp_path.chmod(0o755)
    assert (code, errors.count("\n")) == (1, 1), errors
    assert f"can't write {target}: the folder {tmp_path} is read-only; choose another one" in errors
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
