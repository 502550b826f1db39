"""The inputs of a signature, and whether a sample fits them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["InputSpec", "arrange_sample", "shown_shape", "specs_of_signature"]

#: Input specs by signature. The key None stands for the only signature, whatever its name.
Specs = Mapping[str | None, Sequence["InputSpec"]]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Name, shape and type of one input.

    Attributes:
        name: the input's name in its signature.
        shape: the shape with its batch axis; None where it is open.
        dtype: NumPy's name of the type.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def fitted(self, array: NDArray[Any], place: str) -> NDArray[Any]:
        """The array in the input's type.

        Args:
            array: one sample, with its batch axis.
            place: which sample it is, for the error.

        Raises:
            ValueError: the shape is another, or the values don't go into the type.
        """
        if not self.shape and array.shape == (1,):
            # One sample of an array whose leading axis counts the samples is a single number here.
            array = array.reshape(())
        fits = array.ndim == len(self.shape) and all(
            size in (None, came) for size, came in zip(self.shape, array.shape, strict=True)
        )
        if not fits:
            hint = "; each sample needs its batch axis" if array.ndim == len(self.shape) - 1 else ""
            raise ValueError(
                f"{place} has shape {shown_shape(array.shape)} for input '{self.name}', which takes "
                f"{shown_shape(self.shape)}{hint}"
            )
        if not np.can_cast(array.dtype, self.dtype, casting="same_kind"):
            raise ValueError(
                f"{place} holds {array.dtype} for input '{self.name}', which takes {self.dtype}; convert it before"
            )
        return array.astype(self.dtype, copy=False)


def specs_of_signature(specs: Specs, signature: str | None) -> Sequence[InputSpec]:
    """The inputs of the signature that a sample is for.

    Raises:
        ValueError: there is no such signature, or several and the sample names none.
    """
    if signature in specs:
        return specs[signature]
    known = [key for key in specs if key is not None]
    if len(specs) == 1 and (signature is None or not known):
        return next(iter(specs.values()))
    if signature is None:
        raise ValueError(
            f"the model has the signatures {', '.join(known)}; give representative_data as a mapping from "
            "signature to data"
        )
    raise ValueError(f"representative_data is for a signature '{signature}'; the model has {', '.join(known)}")


def arrange_sample(sample: Any, specs: Sequence[InputSpec], place: str) -> dict[str, NDArray[Any]]:
    """The inputs of one sample by name, each in the input's shape and type.

    Args:
        sample: arrays by name, or in order.
        specs: what the signature takes, in order.
        place: which sample it is, for the error.

    Raises:
        ValueError: an input is missing or unknown, or an array does not fit.
    """
    names = [spec.name for spec in specs]
    if isinstance(sample, Mapping):
        if set(sample) != set(names):
            raise ValueError(f"{place} has arrays for {_listed(sample)}; the model's inputs are {_listed(names)}")
        arrays = [sample[name] for name in names]
    else:
        arrays = list(sample)
        if len(arrays) != len(names):
            hint = "; leave labels out" if len(arrays) > len(names) else ""
            raise ValueError(f"{place} has {len(arrays)} arrays; the model's inputs are {_listed(names)}{hint}")
    return {spec.name: spec.fitted(array, place) for spec, array in zip(specs, arrays, strict=True)}


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) or "none"


def shown_shape(shape: Sequence[int | None]) -> str:
    """A shape as errors show it, with a question mark for each open axis."""
    return f"({', '.join('?' if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"
