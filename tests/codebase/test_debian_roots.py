"""Which wheel a fresh Debian system is given, and what is said where none can be made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import debian_roots

MACHINE = os.uname().machine


def wheel(folder: Path, tag: str, platform: str = f"manylinux_2_28_{MACHINE}", age: int = 0) -> Path:
    path = folder / f"zerolite-1.0-{tag}-{platform}.whl"
    path.touch()
    os.utime(path, (1000 - age, 1000 - age))
    return path


def test_the_newest_wheel_for_the_version_and_the_machine(tmp_path: Path) -> None:
    older = wheel(tmp_path, "cp311-cp311", f"manylinux_2_34_{MACHINE}", age=5)
    newest = wheel(tmp_path, "cp311-cp311")
    wheel(tmp_path, "cp311-cp311", "manylinux_2_28_another")
    wheel(tmp_path, "cp314-cp314t")
    wheel(tmp_path, "cp310-cp310")
    assert debian_roots.wheel_for((3, 11), tmp_path.glob("*.whl")) == newest != older
    assert debian_roots.wheel_for((3, 10), tmp_path.glob("*.whl")) is not None
    assert debian_roots.wheel_for((3, 1), tmp_path.glob("*.whl")) is None
    assert debian_roots.wheel_for((3, 14), tmp_path.glob("*.whl")) is None


def test_only_root_makes_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(debian_roots.RootError, match="run it as root"):
        debian_roots.require_root()


def test_the_mend_names_debootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(debian_roots.RootError, match="apt-get install debootstrap"):
        debian_roots.require_root()


def test_the_oldest_python_is_the_packages() -> None:
    project = (debian_roots.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={".".join(map(str, debian_roots.OLDEST_PYTHON))}"' in project
