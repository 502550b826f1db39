"""Memory that can be bound to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite import _native

if TYPE_CHECKING:
    import numpy.typing as npt


def empty(shape: int | Sequence[int], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """Make an array in memory that `CompiledModel.bind` takes: 64-byte aligned, and padded for kernels that read on.

    Args:
        shape: the array's shape.
        dtype: its dtype, of numbers; float32 by default.

    Returns:
        A writable, C-contiguous array of zeros.

    Raises:
        TypeError: the dtype holds Python objects.
        ValueError: a dimension is negative.
        MemoryError: there is not that much memory.
    """
    return _native.empty(shape, dtype)
