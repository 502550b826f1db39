"""Some samples at a time; images in every form that one of the models takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners import TensorSpec
from zerolite.vision.image import ImageForm, image_form

if TYPE_CHECKING:
    from zerolite.vision.feeding import Feeding

__all__ = ["ImageBlock", "Inputs", "SampleBlock", "arrays_in_order"]

#: One array, arrays in the order of the model's inputs, or arrays by the inputs' names; along the leading axis lie the
#: samples.
Inputs = tuple[NDArray[Any], ...] | Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Samples that follow one another.

    Attributes:
        start: the place of the first among all samples.
        inputs: what the models take, each of shape (samples, ...).
        labels: shape (samples, ...); None where there are none.
        names: what the samples are called, such as paths; empty where they have no names.
    """

    start: int
    inputs: Inputs
    labels: NDArray[Any] | None
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many samples there are."""
        arrays = list(self.inputs.values()) if isinstance(self.inputs, Mapping) else self.inputs
        return len(arrays[0])

    def stored(self, specs: Sequence[TensorSpec], order: Sequence[str] = ()) -> tuple[NDArray[Any], ...]:
        """The inputs in the order and the types of `specs`; `order` names those that come without names.

        Raises:
            ValueError: an input is missing or has no tensor, or shapes don't fit.
            TypeError: values would have to be converted in a way that may lose something.
        """
        inputs = self.inputs
        if (
            not isinstance(inputs, Mapping)
            and len(inputs) == len(order)
            and {spec.name for spec in specs} == set(order)
        ):
            inputs = dict(zip(order, inputs, strict=True))
        arrays = arrays_in_order(inputs, specs)
        return tuple(spec.store(np.asarray(array)) for spec, array in zip(specs, arrays, strict=True))


def arrays_in_order(inputs: Inputs, specs: Sequence[TensorSpec]) -> tuple[NDArray[Any], ...]:
    """`inputs` in the order of `specs`.

    Raises:
        ValueError: there are too few or too many, or names differ.
    """
    names = [spec.name for spec in specs]
    if isinstance(inputs, Mapping):
        if set(inputs) != set(names):
            raise ValueError(f"the model's inputs are {', '.join(names)}; the data has {', '.join(inputs) or 'none'}")
        return tuple(inputs[name] for name in names)
    if len(inputs) != len(names):
        raise ValueError(
            f"the model has {len(names)} input{'s' * (len(names) != 1)} ({', '.join(names)}), and the data has "
            f"{len(inputs)}; give them as a tuple in that order, or as a mapping by name"
        )
    return inputs


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ImageBlock(SampleBlock):
    """Images that follow one another, in every form that one of the models takes.

    Attributes:
        images: form -> float32 of shape (samples, height, width, channels).
        feeding: how the models are fed with them.
        size: the height and width that were asked for.
    """

    images: Mapping[ImageForm, NDArray[Any]] = field(repr=False)
    feeding: Feeding = field(repr=False)
    size: tuple[int, int] | None = None

    def stored(self, specs: Sequence[TensorSpec], order: Sequence[str] = ()) -> tuple[NDArray[Any], ...]:  # noqa: ARG002
        """The images in the form and the type of `specs`.

        Raises:
            ValueError: `specs` are not those of images.
        """
        return (self.feeding.store(specs[0], self.images[image_form(specs, self.size)]),)
