"""Whatever call for a file fails, once: never a wrong value, never a damaged file, and an error that names the file.

Every call of each kind of work fails in its turn, with each error that it may give, or does half of what was asked for.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.python_process import answer_of
from tests.support.sample_libraries import compile_library

pytest.importorskip("PIL.Image", reason="pictures need the extra vision")

# The fewest turns that there are: fewer would mean that failures are no longer seen.
FEWEST = {
    "load": 5,
    "load mapped": 4,
    "weight cache": 15,
    "metadata": 30,
    "data": 20,
    "labels and picture": 10,
    "report": 8,
    "isolation": 4,
}
PROGRAM = "import sys; from tests.process.files.file_faults import main; main()"


@pytest.fixture(scope="session")
def failing_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that stands before the C library's functions."""
    if shutil.which("c++") is None:
        pytest.skip("needs a compiler")
    path = tmp_path_factory.mktemp("failing_files") / "libfailing_files.so"
    compile_library("failing_files.cpp", path, "-ldl")
    return path


@pytest.mark.parametrize("work", FEWEST)
def test_every_call_that_fails_is_told_or_made_good(work: str, tmp_path: Path, failing_files: Path) -> None:
    answer = answer_of(PROGRAM, work, str(tmp_path / "work"), environment={"LD_PRELOAD": str(failing_files)})
    turns, *problems = answer.splitlines()
    assert problems == []
    assert int(turns) >= FEWEST[work]
