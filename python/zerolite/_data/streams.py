"""Samples from an iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import Inputs, SampleBlock, arrays_in_order
from zerolite._runners import TensorSpec

if TYPE_CHECKING:
    from zerolite.vision import ImageError

__all__ = ["StreamedSamples"]

_PAIR = 2


class StreamedSamples:
    """Elements of a `tf.data.Dataset`, a generator, a loader of batches: inputs alone, or (inputs, labels).

    Inputs are an array, a tuple of them or a mapping by name; whether an element is one sample or a batch is seen from
    the number of its axes. No more than one block of samples is in memory at a time.
    """

    in_memory = False
    total: int | None = None

    def __init__(
        self,
        elements: Iterable[Any],
        specs: Sequence[TensorSpec],
        *,
        class_names: Sequence[str] = (),
        on_positions: Callable[[], object] = lambda: None,
    ) -> None:
        """Take an iterable, for a model with inputs like `specs`; several inputs without names are told."""
        self._on_positions = on_positions
        self._elements = elements
        self._specs = specs
        self.repeatable = not isinstance(elements, Iterator)
        self.class_names = tuple(class_names)
        self.skipped: Sequence[ImageError] = ()

    def blocks(self, size: int) -> Iterator[SampleBlock]:
        """Gather samples and cut batches, so that blocks have the wanted size.

        Raises:
            ValueError: an element is of another shape than the model takes, or there are none.
        """
        waiting: list[tuple[tuple[NDArray[Any], ...], NDArray[Any] | None]] = []
        count, start = 0, 0
        for place, element in enumerate(self._elements):
            waiting.append(self._as_batch(place, element))
            count += len(waiting[-1][0][0])
            if count < size:
                continue
            inputs, labels = _joined(waiting)
            full = count - count % size
            for first in range(0, full, size):
                part = slice(first, first + size)
                yield SampleBlock(
                    start, tuple(array[part] for array in inputs), None if labels is None else labels[part]
                )
                start += size
            rest = tuple(array[full:] for array in inputs)
            waiting = [(rest, None if labels is None else labels[full:])] if count > full else []
            count -= full
        if waiting:
            yield SampleBlock(start, *_joined(waiting))
        elif start == 0:
            raise ValueError("the data is empty; an evaluation needs at least one item")

    def _as_batch(self, place: int, element: Any) -> tuple[tuple[NDArray[Any], ...], NDArray[Any] | None]:
        """Inputs in the model's order and labels, each with an axis that counts samples."""
        labels = None
        if isinstance(element, tuple | list):
            if len(element) != _PAIR:
                raise ValueError(
                    f"element {place} of the data has {len(element)} parts; an element is the inputs alone or a pair "
                    "of inputs and labels (several inputs are a tuple within it, or a mapping by name)"
                )
            element, labels = element
        given: Inputs
        if isinstance(element, Mapping):
            given = {name: np.asarray(array) for name, array in element.items()}
        elif isinstance(element, tuple | list):
            given = tuple(np.asarray(array) for array in element)
            if len(given) > 1:
                self._on_positions()
        else:
            given = (np.asarray(element),)
        arrays = arrays_in_order(given, self._specs)
        axes = [len(spec.shape) - array.ndim for spec, array in zip(self._specs, arrays, strict=True)]
        if any(missing != axes[0] or missing not in (0, 1) for missing in axes):
            shapes = ", ".join(str(array.shape) for array in arrays)
            wanted = ", ".join(str(spec.shape[1:]) for spec in self._specs)
            raise ValueError(f"element {place} of the data has shape {shapes}; expected items of {wanted}, or batches")
        label_array = None if labels is None else np.asarray(labels)
        if axes[0] == 1:
            return tuple(array[np.newaxis] for array in arrays), None if label_array is None else label_array[
                np.newaxis
            ]
        items = len(arrays[0])
        if any(len(array) != items for array in arrays) or (
            label_array is not None and (label_array.ndim == 0 or len(label_array) != items)
        ):
            raise ValueError(
                f"element {place} of the data is a batch of {items} items, and its other parts have other lengths"
            )
        return arrays, label_array


def _joined(
    batches: Sequence[tuple[tuple[NDArray[Any], ...], NDArray[Any] | None]],
) -> tuple[tuple[NDArray[Any], ...], NDArray[Any] | None]:
    if len({labels is None for _, labels in batches}) > 1:
        raise ValueError("some elements of the data have labels and others have none")
    inputs = tuple(np.concatenate(arrays) for arrays in zip(*(inputs for inputs, _ in batches), strict=True))
    labels = [labels for _, labels in batches if labels is not None]
    return inputs, np.concatenate(labels) if labels else None
