"""What an evaluation asks of a model, and of its tensors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._runners.input_range import RangeMeter, StoredAs
from zerolite._runtime.quantization import AffineQuantization

__all__ = [
    "ModelFile",
    "OpenItems",
    "Runner",
    "TensorSpec",
    "check_inputs",
    "chosen_output",
    "replicas_of",
    "state_reset",
]


#: The path of a .tflite file, or its bytes.
ModelFile: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, shape, type and quantization of a model's input or output.

    Attributes:
        name: the tensor's name in its signature.
        shape: the shape for one item; the leading axis is the batch and is 1.
        dtype: the type of the stored values.
        quantization: the map to real numbers; None when the stored values are meant as they are.
        source: the file of the model, or its bytes, whose metadata may tell how images are fed; None where it is not
            known.
        open_axes: the axes that the model leaves open, so that they may be resized.
        inside: as what a model stores real numbers that it takes and quantizes itself; None where it does not, or where
            that is not known.
        meter: is shown the real numbers that come, before they are stored; None for nobody.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    quantization: AffineQuantization | None = None
    open_axes: tuple[int, ...] = ()
    source: ModelFile | None = field(default=None, repr=False, compare=False)
    inside: StoredAs | None = field(default=None, repr=False, compare=False)
    meter: RangeMeter | None = field(default=None, repr=False, compare=False)

    @property
    def stored_as(self) -> StoredAs | None:
        """As what real numbers are stored in the end; None where they stay real."""
        return self.inside if self.quantization is None else StoredAs(self.quantization, self.dtype)

    def store(self, items: NDArray[Any]) -> NDArray[Any]:
        """`items` as this tensor stores them.

        Args:
            items: shape (count, *shape[1:]), where open axes may have other sizes. Real numbers for a quantized tensor
                are quantized; values that have the tensor's type already are taken as they are.

        Returns:
            A C-contiguous array of the same shape in the tensor's type.

        Raises:
            ValueError: the shape of an item is not the tensor's, or a value can't be quantized.
            TypeError: the values would have to be converted in a way that may lose something.
        """
        if items.ndim != len(self.shape) or any(
            size != wanted and axis not in self.open_axes
            for axis, (size, wanted) in enumerate(zip(items.shape, self.shape, strict=True))
            if axis > 0
        ):
            raise ValueError(
                f"input '{self.name}' takes items of shape {self.shape[1:]}; came an array of shape "
                f"{items.shape}, expected (count, {', '.join(map(str, self.shape[1:]))})"
            )
        # Integers are what a quantized tensor stores, and for a real one numbers like others.
        if self.meter is not None and (items.dtype.kind == "f" or self.quantization is None):
            self.meter.add(items)
        if items.dtype == self.dtype:
            return np.ascontiguousarray(items)
        if self.quantization is not None and items.dtype.kind == "f":
            holding = np.flatnonzero(np.isnan(items).reshape(len(items), -1).any(axis=1))
            if holding.size:
                raise ValueError(
                    f"NaN can't be quantized for input '{self.name}'; {holding.size} of {len(items)} items hold it, "
                    f"the first is number {holding[0]} of them; remove it from the data"
                )
            return self.quantization.quantize(items, self.dtype)
        if not np.can_cast(items.dtype, self.dtype, casting="same_kind"):
            raise TypeError(
                f"input '{self.name}' takes {self.dtype}; came {items.dtype}; convert the array before with "
                f".astype(numpy.{self.dtype})"
            )
        return np.ascontiguousarray(items, dtype=self.dtype)

    def store_image(self, image: NDArray[Any]) -> NDArray[Any]:
        """Preprocessed images as this tensor stores them; integers without a scale take the counts as they are.

        Args:
            image: real numbers, float32 of shape (count, height, width, channels).
        """
        if self.dtype.kind in "iu" and self.quantization is None:
            limits = np.iinfo(self.dtype)
            counts: NDArray[Any] = np.clip(np.rint(image), limits.min, limits.max).astype(self.dtype)
            return counts
        return self.store(image)

    def real(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The real numbers behind stored values: float32 when quantized, otherwise `stored` itself."""
        if self.quantization is None:
            return stored
        return self.quantization.dequantize(stored)


