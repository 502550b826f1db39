"""Reading files with errors that name them, and writing them as a whole: no other process ever sees half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "check_writable_target",
    "make_private_folder",
    "naming",
    "read_file",
    "replaced",
    "user_cache_folder",
    "write_atomically",
]


def user_cache_folder() -> Path:
    """Where zerolite keeps what it found out for this user: ``$XDG_CACHE_HOME/zerolite``, ``~/.cache`` without it.

    Raises:
        RuntimeError: the user has no home.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The specification has relative paths ignored.
    cache = configured if configured.is_absolute() else Path("~/.cache").expanduser()
    return cache / "zerolite"


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone.

    Raises:
        OSError: one can't be made.
    """
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def naming(file: str | os.PathLike[str]) -> Iterator[None]:
    """Context manager: a read of `file` that fails is an OSError that names it, as an open that fails is anyway."""
    try:
        yield
    except OSError as failure:
        # One that was told in words has a cause.
        if failure.errno is None or failure.filename is not None or failure.__cause__ is not None:
            raise
        reason = failure.strerror or os.strerror(failure.errno)
        raise OSError(failure.errno, f"can't read {os.fspath(file)}: {reason}") from failure


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return what is in a file.

    Raises:
        OSError: it can't be opened or read; the message names it.
    """
    with naming(path):
        return Path(path).read_bytes()


def check_writable_target(path: Path) -> None:
    """Check, before long work, that its result can be written to `path`.

    Raises:
        FileNotFoundError: the folder of `path` does not exist.
        IsADirectoryError: `path` is a folder.
        PermissionError: nothing can be written into the folder, as on a read-only disk.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"can't write {path}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise IsADirectoryError(f"can't write {path}: it is a folder; name a file")
    if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(f"can't write {path}: the folder {path.parent} is read-only; choose another one")


def write_atomically(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write `content` beside `path`, then rename it into place.

    An existing file at `path` is replaced as a whole or, when writing fails, left as it was.

    Args:
        path: the file.
        content: what is in it.
        mode: who may read and write it, as far as the process's umask lets them.

    Raises:
        FileNotFoundError: the folder of `path` does not exist.
        IsADirectoryError: `path` is a folder.
        OSError: the content could not be written, as on a full disk.
    """
    check_writable_target(path)
    try:
        with replaced(path, mode=mode) as file:
            file.write(content)
    except OSError as failure:
        # The error of a failed write names no file, and that of a failed open names the temporary one.
        if failure.errno is None:
            raise
        reason = failure.strerror or os.strerror(failure.errno)
        raise OSError(failure.errno, f"can't write {path}: {reason}; nothing was changed") from failure


@contextmanager
def replaced(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Context manager: a file beside `path` that takes its place at the end, or is removed after any failure."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
