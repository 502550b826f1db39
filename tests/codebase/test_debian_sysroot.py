"""Which of Debian's releases packages for another architecture are taken from; the fetching itself is tried by the
wheels for ARM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.debian_sysroot import DebianSysroot, SysrootError, require_from_any

PACKAGES = ["python3-numpy-dev"]


@dataclass
class Archive:
    """What the archive is asked for, and the releases that it refuses."""

    refused: set[str]
    asked: list[str] = field(default_factory=list)

    def require(self, sysroot: DebianSysroot, packages: Sequence[str]) -> None:
        self.asked.append(sysroot.suite)
        if sysroot.suite in self.refused:
            raise SysrootError(f"{sysroot.suite} refused")
        for package in packages:
            mark = sysroot.root / "var" / "apt" / f"{package}.unpacked"
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def sysroots(folder: Path) -> list[DebianSysroot]:
    return [DebianSysroot(folder / suite, "armhf", suite) for suite in ("trixie", "forky", "sid")]


def archive_that_refuses(monkeypatch: pytest.MonkeyPatch, *suites: str) -> Archive:
    archive = Archive(set(suites))
    monkeypatch.setattr(DebianSysroot, "require", lambda sysroot, packages: archive.require(sysroot, packages))
    return archive


def test_the_first_release_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_that_refuses(monkeypatch)
    assert require_from_any(sysroots(tmp_path), PACKAGES).suite == "trixie"
    assert archive.asked == ["trixie"]


def test_a_later_release_serves_where_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archive_that_refuses(monkeypatch, "trixie")
    assert require_from_any(sysroots(tmp_path), PACKAGES).suite == "forky"
    assert archive.asked == ["trixie", "forky"]
    assert "trixie refused" in capsys.readouterr().out


def test_what_was_unpacked_before_is_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_that_refuses(monkeypatch, "trixie")
    require_from_any(sysroots(tmp_path), PACKAGES)
    assert require_from_any(sysroots(tmp_path), PACKAGES).suite == "forky"
    assert archive.asked == ["trixie", "forky"]


def test_all_releases_are_named_when_none_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_that_refuses(monkeypatch, "trixie", "forky", "sid")
    with pytest.raises(SysrootError, match=r"trixie, forky, sid gives python3-numpy-dev for armhf") as caught:
        require_from_any(sysroots(tmp_path), PACKAGES)
    assert "sid refused" in str(caught.value.__cause__)
