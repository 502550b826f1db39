"""Poses: where people's joints are in a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zerolite._runtime.validation import positive_int
from zerolite.tasks.decoding.boxes import Box
from zerolite.tasks.decoding.key_points import pose_head
from zerolite.tasks.drawing import color_of, line_width
from zerolite.tasks.image_input import Placement
from zerolite.tasks.image_task import DrawnTask
from zerolite.tasks.picture import PictureSource
from zerolite.vision import OnCorrupt

if TYPE_CHECKING:
    from PIL.Image import Image

    from zerolite.tasks.decoding.pose_head import People
    from zerolite.tasks.task_model import Outputs, TaskModel

__all__ = ["KeyPoint", "Pose", "PoseEstimator", "Poses"]

# Points that are less sure are not drawn.
_DRAWN_SCORE = 0.2


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """A joint, or another point of a body.

    Attributes:
        name: such as "left knee"; left is the person's own.
        x: in pixels of the picture; possibly outside of it.
        y: in pixels of the picture; possibly outside of it.
        score: how sure the model is, from 0 to 1.
        z: the depth in pixels of the picture, smaller nearer to the camera, where the model tells it; else None.
    """

    name: str
    x: float
    y: float
    score: float
    z: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "x": self.x, "y": self.y, "z": self.z, "score": self.score}


@dataclass(frozen=True, slots=True)
class Pose:
    """One person, or one hand or face.

    Attributes:
        key_points: the 17 key points of COCO, in its order; of networks for landmarks those of MediaPipe: 33 of a body,
            21 of a hand, 468 or 478 of a face.
        score: how sure the model is of the person.
        box: around the person, where the model tells it; else None.
    """

    key_points: tuple[KeyPoint, ...]
    score: float
    box: Box | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "score": self.score,
            "box": None if self.box is None else self.box.to_dict(),
            "key_points": [one.to_dict() for one in self.key_points],
        }


@dataclass(frozen=True, slots=True)
class Poses:
    """The people in one picture.

    Attributes:
        poses: the people, the surest first.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        path: the picture's file; None where it came from memory.
    """

    poses: tuple[Pose, ...]
    width: int
    height: int
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": None if self.path is None else str(self.path),
            "width": self.width,
            "height": self.height,
            "poses": [one.to_dict() for one in self.poses],
        }


class _Choice(NamedTuple):
    min_score: float
    max_results: int


class PoseEstimator(DrawnTask[Poses, _Choice]):
    """A network for poses: MoveNet for one person or for several, PoseNet, or landmarks of a body, a hand or a face."""

    name = "pose"

    def __init__(self, model: TaskModel, *, class_names: Sequence[str] | None, preprocessing: str | None) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model is no network for poses that is known, or there are `class_names`.
        """
        head = pose_head(model)
        if head is None:
            raise ValueError(
                f"{model.name} is no network for poses that zerolite knows: its outputs are "
                f"{model.described_outputs()}; known are MoveNet's (1, 1, 17, 3) and (1, people, 56), PoseNet's "
                "heat maps (1, rows, columns, 17) with offsets (1, rows, columns, 34), and MediaPipe's landmarks "
                "(1, 195), (1, 63), (1, 1404) and (1, 1434)"
            )
        if class_names is not None:
            raise ValueError("class_names= is for classes, and key points have their names; leave it out")
        self._head = head
        super().__init__(model, head.framing, preprocessing=preprocessing)

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model's outputs are surely those of a network for poses."""
        head = pose_head(model) if model.takes_a_picture else None
        return head is not None and head.is_sure

    def __call__(self, picture: PictureSource, *, min_score: float = 0.25, max_results: int = 10) -> Poses:
        """Find the people in a picture, and their joints.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).
            min_score: people with lower scores are left out; NaN is one of them.
            max_results: how many people at most, the surest. With 1, PoseNet takes each point where it is the surest.

        Returns:
            The people. A key point of which a number is NaN has the score 0.

        Raises:
            ImageError: it is no sound image.
            OSError: the file can't be read.
            TypeError, ValueError: the picture is none of these, or an option is none of those above.
            Error: the model fails or is closed.
        """
        return self._answer(picture, _checked(min_score, max_results))

    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        *,
        min_score: float = 0.25,
        max_results: int = 10,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Poses]:
        """Find the people in many pictures.

        Args:
            pictures: as for `ImageTask.map`.
            min_score: as for a call.
            max_results: as for a call.
            on_corrupt: as for `ImageTask.map`.
            progress: as for `ImageTask.map`.

        Returns:
            An iterator in the order of the pictures.
        """
        return self._answers(pictures, _checked(min_score, max_results), on_corrupt, progress)

    def _decode(self, outputs: Outputs, placement: Placement, path: Path | None, options: _Choice) -> Poses:
        found = self._head.people(outputs, most=options.max_results, input_size=placement.input)
        points = placement.to_picture(found.points)
        scores = np.where(np.isfinite(points).all(axis=2), np.nan_to_num(found.point_scores), 0.0)
        places = np.where((scores > 0)[..., np.newaxis], points, np.nan_to_num(points, posinf=0.0, neginf=0.0))
        boxes = None if found.boxes is None else placement.to_picture(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        depths = self._depths(found, placement)
        names = self._head.skeleton.names
        poses = tuple(
            Pose(
                tuple(
                    KeyPoint(name, float(x), float(y), float(score), z)
                    for name, (x, y), score, z in zip(
                        names, places[number], scores[number], depths[number], strict=True
                    )
                ),
                float(found.scores[number]),
                None if boxes is None or not np.isfinite(boxes[number]).all() else Box(*map(float, boxes[number])),
            )
            for number in range(len(points))
            if found.scores[number] >= options.min_score
        )
        return Poses(poses, *placement.picture, path)

    @staticmethod
    def _depths(found: People, placement: Placement) -> list[list[float | None]]:
        """In pixels of the picture; None for unknown ones."""
        if found.depths is None:
            return [[None] * len(points) for points in found.points]
        scale = placement.input[0] * placement.picture[0] / placement.shown[0]
        return [[z if math.isfinite(z) else None for z in row] for row in (found.depths * scale).tolist()]

    def _draw(self, image: Image, result: Poses) -> Image:
        from PIL import ImageDraw

        draw = ImageDraw.Draw(image)
        width = line_width(*image.size) + 1
        for number, pose in enumerate(result.poses):
            color = color_of(number)
            points = pose.key_points
            for one, other in self._head.skeleton.bones:
                if min(points[one].score, points[other].score) >= _DRAWN_SCORE:
                    ends = (points[one].x, points[one].y, points[other].x, points[other].y)
                    draw.line(ends, fill=color, width=width)
            for point in points:
                if point.score >= _DRAWN_SCORE:
                    around = (point.x - width, point.y - width, point.x + width, point.y + width)
                    draw.ellipse(around, fill=(255, 255, 255), outline=color, width=max(1, width // 2))
        return image


def _checked(min_score: float, max_results: int) -> _Choice:
    if math.isnan(min_score):
        raise ValueError("min_score is NaN, and must be a number")
    return _Choice(min_score, positive_int("max_results", max_results))
