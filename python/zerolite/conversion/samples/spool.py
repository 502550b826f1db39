"""Samples on their way to another process: a file of plain arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SampleSpool", "read_spool"]


class SampleSpool:
    """Context manager: writes samples one after another, so that no more than one of them is in memory.

    Each is a line of JSON, with its signature and the names of its arrays, followed by the arrays as .npy.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> SampleSpool:
        self._file = self._path.open("xb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, signature: str | None, sample: Sequence[NDArray[Any]] | Mapping[str, NDArray[Any]]) -> None:
        """Write one sample.

        Raises:
            OSError: the file could not be written.
        """
        names = list(sample) if isinstance(sample, Mapping) else None
        arrays = list(sample.values()) if isinstance(sample, Mapping) else list(sample)
        header = {"signature": signature, "names": names, "count": len(arrays)}
        self._file.write(json.dumps(header).encode() + b"\n")
        for array in arrays:
            np.lib.format.write_array(self._file, np.asarray(array), allow_pickle=False)


def read_spool(path: Path) -> Iterator[tuple[str | None, list[NDArray[Any]] | dict[str, NDArray[Any]]]]:
    """What a `SampleSpool` wrote, sample by sample."""
    with path.open("rb") as file:
        while line := file.readline():
            header = json.loads(line)
            arrays = [np.lib.format.read_array(file, allow_pickle=False) for _ in range(header["count"])]
            if header["names"] is None:
                yield header["signature"], arrays
            else:
                yield header["signature"], dict(zip(header["names"], arrays, strict=True))
