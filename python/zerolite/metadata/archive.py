"""The archive at the end of a model's file; nothing in it is trusted."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO

__all__ = ["Archive", "check_name", "packed"]

# What the module zipfile raises on archives that are broken, encrypted or packed in ways that it does not know.
_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, ValueError, EOFError,
    OverflowError, IndexError, LookupError,
)  # fmt: skip
_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCAL = struct.Struct("<4s22xHH")
_ENCRYPTED = 0x41  # two ways of it
_MOST_COMMENT = 0xFFFF
# Files that are unpacked to more than this must have been packed by less than this factor.
_LARGE_BYTES = 1 << 26
_MOST_FACTOR = 100
_MOST_NAME = 255
_UNIX, _READABLE = 3, 0o100644


@dataclass(frozen=True, slots=True)
class Archive:
    """The files that are packed into a model's file.

    Attributes:
        names: their names, in order.
        begin: where the archive begins in the file; None where there is none.
    """

    names: tuple[str, ...]
    begin: int | None

    @staticmethod
    def look_into(file: IO[bytes]) -> Archive:
        """Look at what is packed, and whether it is safe to unpack.

        Raises:
            ValueError: the archive is broken or hostile; the file in it is named.
        """
        try:
            with zipfile.ZipFile(file) as archive:
                entries, end = archive.infolist(), archive.start_dir
        except _ERRORS as error:
            if _has_end_record(file):
                raise ValueError(f"its archive is broken: {error}") from error
            return Archive((), None)
        _check_entries(entries)
        begin = _check_places(file, entries, end)
        return Archive(tuple(entry.filename for entry in entries if not entry.is_dir()), begin)

    def read(self, file: IO[bytes], name: str) -> bytes:
        """Unpack one of the files.

        Raises:
            KeyError: there is no such file.
            ValueError: what is packed is broken.
        """
        if name not in self.names:
            raise KeyError(name)
        try:
            with zipfile.ZipFile(file) as archive, archive.open(name) as stream:
                # Told how much is wanted, zipfile unpacks no more than that at once.
                return stream.read(archive.getinfo(name).file_size)
        except _ERRORS as error:
            raise ValueError(f"the file '{name}' in its archive can't be unpacked: {error}") from error


def packed(model: bytes | bytearray, files: Mapping[str, bytes]) -> bytes:
    """A model with files behind it, each as it is.

    Raises:
        ValueError: a name is not possible.
    """
    for name in files:
        check_name(name)
    if not files:
        return bytes(model)
    stream = io.BytesIO()
    stream.write(model)
    # Always the same bytes for the same files: no time of today, no rights of this machine.
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = _UNIX, _READABLE << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def check_name(name: str) -> None:
    """Check that a file of that name stays in the folder that it is unpacked into.

    Raises:
        ValueError: it leads elsewhere, or is no name.
    """
    parts = name.split("/")
    if (
        "\\" in name
        or any(part in ("", ".", "..") for part in parts)
        or (len(name) > 1 and name[1] == ":")
        or any(ord(one) < ord(" ") or ord(one) == 0x7F for one in name)  # noqa: PLR2004
        or any(len(part.encode("utf-8", errors="replace")) > _MOST_NAME for part in parts)
    ):
        raise ValueError(
            f"the name {name!r} is not possible for a packed file; it must be one like 'labels.txt', without '..', "
            "absolute paths or control characters"
        )


def _check_entries(entries: Sequence[zipfile.ZipInfo]) -> None:
    known = set()
    for entry in entries:
        name = entry.filename
        # zipfile cuts names at a null byte.
        check_name(entry.orig_filename.removesuffix("/"))
        if name in known:
            raise ValueError(f"the file '{name}' is in its archive twice; pack one of them under another name")
        known.add(name)
        if entry.flag_bits & _ENCRYPTED:
            raise ValueError(f"the file '{name}' in its archive is encrypted; pack it as it is")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(
                f"the file '{name}' in its archive is packed by method {entry.compress_type}; pack it as it is, or "
                "with deflate"
            )
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise ValueError(
                f"the file '{name}' in its archive is stored as {entry.compress_size} bytes and said to have "
                f"{entry.file_size}"
            )
        _check_factor(f"the file '{name}' in its archive", entry.compress_size, entry.file_size)
    # In this order, what is in a folder comes right behind a file of its name.
    ordered = sorted(name.removesuffix("/") + "/" for name in known)
    for name, following in pairwise(ordered):
        if following.startswith(name) and name[:-1] in known:
            raise ValueError(f"'{name[:-1]}' is a file and a folder in its archive; pack the file under another name")
    _check_factor(
        "its archive", sum(entry.compress_size for entry in entries), sum(entry.file_size for entry in entries)
    )


def _check_factor(what: str, stored: int, unpacked: int) -> None:
    if unpacked > max(_LARGE_BYTES, _MOST_FACTOR * stored):
        raise ValueError(
            f"{what} would grow from {stored:,} to {unpacked:,} bytes, which no honest one does; pack it as it is"
        )


def _check_places(file: IO[bytes], entries: Sequence[zipfile.ZipInfo], end: int) -> int:
    """Check that no two files share bytes; where the first one begins."""
    occupied = end
    for entry in sorted(entries, key=lambda one: -one.header_offset):
        header = b""
        if 0 <= entry.header_offset < end:
            file.seek(entry.header_offset)
            header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            raise ValueError(f"the file '{entry.filename}' is not where its archive says")
        _, name, extra = _LOCAL.unpack(header)
        if entry.header_offset + _LOCAL.size + name + extra + entry.compress_size > occupied:
            raise ValueError(f"the file '{entry.filename}' in its archive overlaps another one")
        occupied = entry.header_offset
    return occupied


def _has_end_record(file: IO[bytes]) -> bool:
    """Whether the file's last bytes are those of an archive; its magic number alone may be some weights."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _MOST_COMMENT))
    tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or place + _END_SIZE > len(tail):
        return False
    return place + _END_SIZE + int(struct.unpack_from("<H", tail, place + 20)[0]) == len(tail)
