"""A test that is skipped for a reason that nobody allowed fails the session, also where workers run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import pytest

@pytest.mark.skipif(True, reason={reason!r})
def test_left_out(): pass

def test_run(): pass
"""


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(
    ("reason", "options", "code"),
    [
        ("Ray is not installed", ["--allowed-skips=suite"], 0),
        ("a module was renamed", ["--allowed-skips=suite"], 1),
        ("a module was renamed", [], 0),
    ],
)
def test_skips(reason: str, options: list[str], code: int, workers: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PROGRAM.format(reason=reason), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skip_policy", "-p", "no:cacheprovider"]
    command += [f"--rootdir={tmp_path}", f"--numprocesses={workers}", *options, str(tmp_path)]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == code, ended.stdout
    assert (f"test_left_out: Skipped: {reason}" in ended.stdout or f"test_left_out: {reason}" in ended.stdout) == bool(
        code
    )
