"""The site is built without a warning, and its reference has what people import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.build_docs import PUBLIC

ROOT = Path(__file__).parents[2]


def test_reference(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings", reason="needs the extra docs")
    folder = tmp_path / "docs"
    command = [sys.executable, "-m", "tools.build_docs", str(folder)]
    answer = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "import tensorflow" in (folder / "index.html").read_text(encoding="utf-8")
    pages = {name: folder / "reference" / f"{name}.html" for name in PUBLIC}
    for package, name in (
        ("zerolite", "CompiledModel"),
        ("zerolite", "evaluate"),
        ("zerolite.vision", "classify"),
        ("zerolite.comparison", "Comparison"),
    ):
        assert f'id="{package}.{name}"' in pages[package].read_text(encoding="utf-8")


def test_examples_become_code() -> None:
    griffe = pytest.importorskip("griffe", reason="needs the extra docs")
    assert griffe
    from tools.doctest_blocks import with_blocks

    text = "One.\n\n  >>> f(\n  ... )\n  3\n\nTwo > 1.\n>>> g()"
    assert with_blocks(text) == (
        "One.\n\n  ```pycon\n  >>> f(\n  ... )\n  3\n  ```\n\nTwo > 1.\n```pycon\n>>> g()\n```"
    )


def test_wrong_use() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tools.build_docs"], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 2
    assert "usage" in answer.stderr
