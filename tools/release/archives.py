"""What has to be in every archive of a release, whoever built it."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath

# Both have to travel with code under these licenses.
LEGAL_FILES = ("LICENSE", "NOTICE")


class ArchiveError(Exception):
    """What is missing in an archive: everything that was found, a sentence a line."""


def read_metadata(archive: Path) -> Message:
    """Return the core metadata of a wheel or of a source distribution.

    Raises:
        ArchiveError: there is none.
    """
    members = _members(archive)
    for name in sorted(members, key=len):
        path = PurePosixPath(name)
        if path.name == "PKG-INFO" or (path.name == "METADATA" and path.parent.suffix == ".dist-info"):
            return message_from_bytes(_read(archive, name))
    raise ArchiveError(f"{archive.name} has no metadata; build it again")


def check_archives(archives: Sequence[Path], version: str, sources: Path) -> None:
    """Look for the version, the licenses as they are in the folder `sources`, and what does not belong there.

    Raises:
        ArchiveError: an archive is of another version, or without a license, or has more than it should.
    """
    problems = []
    for archive in archives:
        metadata = read_metadata(archive)
        if metadata["Version"] != version:
            problems.append(f"{archive.name} is of version {metadata['Version']}, where {version} is to be released")
        members = _members(archive)
        for legal in LEGAL_FILES:
            copies = [name for name in members if PurePosixPath(name).name == legal]
            if not any(_read(archive, name) == (sources / legal).read_bytes() for name in copies):
                problems.append(f"{archive.name} has no {legal} as it is in the repository")
        strays = [name for name in members if PurePosixPath(name).suffix in {".pyc", ".o", ".tflite", ".whl"}]
        if archive.suffix != ".whl":
            strays = [name for name in strays if PurePosixPath(name).suffix != ".tflite"]
        problems += [f"{archive.name} has {name}, which does not belong there" for name in strays]
    if problems:
        raise ArchiveError("\n".join(problems))


def checksums(files: Sequence[Path]) -> str:
    """Return lines as `sha256sum --check` takes them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(files))


def _members(archive: Path) -> list[str]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    with tarfile.open(archive) as opened:
        return opened.getnames()


def _read(archive: Path, name: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return opened.read(name)
    with tarfile.open(archive) as opened:
        member = opened.extractfile(name)
        return member.read() if member else b""
