"""What is asked of tensors by name: their positions, and the shapes that inputs may have."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence

from zerolite import _native
from zerolite._runtime.tensor import Tensor, TensorMap

__all__ = ["is_open_to", "position_of", "requested_shapes"]


def position_of(tensors: TensorMap, name: str, role: str, *, purpose: str = "") -> int:
    """The position of a tensor.

    Raises:
        ArgumentError: there is none of that name.
    """
    names = list(tensors)
    if name not in names:
        known = ", ".join(map(repr, names)) or "none"
        raise _native.ArgumentError(f"there is no {role} {name!r}{purpose}; the signature's are {known}")
    return names.index(name)


def requested_shapes(
    inputs: TensorMap, shapes: Mapping[str, Sequence[int]], *, strict: bool
) -> list[tuple[int, list[int]]]:
    """The shapes of a resize by position.

    Raises:
        ArgumentError, TypeError, ValueError: a name is unknown, a shape is no sequence of integers, or, where the
            request is `strict`, changes what the model fixes.
    """
    requests = []
    for name, shape in shapes.items():
        position = position_of(inputs, name, "input", purpose=" to resize")
        dimensions = _dimensions(name, shape)
        if strict:
            _require_open_axes(inputs[name], dimensions)
        requests.append((position, dimensions))
    return requests


def is_open_to(tensor: Tensor, shape: Sequence[int]) -> bool:
    """Whether the file leaves those axes open in which the shape differs from the tensor's."""
    signature = tensor.shape_signature
    return len(shape) == len(signature) and all(
        fixed in {-1, size} for fixed, size in zip(signature, shape, strict=True)
    )


def _require_open_axes(tensor: Tensor, shape: Sequence[int]) -> None:
    signature = tensor.shape_signature
    # Without one that is open: so says every file that does not say which axes are.
    if -1 in signature and not is_open_to(tensor, shape):
        raise ValueError(
            f"input {tensor.name!r} can't have the shape {tuple(shape)}: the model gives it the shape {signature}, in "
            "which only -1 may vary; pass another shape, or strict=False to let the graph decide"
        )


def _dimensions(name: str, shape: Sequence[int]) -> list[int]:
    limit = 2**31 - 1
    try:
        dimensions = [operator.index(dimension) for dimension in shape]
    except TypeError as error:
        raise TypeError(f"the shape for input {name!r} is {shape!r}, and must be a sequence of integers") from error
    if any(dimension > limit or dimension < -limit for dimension in dimensions):
        raise ValueError(f"the shape for input {name!r} is {tuple(shape)}, and dimensions end at {limit}")
    return dimensions
