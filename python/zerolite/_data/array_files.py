"""Files of plain arrays: .npy, .npz and .csv; nothing in them is ever unpickled."""

from __future__ import annotations

import errno
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zerolite._platform.files import naming

__all__ = ["ARRAY_SUFFIXES", "parse_arrays", "read_arrays"]

#: How the names of files with arrays end.
ARRAY_SUFFIXES = (".npy", ".npz", ".csv", ".tsv")

_Arrays: TypeAlias = NDArray[Any] | dict[str, NDArray[Any]]

_NPY = b"\x93NUMPY"
_ZIP = b"PK"
_PICKLE = b"\x80"
# What people give in the place of arrays, by the bytes that it begins with.
_OTHERS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"\x89HDF", "HDF5 data"),
    (b"\x1f\x8b", "data packed by gzip"),
    (_PICKLE, "pickled Python objects"),
)
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_OF_WHOLE_NUMBERS = set("0123456789+-, \t")
_ADVICE = "save an array with numpy.save, or several by name with numpy.savez"


def read_arrays(path: Path, *, mapped: bool = False) -> _Arrays:
    """The array of an .npy, .csv or .tsv file, or the arrays of an .npz file by name.

    The numbers of a text file are a row each line: shape (rows, columns), int64 where all are whole, else float64. A
    first line of words names the columns and is left out.

    Args:
        path: the file.
        mapped: whether the array of an .npy file stays on disk.

    Raises:
        OSError: the file can't be read.
        ValueError: it holds something else, or is damaged.
    """
    delimiter = _DELIMITERS.get(path.suffix.lower())
    with naming(path), path.open("rb") as file:
        if mapped and delimiter is None and file.read(len(_NPY)) == _NPY:
            return _guarded(lambda: np.lib.format.open_memmap(path, mode="r"), str(path))
        file.seek(0)
        return parse_arrays(file, str(path), delimiter=delimiter)


def parse_arrays(file: BinaryIO, name: str, *, delimiter: str | None = None) -> _Arrays:
    """As `read_arrays`, of a file that is open.

    Args:
        file: the file, which can be moved in.
        name: what messages call it.
        delimiter: what stands between the numbers of a text file; without it the file holds no text.

    Raises:
        OSError: the file can't be read.
        ValueError: it holds something else, or is damaged.
    """
    begin = file.read(len(_NPY))
    file.seek(0)
    if begin == _NPY or begin.startswith(_ZIP):
        return _guarded(lambda: _load(file), name)
    if delimiter is not None:
        return _parse_text(file, name, delimiter)
    raise ValueError(f"{name} holds {_what_begins_with(begin)} and no NumPy arrays; {_ADVICE}")


def _load(file: BinaryIO) -> _Arrays:
    content = np.load(file, allow_pickle=False)
    return content if isinstance(content, np.ndarray) else {name: content[name] for name in content.files}


def _guarded(load: Callable[[], _Arrays], name: str) -> _Arrays:
    try:
        return load()
    except MemoryError as error:
        told = f" ({error})" if str(error) else ""
        raise ValueError(f"{name} declares arrays of more memory than there is{told}; save smaller ones") from error
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        cause = error.__context__
        # zipfile says of a file whose end it could not read that it is none (CPython 3.14). What is cut short makes it
        # seek to places that no file has.
        if isinstance(cause, OSError) and cause.errno != errno.EINVAL:
            raise cause from None
        if "pickle" in str(error) or "Python objects" in str(error) or "Array can't be memory-mapped" in str(error):
            reason = "it holds Python objects, which are not read from files; save numbers or bytes"
        else:
            reason = f"it is cut short or damaged ({error}); save it again"
        raise ValueError(f"{name} is no sound file of plain arrays: {reason}") from error


def _what_begins_with(begin: bytes) -> str:
    if not begin:
        return "nothing"
    for signature, what in _OTHERS:
        if begin.startswith(signature):
            return what
    return "text" if begin.isascii() and b"\0" not in begin else "other data"


def _parse_text(file: BinaryIO, name: str, delimiter: str) -> NDArray[Any]:
    try:
        lines = file.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no text in UTF-8, which a table of numbers has to be: {error}") from error
    rows = [line for line in lines if line.strip()]
    if rows and not _is_number(rows[0].split(delimiter)[0]):
        del rows[0]
    if not rows:
        raise ValueError(f"{name} holds no numbers; give a row of them each line")
    # NumPy would cut the fraction off numbers that are to be read as whole ones.
    is_whole = not any(set(row) - _OF_WHOLE_NUMBERS for row in rows)
    try:
        return np.loadtxt(rows, dtype=np.int64 if is_whole else np.float64, delimiter=delimiter, ndmin=2)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} is no table of numbers: {error}") from error


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
