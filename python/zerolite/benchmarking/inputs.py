"""Inputs to benchmark with: the same ones every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["InputValues", "make_inputs"]

InputValues = Literal["random", "zeros"]

_QUANTIZED_SIZE = 1


def make_inputs(
    specs: Mapping[str, tuple[tuple[int, ...], DTypeLike]],
    values: InputValues = "random",
    *,
    seed: int = 0,
    items: int | None = None,
) -> list[NDArray[Any]]:
    """Make an array for each input.

    Args:
        specs: input name -> shape and dtype.
        values: "random" for normally distributed floats, 8-bit integers over their whole range, and 0 or 1 for wider
            integers, which are often indices; "zeros" for zeros, and empty strings.
        seed: the arrays depend on it and on nothing else.
        items: the size of the leading axis instead of the spec's; None keeps that.

    Returns:
        C-contiguous arrays in the order of `specs`.

    Raises:
        ValueError: `values` is neither "random" nor "zeros".
    """
    if values not in get_args(InputValues):
        raise ValueError(f"inputs must be one of {', '.join(get_args(InputValues))}; came {values!r}")
    rng = np.random.default_rng(seed)
    return [
        _array(shape if items is None else (items, *shape[1:]), np.dtype(dtype), values, rng)
        for shape, dtype in specs.values()
    ]


def _array(shape: tuple[int, ...], dtype: np.dtype[Any], values: InputValues, rng: np.random.Generator) -> NDArray[Any]:
    if dtype.kind in "OSU":
        return np.full(shape, b"" if values == "zeros" else b"text", dtype=object)
    if values == "zeros":
        return np.zeros(shape, dtype)
    if dtype.kind in "fc":
        real = rng.standard_normal(shape)
        return np.asarray(real + 1j * rng.standard_normal(shape) if dtype.kind == "c" else real).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == _QUANTIZED_SIZE:
        limits = np.iinfo(dtype)
        return np.asarray(rng.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True))
    # Also the small types of ml_dtypes, which NumPy knows as structures: 0 and 1 exist in all of them.
    return np.asarray(rng.integers(2, size=shape)).astype(dtype)
