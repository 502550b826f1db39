"""Comparing results bit by bit, and moving values between the reference's dtypes and zerolite's.

The reference shows int4, uint4, int2 and 8-bit floats as int8 or uint8, one element a byte; zerolite shows them as
ml_dtypes' types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.support.model_zoo import Array


def as_tensor_dtype(value: Array, dtype: np.dtype[Any]) -> Array:
    """A value of the reference as zerolite's dtype has it."""
    if value.dtype == dtype:
        return value
    if dtype.name.startswith("float8"):
        return value.view(dtype)
    return value.astype(dtype)


def as_reference_dtype(value: Array, dtype: np.dtype[Any]) -> Array:
    """A value of zerolite as the reference's dtype has it."""
    if value.dtype == dtype:
        return value
    assert value.dtype.kind in "Vf", f"{value.dtype} is not what the reference calls {dtype}"
    return value.view(dtype) if value.dtype.name.startswith("float8") else value.astype(dtype)


def assert_same_bits(actual: Array, expected: Array, what: str = "") -> None:
    """Same shape, same dtype but for the reference's names for small types, same bits (strings: same strings)."""
    assert isinstance(actual, np.ndarray), what
    assert actual.shape == expected.shape, what
    if expected.dtype == object:
        assert actual.dtype == object, what
        assert actual.tolist() == expected.tolist(), what
        return
    actual = as_reference_dtype(actual, expected.dtype)
    if actual.tobytes() != expected.tobytes():
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        raise AssertionError(f"{what}: equal values of different bits (zeros' signs or NaNs' payloads)")


def assert_same_outputs(actual: Array | Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    """The answer of a call: one array, or a mapping in case of several outputs."""
    if len(expected) == 1 and not isinstance(actual, Mapping):
        ((name, array),) = expected.items()
        assert_same_bits(actual, array, f"output {name!r}")
        return
    assert isinstance(actual, dict)
    assert set(actual) == set(expected)
    for name, array in expected.items():
        assert_same_bits(actual[name], array, f"output {name!r}")
