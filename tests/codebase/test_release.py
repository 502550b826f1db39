"""A release that lacks something is found before it is published."""

from __future__ import annotations

import json
import tarfile
import zipfile
from email import message_from_string
from io import BytesIO
from pathlib import Path

import pytest

from tools.release.archives import ArchiveError, check_archives, checksums, read_metadata
from tools.release.bill_of_materials import bill_of_materials
from tools.release.changelog import ChangelogError, section_of

METADATA = """\
Metadata-Version: 2.4
Name: zerolite
Version: 1.2.0
Summary: Inference.
License-Expression: Apache-2.0
Requires-Dist: numpy>=1.26
Requires-Dist: rich>=13; extra == 'cli'
Requires-Dist: pytest>=8; extra == 'test'
Requires-Dist: zerolite[cli]; extra == 'demo'
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in ("LICENSE", "NOTICE"):
        (folder / name).write_text(f"the {name}", encoding="utf-8")
    return folder


def wheel(folder: Path, **changes: str | None) -> Path:
    """A wheel with everything, but for `changes` by the last part of a name: other text, or None for no such file."""
    texts: dict[str, str | None] = {"METADATA": METADATA, "LICENSE": "the LICENSE", "NOTICE": "the NOTICE", **changes}
    path = folder / "zerolite-1.2.0-cp311-cp311-manylinux_2_34_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            if text is not None:
                archive.writestr(f"zerolite-1.2.0.dist-info/{name}", text)
    return path


def test_sound_archives_pass(tmp_path: Path, sources: Path) -> None:
    source = tmp_path / "zerolite-1.2.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name, text in (("PKG-INFO", METADATA), ("LICENSE", "the LICENSE"), ("NOTICE", "the NOTICE")):
            member = tarfile.TarInfo(f"zerolite-1.2.0/{name}")
            member.size = len(text)
            archive.addfile(member, BytesIO(text.encode()))
    check_archives([wheel(tmp_path), source], "1.2.0", sources)
    assert read_metadata(source)["Version"] == "1.2.0"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"NOTICE": None}, "has no NOTICE as it is"),
        ({"LICENSE": "another one"}, "has no LICENSE as it is"),
        ({"METADATA": METADATA.replace("1.2.0", "1.1.9")}, "is of version 1.1.9, where 1.2.0"),
        ({"cache.pyc": "compiled"}, r"has \S+/cache.pyc, which does not belong"),
        ({"METADATA": None}, "has no metadata"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(
    changes: dict[str, str | None], words: str, tmp_path: Path, sources: Path
) -> None:
    with pytest.raises(ArchiveError, match=words):
        check_archives([wheel(tmp_path, **changes)], "1.2.0", sources)


def test_checksums_are_those_of_coreutils(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "a").write_bytes(b"abc")
    assert checksums([tmp_path / "b", tmp_path / "a"]).splitlines() == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b",
    ]


def test_the_bill_lists_what_is_compiled_in_and_what_users_install() -> None:
    bill = json.loads(bill_of_materials(message_from_string(METADATA)))
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/zerolite@1.2.0"
    scopes = {part["name"]: part["scope"] for part in bill["components"]}
    assert scopes == {"libstdc++": "required", "numpy": "required", "pybind11": "required", "rich": "optional"}
    (edges,) = (edge["dependsOn"] for edge in bill["dependencies"] if edge["ref"] == "zerolite")
    assert set(edges) == set(scopes)


def test_the_section_of_a_version_is_found() -> None:
    text = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n- New.\n\n## [1.1.0] - 2026-11-01\n\n- Old.\n"
    assert section_of(text, "1.2.0") == "- New."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Changelog\n", "is of no version"),
        ("## [1.1.0] - 2026-11-01\n\n- Old.\n", r"is of \[1.1.0\]; write one: ## \[1.2.0\]"),
        ("## [1.2.0]\n\n- New.\n", "gives no day"),
        ("## [1.2.0] - soon\n\n- New.\n", "gives soon as the day"),
        ("## [Unreleased]\n\n- Newer.\n\n## [1.2.0] - 2026-12-01\n\n- New.\n", r"has changes under \[Unreleased\]"),
        ("## [1.2.0] - 2026-12-01\n\n## [1.1.0] - 2026-11-01\n\n- Old.\n", "says nothing about 1.2.0"),
    ],
)
def test_a_changelog_that_is_not_ready_is_refused(text: str, words: str) -> None:
    with pytest.raises(ChangelogError, match=words):
        section_of(text, "1.2.0")
