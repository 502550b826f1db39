"""Typical inputs, from which the converter takes the ranges of a model's activations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RepresentativeData", "RepresentativeSamples", "Sample"]

#: One sample: the only input, the inputs in order, or the inputs by name; each with its batch axis.
Sample = NDArray[Any] | Sequence[NDArray[Any]] | Mapping[str, NDArray[Any]]

#: An array whose leading axis counts the samples (for a model with one input), or samples one by one.
RepresentativeData = NDArray[Any] | Iterable[Sample]


class RepresentativeSamples:
    """`representative_data` as the converter asks for it: a function that yields the inputs of one sample.

    The converter wraps what goes wrong meanwhile beyond recognition; `error` holds it as it was.
    """

    def __init__(self, data: RepresentativeData) -> None:
        self._data = data
        self.error: Exception | None = None

    def __call__(self) -> Iterator[list[NDArray[Any]] | dict[str, NDArray[Any]]]:
        """Yield the inputs of each sample, checked: in order, or by name."""
        try:
            count = 0
            for sample in self._samples():
                arrays = list(sample.values()) if isinstance(sample, dict) else sample
                for array in arrays:
                    if array.dtype.kind == "f" and not np.isfinite(array).all():
                        raise ValueError(
                            f"sample {count} of representative_data holds NaN or infinite values, which "
                            "would spoil every scale; remove it"
                        )
                yield sample
                count += 1
            if count == 0:
                raise ValueError("representative_data is empty; give some dozens to hundreds of typical inputs")
        except Exception as error:
            self.error = error
            raise

    def _samples(self) -> Iterator[list[NDArray[Any]] | dict[str, NDArray[Any]]]:
        if isinstance(self._data, np.ndarray):
            for index in range(len(self._data)):
                yield [_as_input(self._data[index : index + 1])]
            return
        for sample in self._data:
            if isinstance(sample, Mapping):
                yield {name: _as_input(array) for name, array in sample.items()}
            elif isinstance(sample, list | tuple):
                yield [_as_input(array) for array in sample]
            else:
                yield [_as_input(sample)]


def _as_input(array: Any) -> NDArray[Any]:
    """Python's and NumPy's float64 become float32, the type of every float input that a converter knows."""
    values = np.asarray(array)
    return values.astype(np.float32) if values.dtype == np.float64 else values