@runtime_checkable
class Runner(Protocol):
    """A model, in whatever runtime, that is fed item by item or in batches.

    Arrays go in and come out as the model stores them; `TensorSpec.store` and `TensorSpec.real` convert.
    """

    @property
    def runtime(self) -> str:
        """The runtime's name, such as "zerolite"."""
        ...

    @property
    def inputs(self) -> Sequence[TensorSpec]:
        """What goes in, in the order in which `function` takes it."""
        ...

    @property
    def output(self) -> TensorSpec:
        """What comes out."""
        ...

    @property
    def items_per_call(self) -> int:
        """How many items one call runs by default."""
        ...

    @property
    def function(self) -> Callable[..., NDArray[Any]]:
        """Runs one item: arrays of `inputs`' shapes and dtypes in, a new array of `output`'s out."""
        ...

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items, (items, ...) of each input, in the way that is usual for the runtime: (items, ...) out."""
        ...

    def close(self) -> None:
        """Give back what the runner has opened itself."""
        ...


class OpenItems:
    """Resizes a model whose items may be of several sizes, beside the axis that counts them, as they come.

    Attributes:
        are_possible: whether an input leaves such an axis open; without that there is nothing to do.
    """

    def __init__(self, specs: Sequence[TensorSpec], resize: Callable[[Mapping[str, tuple[int, ...]]], object]) -> None:
        """Take the inputs with the shapes that they have, and what gives inputs others, by name."""
        self.are_possible = any(axis > 0 for spec in specs for axis in spec.open_axes)
        self._specs = specs
        self._resize = resize
        self._shapes = {spec.name: spec.shape for spec in specs}

    def fit(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Make the model one for these items, (items, ...) for each input."""
        if not self.are_possible:
            return
        shapes = {spec.name: (spec.shape[0], *array.shape[1:]) for spec, array in zip(self._specs, arrays, strict=True)}
        self._apply({name: shape for name, shape in shapes.items() if shape != self._shapes[name]})

    def restore(self) -> None:
        """Give the inputs back the shapes that they had."""
        changed = {spec.name: spec.shape for spec in self._specs if spec.shape != self._shapes[spec.name]}
        with contextlib.suppress(_native.Error):  # shapes that only stood in the file may be none to run with
            self._apply(changed)

    def fitted(self, run: Callable[..., NDArray[Any]]) -> Callable[..., NDArray[Any]]:
        """`run` after `fit`; `run` itself where that does nothing."""
        if not self.are_possible:
            return run

        def fit_and_run(*arrays: NDArray[Any]) -> NDArray[Any]:
            self.fit(arrays)
            return run(*arrays)

        return fit_and_run

    def _apply(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if shapes:
            self._resize(shapes)
            self._shapes |= shapes


def state_reset(runner: Runner) -> Callable[[], object] | None:
    """What puts the variables of the runner's model back to their start; None for a model without state.

    A runner need not tell: it may have a `reset` of this kind. Its `map` resets by itself, before each item or not at
    all, as `adapt` was told.
    """
    reset: Callable[[], object] | None = getattr(runner, "reset", None)
    return reset


def replicas_of(runner: Runner) -> int:
    """How many items of one shape `function` runs at the same time, called from as many threads; 1 if it does not tell.

    A runner tells it by an attribute `replicas`.
    """
    replicas: int = getattr(runner, "replicas", 1)
    return replicas


def check_inputs(specs: Sequence[TensorSpec]) -> None:
    """Refuse a model without inputs, or with inputs whose leading axes don't count the same items.

    Raises:
        ValueError: there is no input, or one has no leading axis, or another one than the rest.
    """
    if not specs:
        raise ValueError("an evaluation feeds a model's inputs; this model has none")
    for spec in specs:
        if not spec.shape or spec.shape[0] < 1:
            raise ValueError(
                f"the leading axis of an input counts items; the shape of input '{spec.name}' is {spec.shape}"
            )
        if spec.shape[0] != specs[0].shape[0]:
            raise ValueError(
                f"the leading axes of all inputs count the same items; input '{specs[0].name}' has the shape "
                f"{specs[0].shape}, and input '{spec.name}' {spec.shape}"
            )


def chosen_output(names: Collection[str], output: str | None) -> str:
    """The name of the output to read: `output`, or the only one when that is None.

    Raises:
        ValueError: there is no such output, or there are several to choose from.
    """
    if output is None:
        if len(names) != 1:
            raise ValueError(f"the model has {len(names)} outputs; choose one with output=: {', '.join(names)}")
        return next(iter(names))
    if output not in names:
        raise ValueError(f"the model has no output '{output}'; it has {', '.join(names)}")
    return output
