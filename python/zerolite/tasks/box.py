"""A box in a picture, as results have it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box"]


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
