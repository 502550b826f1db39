"""`zerolite benchmark`: its tables, JSON and CSV, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import model_zoo

DENSE = model_zoo.model_path("dense_2layer")


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("typer", reason="needs the extra cli")
    options = ["--seconds", "0.004", "--turns", "2", "--warmup-s", "0"]
    return subprocess.run(
        [sys.executable, "-m", "zerolite", "benchmark", *map(str, arguments), *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_command_prints_json_and_csv() -> None:
    answer = command(DENSE, "--against", "litert,compiled_model", "--json", "--processes", "1")
    assert (answer.returncode, answer.stderr) == (0, "")
    document = json.loads(answer.stdout)
    assert [one["runtime"] for one in document["runtimes"]] == ["zerolite", "litert", "compiled_model"]
    answer = command(DENSE, "--csv", "--batch", "4", "--processes", "0")
    assert (answer.returncode, answer.stderr) == (0, "")
    figures = {line["figure"] for line in csv.DictReader(io.StringIO(answer.stdout))}
    assert figures == {"call"}


def test_command_prints_tables() -> None:
    answer = command(DENSE, "--against", "litert", "--processes", "1", "--delegate", "builtin")
    assert (answer.returncode, answer.stderr) == (0, "")
    for part in ("array in to array out", "running alone", "fresh processes", "ratios", "p99", "litert", "peak memory"):
        assert part in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--against", "caffe"], 1, "there is no runtime 'caffe'"),
        (["--delegate", "abacus"], 2, "There is no delegate 'abacus'"),
        (["--json", "--csv"], 2, "Choose one"),
        (["--workers", "0"], 2, "--workers"),
    ],
)
def test_command_fails_in_words(arguments: list[str], code: int, message: str) -> None:
    answer = command(DENSE, *arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


def test_old_names_of_options() -> None:
    """They work for one release, and say how they are called now."""
    answer = command(DENSE, "--processes", "0", "--rounds", "3", "--warmup", "0", "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["settings"]["turns"] == 3
    assert "--rounds is called --turns now" in answer.stderr
    assert "--warmup is called --warmup-s now" in answer.stderr
    assert "now" not in command(DENSE, "--processes", "0").stderr
