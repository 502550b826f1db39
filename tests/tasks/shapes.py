"""Pictures of coloured shapes, with what is to be found in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("red disc", "green square", "blue triangle")
_COLORS = np.array([[220, 60, 60], [60, 200, 80], [70, 90, 230]])


@dataclass(frozen=True)
class Scene:
    """A picture, uint8 of shape (height, width, 3), and the truth of it.

    Attributes:
        picture: the picture.
        boxes: left, top, right, bottom of each shape in pixels, shape (shapes, 4).
        classes: the place of each in `CLASSES`.
        mask: for each pixel 0 for the ground, or 1 more than the class of the shape there.
    """

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    mask: NDArray[np.uint8]


def scene(
    rng: np.random.Generator, *, height: int = 64, width: int = 64, sides: tuple[float, float] = (16, 26)
) -> Scene:
    """Between one and three shapes that do not touch; `sides` are their sizes where the shorter side is 64 pixels."""
    unit = min(height, width) / 64
    ground = rng.integers(90, 150) + rng.normal(0, 6, (height, width, 3))
    mask = np.zeros((height, width), np.uint8)
    ys, xs = np.mgrid[:height, :width] + 0.5
    boxes: list[tuple[float, float, float, float]] = []
    classes: list[int] = []
    for _ in range(rng.integers(1, 4)):
        side = rng.uniform(*sides) * unit
        left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
        right, bottom = left + side, top + side
        gap = 3 * unit
        if any(left < b[2] + gap and b[0] < right + gap and top < b[3] + gap and b[1] < bottom + gap for b in boxes):
            continue
        number = int(rng.integers(len(CLASSES)))
        inside = (xs >= left) & (xs < right) & (ys >= top) & (ys < bottom)
        if number == 0:
            inside &= (xs - (left + right) / 2) ** 2 + (ys - (top + bottom) / 2) ** 2 <= (side / 2) ** 2
        elif number == 2:
            inside &= np.abs(xs - (left + right) / 2) <= (ys - top) / 2
        ground[inside] = _COLORS[number] + rng.normal(0, 8, (int(inside.sum()), 3)) + rng.normal(0, 10, 3)
        mask[inside] = number + 1
        boxes.append((left, top, right, bottom))
        classes.append(number)
    return Scene(np.clip(np.rint(ground), 0, 255).astype(np.uint8), np.array(boxes), np.array(classes), mask)
