"""Pictures of a model's inputs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["picture"]

_IMAGE_AXES = 3
_LARGEST_COUNT = 255
_SMALLEST_SIDE = 2


def picture(values: NDArray[Any]) -> bytes | None:
    """A PNG of an input that looks like an image; None for one that does not.

    Args:
        values: one item, shape (height, width), or (height, width, channels) with 1, 3 or 4 channels. Counts from 0 to
            255 and numbers from 0 to 1 or from -1 to 1 are shown as they are meant, others from their smallest to their
            largest.
    """
    if values.ndim == _IMAGE_AXES - 1:
        values = values[..., np.newaxis]
    if (
        values.ndim != _IMAGE_AXES
        or values.shape[-1] not in (1, 3, 4)
        or min(values.shape[:2]) < _SMALLEST_SIDE
        or values.dtype.kind not in "iuf"
    ):
        return None
    shown = _between_0_and_1(np.nan_to_num(values.astype(np.float32)))
    from matplotlib.image import imsave

    document = io.BytesIO()
    if values.shape[-1] == 1:
        imsave(document, shown[..., 0], cmap="gray", vmin=0, vmax=1, format="png")
    else:
        imsave(document, np.ascontiguousarray(shown), format="png")
    return document.getvalue()


def _between_0_and_1(values: NDArray[np.float32]) -> NDArray[Any]:
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return values
    if low >= -1 and high <= 1:
        return (values + 1) / 2
    if low >= 0 and high <= _LARGEST_COUNT:
        return values / _LARGEST_COUNT
    return (values - low) / (high - low)
