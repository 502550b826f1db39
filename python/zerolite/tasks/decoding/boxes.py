"""Boxes: their forms, how much they overlap, and which of many on one object stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.metadata import BoundingBoxProperties

__all__ = ["Box", "Candidates", "corners_of_centers", "corners_of_kind", "suppress"]

_COORDINATES = 4


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a picture, in the picture's own pixels; the left upper corner of the picture is at 0, 0.

    Attributes:
        left: x of the left side.
        top: y of the upper side.
        right: x of the right side.
        bottom: y of the lower side.
    """

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    def iou(self, other: Box) -> float:
        """The area that two boxes share, as a part of the area that they cover together: 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(0.0, width) * max(0.0, height)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 0.0

    def to_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return {"left": self.left, "top": self.top, "right": self.right, "bottom": self.bottom}


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be objects, in any order.

    Attributes:
        boxes: left, top, right, bottom as parts of the input's width and height, shape (candidates, 4).
        scores: shape (candidates,).
        classes: the numbers of the classes, int64 of shape (candidates,).
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]

    def chosen(self, which: NDArray[Any]) -> Candidates:
        """Some of them, by a mask or by their places."""
        return Candidates(self.boxes[which], self.scores[which], self.classes[which])

    def sound(self, min_score: float) -> Candidates:
        """Those with a score of at least `min_score` and a box of finite numbers; NaN is neither."""
        return self.chosen((self.scores >= min_score) & np.isfinite(self.boxes).all(axis=1))


def corners_of_centers(boxes: NDArray[Any]) -> NDArray[np.float64]:
    """Left, top, right, bottom of middles and sizes: x, y, width, height, shape (..., 4)."""
    values = np.asarray(boxes, np.float64)
    half = values[..., 2:] / 2
    return np.concatenate((values[..., :2] - half, values[..., :2] + half), axis=-1)


def corners_of_kind(
    boxes: NDArray[Any], properties: BoundingBoxProperties | None, input_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Left, top, right, bottom as parts of the input, of boxes as metadata describes them.

    Args:
        boxes: shape (count, 4).
        properties: what the metadata says; None is TensorFlow Lite's own order: top, left, bottom, right, as parts.
        input_size: width and height of the input, for boxes in pixels.
    """
    values = np.asarray(boxes, np.float64)
    if properties is None:
        return values[:, [1, 0, 3, 2]]
    if sorted(properties.index) == list(range(_COORDINATES)):
        values = values[:, list(properties.index)]
    if properties.kind == "center":
        values = corners_of_centers(values)
    elif properties.kind == "upper_left":
        values = np.concatenate((values[:, :2], values[:, :2] + values[:, 2:]), axis=1)
    if properties.coordinates == "pixel":
        values = values / (*input_size, *input_size)
    return values


def suppress(candidates: Candidates, *, iou: float, most: int) -> Candidates:
    """Of boxes of one class that overlap by more than `iou`, only the one with the best score: greedily, best first.

    On a tie the first candidate is better. Boxes of different classes do not touch one another.

    Args:
        candidates: with finite numbers.
        iou: from 0 to 1, the intersection over the union above which a box is left out.
        most: how many boxes at most.

    Returns:
        The boxes that stay, best first.
    """
    order = np.argsort(-candidates.scores, kind="stable")
    ranked = candidates.chosen(order)
    areas = (ranked.boxes[:, 2:] - ranked.boxes[:, :2]).clip(0).prod(axis=1)
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for place in range(len(order)):
        if not alive[place]:
            continue
        kept.append(place)
        if len(kept) == most:
            break
        rest = place + 1 + np.flatnonzero(alive[place + 1 :] & (ranked.classes[place + 1 :] == ranked.classes[place]))
        least = np.maximum(ranked.boxes[place, :2], ranked.boxes[rest, :2])
        greatest = np.minimum(ranked.boxes[place, 2:], ranked.boxes[rest, 2:])
        shared = (greatest - least).clip(0).prod(axis=1)
        union = areas[place] + areas[rest] - shared
        alive[rest[shared > iou * union]] = False
    return ranked.chosen(np.array(kept, np.int64))
