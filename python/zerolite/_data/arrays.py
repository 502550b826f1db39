"""Samples from arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zerolite._data.block import SampleBlock

if TYPE_CHECKING:
    from zerolite.vision import ImageError

__all__ = ["ArraySamples"]


class ArraySamples:
    """Slices of arrays along their leading axis; memory-mapped ones are read as they are needed."""

    repeatable = True

    def __init__(
        self,
        inputs: ArrayLike | tuple[ArrayLike, ...] | Mapping[str, ArrayLike],
        labels: ArrayLike | None,
        *,
        class_names: Sequence[str] = (),
    ) -> None:
        """Take the arrays.

        Raises:
            ValueError: there are no samples, or lengths differ.
        """
        named = inputs.items() if isinstance(inputs, Mapping) else None
        parts = inputs if isinstance(inputs, tuple) else (inputs,)
        self._inputs: tuple[NDArray[Any], ...] | dict[str, NDArray[Any]] = (
            tuple(map(np.asanyarray, parts)) if named is None else {name: np.asanyarray(array) for name, array in named}
        )
        arrays = list(self._inputs.values()) if isinstance(self._inputs, dict) else self._inputs
        if not arrays:
            raise ValueError("there are no inputs; give an array with the items along its leading axis")
        for array in arrays:
            if array.ndim == 0 or len(array) == 0:
                raise ValueError(f"inputs needs at least one item along its leading axis; its shape is {array.shape}")
            if len(array) != len(arrays[0]):
                raise ValueError(f"inputs have different numbers of items: {[len(array) for array in arrays]}")
        self._labels = None if labels is None else np.asanyarray(labels)
        self.total = len(arrays[0])
        if self._labels is not None and (self._labels.ndim == 0 or len(self._labels) != self.total):
            raise ValueError(f"{self.total} inputs need as many labels; the labels' shape is {self._labels.shape}")
        self.in_memory = not any(isinstance(array, np.memmap) for array in arrays)
        self.class_names = tuple(class_names)
        self.skipped: Sequence[ImageError] = ()

    def blocks(self, size: int) -> Iterator[SampleBlock]:
        """Views of `size` samples at a time."""
        for start in range(0, self.total, size):
            part = slice(start, start + size)
            inputs = (
                {name: array[part] for name, array in self._inputs.items()}
                if isinstance(self._inputs, dict)
                else tuple(array[part] for array in self._inputs)
            )
            yield SampleBlock(start, inputs, None if self._labels is None else self._labels[part])
