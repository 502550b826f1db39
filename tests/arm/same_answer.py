"""When two processors, or two ways to compute the same sums, have given one answer."""

from __future__ import annotations

import numpy as np

from tests.support.bit_equality import as_reference_dtype, assert_same_bits
from tests.support.model_zoo import Array

# Sums of products in another order, with and without fused multiply-add.
RELATIVE = 1e-5


def assert_same_answer(actual: Array, expected: Array, scale: float, what: str) -> None:
    """Bit by bit, but for floating-point numbers, whose last bits depend on the processor's instructions."""
    if expected.dtype.kind not in "fc":
        assert_same_bits(actual, expected, what)
        return
    values = as_reference_dtype(actual, expected.dtype)
    relative = max(RELATIVE, 2 * float(np.finfo(expected.dtype).eps))
    np.testing.assert_allclose(values, expected, rtol=relative, atol=relative * scale, err_msg=what)


def largest(values: Array) -> float:
    """The largest finite magnitude of floating-point numbers; 0.0 for all else."""
    if values.dtype.kind not in "fc":
        return 0.0
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0))
