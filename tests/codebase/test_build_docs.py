"""The reference is built without a warning, and has what people import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.build_docs import PUBLIC

ROOT = Path(__file__).parents[2]


def test_reference(tmp_path: Path) -> None:
    pytest.importorskip("pdoc", reason="needs the extra docs")
    folder = tmp_path / "docs"
    command = [sys.executable, "-m", "tools.build_docs", str(folder)]
    answer = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (answer.returncode, answer.stderr) == (0, "")
    pages = {name: folder / f"{name.replace('.', '/')}.html" for name in PUBLIC}
    for page in pages.values():
        assert page.is_file(), page
    for package, name in (
        ("zerolite", "CompiledModel"),
        ("zerolite", "evaluate"),
        ("zerolite.vision", "classify"),
        ("zerolite.comparison", "Comparison"),
    ):
        assert f'id="{name}"' in pages[package].read_text(encoding="utf-8")


def test_wrong_use() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tools.build_docs"], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 2
    assert "usage" in answer.stderr
