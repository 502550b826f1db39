"""Representative data: typical inputs, for the ranges of activations, in any of the usual forms."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ARRAY_FILES", "RepresentativeData", "Sample", "check_finite", "iterate_samples"]

#: One sample: the only input, the inputs in order, or the inputs by name; each with its batch axis.
Sample: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]] | Mapping[str, NDArray[Any]]

#: See `convert`.
RepresentativeData: TypeAlias = (
    str | os.PathLike[str] | NDArray[Any] | Mapping[str, Any] | Iterable[Sample]  # a mapping: by input or by signature
)

#: How the names of files with arrays end.
ARRAY_FILES = (".npy", ".npz")

#: The signature that a sample is for, if it is said, and its arrays in order or by name.
Record: TypeAlias = tuple[str | None, "list[NDArray[Any]] | dict[str, NDArray[Any]]"]


def iterate_samples(data: Any, *, signatures: Sequence[str] | None = None) -> Iterator[Record]:
    """The data sample by sample, whatever its form.

    Args:
        data: the path of a .npy or .npz file; an array whose leading axis counts the samples; a mapping from
            input to such an array; an iterable of samples; or a mapping from signature to any of these.
        signatures: the signatures that are converted, where they were named.

    Raises:
        ValueError: arrays of one sample are of different lengths, or hold no numbers; the file is unsound.
        TypeError: `data` is nothing of the kind.
        OSError: the file can't be read.
    """
    if isinstance(data, Mapping) and _is_by_signature(data, signatures or ()):
        for signature, part in data.items():
            for _, sample in iterate_samples(part):
                yield signature, sample
        return
    for sample in _samples(data):
        yield None, sample


def check_finite(sample: Any, place: str) -> None:
    """Refuse values that would make every scale useless.

    Raises:
        ValueError: an array of the sample holds NaN or infinite values.
    """
    for array in sample.values() if isinstance(sample, Mapping) else sample:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{place} holds NaN or infinite values, which would spoil every scale; remove it")


def _is_by_signature(data: Mapping[str, Any], signatures: Sequence[str]) -> bool:
    return any(isinstance(value, Mapping) for value in data.values()) or (
        len(signatures) > 1 and set(data) == set(signatures)
    )


def _samples(data: Any) -> Iterator[list[NDArray[Any]] | dict[str, NDArray[Any]]]:
    if isinstance(data, str | os.PathLike):
        data = _read(Path(data))
    if isinstance(data, Mapping):
        arrays = {str(name): np.asanyarray(array) for name, array in data.items()}
        lengths = {name: _length(array, f"representative_data['{name}']") for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            counted = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise ValueError(f"representative_data has a different number of samples for each input ({counted})")
        for index in range(min(lengths.values(), default=0)):
            yield {name: _as_input(array[index : index + 1]) for name, array in arrays.items()}
        return
    if hasattr(data, "__array__"):
        array = np.asanyarray(data)
        for index in range(_length(array, "representative_data")):
            yield [_as_input(array[index : index + 1])]
        return
    if not isinstance(data, Iterable):
        raise TypeError(
            f"representative_data can't be a {type(data).__name__}; give an array, a mapping of arrays, an iterable "
            "of samples, or the path of a .npy or .npz file or of a folder of images"
        )
    for sample in data:
        if isinstance(sample, Mapping):
            yield {str(name): _as_input(array) for name, array in sample.items()}
        elif isinstance(sample, list | tuple):
            yield [_as_input(array) for array in sample]
        else:
            yield [_as_input(sample)]


def _read(path: Path) -> Any:
    """The arrays of a file; a .npy file stays on disk, and nothing is ever unpickled."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no representative data at {path}")
    if path.suffix not in ARRAY_FILES:
        raise ValueError(f"{path} holds no representative data; give a .npy or .npz file, or a folder of images")
    try:
        if path.suffix == ".npy":
            return np.lib.format.open_memmap(path, mode="r")  # which unpickles nothing either
        # numpy.load leaves a file open that it opened itself and could not read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no sound .npy or .npz file of plain arrays: {error}") from error
    # The only array of a file need not be named after the only input.
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def _length(array: NDArray[Any], name: str) -> int:
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; its leading axis must count the samples")
    return len(array)


def _as_input(array: Any) -> NDArray[Any]:
    """Python's and NumPy's float64 become float32, the type of every float input that a converter knows."""
    values = np.asarray(array)
    if values.dtype.kind not in "biufcS":
        raise ValueError(f"representative_data holds {values.dtype}, which is no array of numbers")
    return values.astype(np.float32) if values.dtype == np.float64 else values
