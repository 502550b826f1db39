"""The images that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zerolite._runners import TensorSpec
    from zerolite.vision.image import Color

__all__ = ["image_size"]

_COLORS: dict[int, Color] = {1: "grayscale", 3: "rgb", 4: "rgba"}
_IMAGE_AXES = 4


def image_size(specs: Sequence[TensorSpec]) -> tuple[tuple[int, int], Color]:
    """Height and width, and the channels, of the images that a model with inputs like `specs` takes.

    Raises:
        ValueError: it does not take images.
    """
    shape = specs[0].shape if len(specs) == 1 else ()
    if len(shape) != _IMAGE_AXES or shape[-1] not in _COLORS:
        shapes = ", ".join(f"'{spec.name}' of shape {spec.shape}" for spec in specs)
        raise ValueError(
            f"images need a model with one input of shape (1, height, width, channels), with 1, 3 or 4 channels; this "
            f"one has {shapes}"
        )
    return (shape[1], shape[2]), _COLORS[shape[-1]]
