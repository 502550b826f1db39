"""One image and what a model takes it for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zerolite.vision.prediction import Prediction

__all__ = ["Classification"]


@dataclass(frozen=True, slots=True)
class Classification:
    """The most likely classes of one image.

    Attributes:
        path: the image file.
        predictions: the classes, the most likely first.
    """

    path: Path
    predictions: tuple[Prediction, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": str(self.path),
            "predictions": [
                {"class_number": one.class_number, "label": one.label, "score": one.score} for one in self.predictions
            ],
        }
