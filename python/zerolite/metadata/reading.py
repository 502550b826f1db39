"""Reading the metadata of a .tflite file, and the files that are packed into it."""

from __future__ import annotations

import io
import math
import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

from zerolite import _native
from zerolite.metadata.description import AssociatedFile, ModelMetadata, Normalization, TensorMetadata
from zerolite.metadata.table import Document, Table

__all__ = ["ModelFile", "read", "read_attached", "read_labels"]

#: The path of a .tflite file, or its bytes.
ModelFile: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview

_ENTRY = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_KINDS = ("unknown", "descriptions", "axis_labels", "value_labels", "score_calibration", "vocabulary")
_NORMALIZATION = 1  # the first of the union ProcessUnitOptions
_LABEL_KINDS = ("axis_labels", "value_labels")
_MOST_ATTACHED_BYTES = 1 << 26
# What the module zipfile raises on archives that are broken, encrypted or packed in ways that it does not know.
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, ValueError, EOFError,
    OverflowError, IndexError,
)  # fmt: skip


def read(model: ModelFile) -> ModelMetadata:
    """Read what a model's file says of itself.

    Args:
        model: the path of a .tflite file, or its bytes.

    Returns:
        The metadata; its fields are empty where the file has none.

    Raises:
        OSError: the file can't be read.
        ValueError: the file is no sound model, or its metadata is broken.
    """
    with _opened(model) as (content, file):
        try:
            entries = _native.read_contents(content).metadata
        except _native.InvalidModelError as error:
            raise ValueError(f"{_name(model)} is no sound model: {error}") from error
        attached = _attached(file)
    entry = entries.get(_ENTRY)
    if entry is None:
        return ModelMetadata(attached_files=attached)
    try:
        return _described(bytes(entry), attached)
    except ValueError as error:
        raise ValueError(
            f"the metadata of {_name(model)} is broken: {error}; write it anew, or name labels and "
            "preprocessing yourself"
        ) from error


def read_attached(model: ModelFile, name: str) -> bytes:
    """Read a file that is packed into a model's file.

    Args:
        model: the path of a .tflite file, or its bytes.
        name: one of `ModelMetadata.attached_files`.

    Raises:
        OSError: the model's file can't be read.
        ValueError: there is no such file in it, or it is broken or larger than 64 MiB.
    """
    with _opened(model) as (_, file):
        if name not in _attached(file):
            raise ValueError(f"{_name(model)} has no file '{name}' packed into it")
        try:
            with zipfile.ZipFile(file) as archive, archive.open(name) as packed:
                content = packed.read(_MOST_ATTACHED_BYTES + 1)
        except _ARCHIVE_ERRORS as error:
            raise ValueError(f"'{name}', packed into {_name(model)}, can't be read: {error}") from error
    if len(content) > _MOST_ATTACHED_BYTES:
        raise ValueError(f"'{name}', packed into {_name(model)}, is larger than {_MOST_ATTACHED_BYTES} bytes")
    return content


def read_labels(model: ModelFile, *, output: int = 0) -> list[str] | None:
    """Read the names of classes that are packed into a model's file.

    The labels that the metadata names for the output are taken, those without a locale first; without a description
    the one packed file whose name ends in .txt and speaks of labels, or is the only .txt file.

    Args:
        model: the path of a .tflite file, or its bytes.
        output: the number of the output.

    Returns:
        The names in the order of the output's scores; None where the file has none.

    Raises:
        OSError: the model's file can't be read.
        ValueError: the metadata or the packed file is broken.
    """
    known = read(model)
    of_output = known.outputs[output].associated_files if output < len(known.outputs) else ()
    described = [file for file in of_output + known.associated_files if file.kind in _LABEL_KINDS]
    described.sort(key=lambda file: bool(file.locale))
    if described:
        name = described[0].name
    else:
        texts = [name for name in known.attached_files if name.lower().endswith(".txt")]
        speaking = [name for name in texts if "label" in name.lower()]
        if len(speaking or texts) != 1:
            return None
        name = (speaking or texts)[0]
    text = read_attached(model, name).decode("utf-8-sig", errors="replace")
    return [line.strip() for line in text.rstrip().splitlines()]


@contextmanager
def _opened(model: ModelFile) -> Iterator[tuple[bytes | memoryview, IO[bytes]]]:
    """The content, not read before it is looked at, and a file over it."""
    if not isinstance(model, str | os.PathLike):
        copied = bytes(model)
        yield copied, io.BytesIO(copied)
        return
    with Path(model).open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ValueError(f"{_name(model)} is no sound model: it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            yield content, file


def _name(model: ModelFile) -> str:
    return os.fspath(model) if isinstance(model, str | os.PathLike) else "the model in memory"


def _attached(file: IO[bytes]) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(file) as archive:
            return tuple(archive.namelist())
    except _ARCHIVE_ERRORS:  # most models have no archive
        return ()


def _described(content: bytes, attached: tuple[str, ...]) -> ModelMetadata:
    if content[4:8] != _IDENTIFIER:
        raise ValueError(f"it has the identifier {content[4:8]!r}, and {_IDENTIFIER!r} is known")
    root = Document(content).root()
    graphs = root.children(3)
    main = graphs[0] if graphs else None
    return ModelMetadata(
        name=root.text(0),
        description=root.text(1),
        version=root.text(2),
        author=root.text(4),
        license=root.text(5),
        inputs=() if main is None else tuple(_tensor(one) for one in main.children(2)),
        outputs=() if main is None else tuple(_tensor(one) for one in main.children(3)),
        associated_files=_files(root, 6) + (() if main is None else _files(main, 4)),
        attached_files=attached,
    )


def _tensor(table: Table) -> TensorMetadata:
    found = [unit.child(1) for unit in table.children(4) if unit.byte(0) == _NORMALIZATION]
    options = found[0] if found else None
    return TensorMetadata(
        name=table.text(0),
        description=table.text(1),
        normalization=None if options is None else _normalization(options),
        associated_files=_files(table, 6),
    )


def _normalization(options: Table) -> Normalization | None:
    mean, std = options.floats(0), options.floats(1)
    if not mean and not std:
        return None
    if not all(math.isfinite(number) for number in mean + std) or 0.0 in std:
        raise ValueError(f"its normalization, mean {mean} and std {std}, is no such thing")
    return Normalization(mean or (0.0,), std or (1.0,))


def _files(table: Table, field: int) -> tuple[AssociatedFile, ...]:
    return tuple(
        AssociatedFile(
            name=one.text(0),
            description=one.text(1),
            kind=_KINDS[one.byte(2)] if one.byte(2) < len(_KINDS) else _KINDS[0],
            locale=one.text(3),
        )
        for one in table.children(field)
    )
