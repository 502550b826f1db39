"""A model's file, opened for reading."""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias

from zerolite._hub.download import local_file
from zerolite._platform.files import naming

__all__ = ["ModelFile", "name_of", "opened"]

#: The path of a .tflite file, or its bytes.
ModelFile: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview


@contextmanager
def opened(model: ModelFile) -> Iterator[tuple[bytes | memoryview, IO[bytes]]]:
    """The content, not read before it is looked at, and a file over it.

    Raises:
        OSError: the file can't be read.
        ValueError: it is empty.
    """
    if not isinstance(model, str | os.PathLike):
        copied = bytes(model)
        yield copied, io.BytesIO(copied)
        return
    with naming(name_of(model)), Path(local_file(model)).open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ValueError(f"{name_of(model)} is no sound model: it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            yield content, file


def name_of(model: ModelFile) -> str:
    """What errors call it."""
    return os.fspath(model) if isinstance(model, str | os.PathLike) else "the model in memory"
