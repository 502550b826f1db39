"""What tflite-support itself makes of a file that zerolite wrote.

Its last release is for Python 3.11, so it runs in an environment of its own: `make test-metadata` makes that, and
`ZEROLITE_TFLITE_SUPPORT` names its Python.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import zerolite as zl
from tests.metadata.test_golden import EVERYTHING, FILES, GOLDEN, MODEL

PYTHON = os.environ.get("ZEROLITE_TFLITE_SUPPORT")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="ZEROLITE_TFLITE_SUPPORT names no Python with tflite-support")
PROGRAM = Path(__file__).parent / "tflite_support_program.py"


def tflite_support(*arguments: str | Path) -> str:
    assert PYTHON is not None
    command = [PYTHON, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_reads_the_same_of_both(tmp_path: Path) -> None:
    ours = tmp_path / "ours.tflite"
    zl.metadata.write(MODEL, EVERYTHING, FILES, path=ours)
    assert tflite_support("show", ours) == tflite_support("show", GOLDEN)
    zl.metadata.write(ours, zl.metadata.Metadata(name="another"), {}, path=ours)
    assert '"another"' in tflite_support("show", ours)


def test_takes_it_over_without_a_loss(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.tflite", tmp_path / "theirs.tflite"
    zl.metadata.write(MODEL, EVERYTHING, FILES, path=ours)
    tflite_support("copy", ours, MODEL, theirs)
    assert zl.metadata.read(theirs) == EVERYTHING
    assert {name: zl.metadata.read_attached(theirs, name) for name in FILES} == FILES


def test_the_golden_file_is_theirs(tmp_path: Path) -> None:
    again = tmp_path / "again.tflite"
    tflite_support("everything", MODEL, again)
    assert zl.metadata.read(again) == zl.metadata.read(GOLDEN)
