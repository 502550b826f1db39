"""Representative data: typical inputs, for the ranges of activations, in any of the usual forms."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zerolite._data.array_files import ARRAY_SUFFIXES
from zerolite._data.array_files import read_arrays as read_array_file
from zerolite._data.open import INPUT_NAMES, LABEL_NAMES

__all__ = ["RepresentativeData", "Sample", "check_finite", "iterate_samples", "read_arrays"]

#: One sample: the only input, the inputs in order, or the inputs by name; each with its batch axis.
Sample: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]] | Mapping[str, NDArray[Any]]

#: See `convert`.
RepresentativeData: TypeAlias = (
    str
    | os.PathLike[str]
    | NDArray[Any]
    | Mapping[str, Any]  # by input or by signature
    | Iterable[Sample]
    | Callable[[], Iterable[Sample]]  # as TensorFlow's converter takes it
)

_PAIR = 2

#: The signature that a sample is for, if it is said, and its arrays in order or by name.
Record: TypeAlias = tuple[str | None, "list[NDArray[Any]] | dict[str, NDArray[Any]]"]


def iterate_samples(
    data: Any, *, signatures: Sequence[str] | None = None, names: Sequence[str] | None = None
) -> Iterator[Record]:
    """The data sample by sample, whatever its form.

    Args:
        data: the path of a .npy or .npz file; an array whose leading axis counts the samples; a mapping from
            input to such an array; an iterable of samples, or a function that gives one; or a mapping from signature
            to any of these.
        signatures: the signatures that are converted, where they were named.
        names: the inputs of the model, by which the arrays of a file are chosen; None takes all of them.

    Raises:
        ValueError: arrays of one sample are of different lengths, or hold no numbers; the file is unsound.
        TypeError: `data` is nothing of the kind.
        OSError: the file can't be read.
    """
    if isinstance(data, Mapping) and _is_by_signature(data, signatures or ()):
        for signature, part in data.items():
            for _, sample in iterate_samples(part, names=names):
                yield signature, sample
        return
    yield from _records(_called(data), names)


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


def _called(data: Any) -> Any:
    """What a function gives, as TensorFlow's own representative_dataset does; other data as it is."""
    function = getattr(data, "input_gen", data)  # tf.lite.RepresentativeDataset holds such a function
    if not callable(function) or hasattr(function, "__array__") or isinstance(function, Iterable):
        return data
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise TypeError(
            f"representative_data is a function that takes arguments ({error}); give one without, or what it gives"
        ) from error
    except ValueError:  # built-in functions may have no signature
        pass
    given = function()
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise TypeError(
            f"the function given as representative_data returned a {type(given).__name__}; it must yield samples, or "
            "return an array or an iterable of them"
        )
    return given


def _records(data: Any, names: Sequence[str] | None) -> Iterator[Record]:
    if isinstance(data, str | os.PathLike):
        data = read_arrays(Path(data), names)
    elif isinstance(data, np.lib.npyio.NpzFile):
        data = _chosen({name: data[name] for name in data.files}, names, "representative_data")
    if isinstance(data, Mapping):
        arrays = {str(name): np.asanyarray(array) for name, array in data.items()}
        lengths = {name: _length(array, f"representative_data['{name}']") for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            counted = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise ValueError(f"representative_data has a different number of samples for each input ({counted})")
        for index in range(min(lengths.values(), default=0)):
            yield None, {name: _as_input(array[index : index + 1]) for name, array in arrays.items()}
        return
    if hasattr(data, "__array__"):
        array = np.asanyarray(data)
        for index in range(_length(array, "representative_data")):
            yield None, [_as_input(array[index : index + 1])]
        return
    if not isinstance(data, Iterable):
        raise TypeError(
            f"representative_data can't be a {type(data).__name__}; give an array, a mapping of arrays, an iterable "
            "of samples, or the path of a .npy or .npz file or of a folder of images"
        )
    for sample in data:
        # TensorFlow's converter takes (signature, inputs) for models with several signatures.
        if isinstance(sample, tuple) and len(sample) == _PAIR and isinstance(sample[0], str):
            yield sample[0], _arrays(sample[1])
        else:
            yield None, _arrays(sample)


def _arrays(sample: Any) -> list[NDArray[Any]] | dict[str, NDArray[Any]]:
    if isinstance(sample, Mapping):
        return {str(name): _as_input(array) for name, array in sample.items()}
    return [_as_input(array) for array in (sample if isinstance(sample, list | tuple) else [sample])]


def _chosen(arrays: dict[str, NDArray[Any]], names: Sequence[str] | None, place: str) -> Any:
    """The arrays of an archive that are a model's inputs: those of their names, or what `evaluate` takes as inputs.

    Raises:
        ValueError: none of them is meant for an input.
    """
    if len(arrays) == 1:  # which need not be named after the only input
        return next(iter(arrays.values()))
    if names is None:
        return arrays
    if set(names) <= set(arrays):
        return {name: arrays[name] for name in names}
    if len(names) == 1:
        unlabelled = [name for name in arrays if name not in LABEL_NAMES]
        meant = next((name for name in INPUT_NAMES if name in arrays), None)
        if meant is None and len(unlabelled) == 1:
            meant = unlabelled[0]
        if meant is not None:
            return {names[0]: arrays[meant]}
    # A name that is no word of Python's goes in as a mapping.
    wanted = ", ".join(f"{name!r}: ..." for name in names)
    raise ValueError(
        f"{place} holds {', '.join(arrays) or 'no arrays'}; the model's inputs are {', '.join(names)}; save the array "
        f"of each input as its name, with numpy.savez(file, **{{{wanted}}})"
    )


def read_arrays(path: Path, names: Sequence[str] | None) -> Any:
    """The arrays of a file; a .npy file stays on disk, and nothing is ever unpickled.

    Args:
        path: the file.
        names: the inputs of the model; None where they are not known.

    Raises:
        ValueError: it is no such file, or none of its arrays is meant for an input.
        FileNotFoundError: it is not there.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no representative data at {path}")
    if path.suffix not in ARRAY_SUFFIXES:
        raise ValueError(
            f"{path} holds no representative data; give a {' or '.join(ARRAY_SUFFIXES)} file, or a folder of images"
        )
    arrays = read_array_file(path, mapped=True)
    if isinstance(arrays, np.ndarray):
        return arrays
    return _chosen(arrays, names, str(path))


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
