"""Key points of people, in the forms in which MoveNet and PoseNet tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zerolite.tasks.decoding.landmarks import LandmarkHead
from zerolite.tasks.decoding.people import POINTS, Offsets, one_person, several_people
from zerolite.tasks.decoding.pose_head import COCO, People
from zerolite.tasks.image_input import Framing

if TYPE_CHECKING:
    from zerolite.tasks.decoding.pose_head import PoseHead
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["MoveNetHead", "PoseNetHead", "pose_head"]

_COORDINATES = 2
_POINT_NUMBERS, _BOX_NUMBERS = 3, 5
_AXES = 4
_EDGES = POINTS - 1


def pose_head(model: TaskModel) -> PoseHead | None:
    """The kind of pose network that a model is; None for none that is known."""
    return MoveNetHead.recognize(model) or PoseNetHead.recognize(model) or LandmarkHead.recognize(model)


@dataclass(frozen=True, slots=True)
class MoveNetHead:
    """MoveNet, for one person, (1, 1, 17, 3), or for several, (1, people, 56).

    A key point is y, x and its score. With several people a person's box and score follow: top, left, bottom, right.
    Pictures are letterboxed with black, and counts go in as they are.

    Attributes:
        output: the output.
    """

    output: TaskTensor

    framing = Framing("letterbox", bars=0, preprocessing="none")
    skeleton = COCO
    is_sure = True

    @classmethod
    def recognize(cls, model: TaskModel) -> MoveNetHead | None:
        """The head of a model; None where it has another one."""
        if len(model.outputs) != 1:
            return None
        shape = model.outputs[0].spec.shape
        is_one = shape == (1, 1, POINTS, _POINT_NUMBERS)
        are_several = len(shape) == _POINT_NUMBERS and shape[2] == POINTS * _POINT_NUMBERS + _BOX_NUMBERS
        return cls(model.outputs[0]) if is_one or are_several else None

    def people(self, outputs: Outputs, *, most: int, input_size: tuple[int, int]) -> People:  # noqa: ARG002 - in parts
        """The people, the surest first; the score of one alone is the mean of those of the points."""
        values = np.asarray(outputs[self.output.spec.name], np.float64)
        numbers = POINTS * _POINT_NUMBERS
        rows = values.reshape(-1, numbers + _BOX_NUMBERS if values.shape[-1] > _POINT_NUMBERS else numbers)
        points = rows[:, :numbers].reshape(-1, POINTS, _POINT_NUMBERS)
        alone = rows.shape[1] == numbers
        scores = points[..., 2].mean(axis=1) if alone else rows[:, -1]
        best = np.argsort(-np.where(np.isnan(scores), -np.inf, scores), kind="stable")[:most]
        boxes = None if alone else rows[best, numbers : numbers + 4][:, [1, 0, 3, 2]]
        return People(points[best][..., [1, 0]], points[best][..., 2], scores[best], boxes)


@dataclass(frozen=True, slots=True)
class PoseNetHead:
    """PoseNet: heat maps of the points, offsets to their places and, for several people, ways from point to point.

    Pictures are stretched, from -1 to 1.

    Attributes:
        heat: the output with heat maps, logits of shape (1, rows, columns, 17).
        offsets: the output with offsets in pixels, (1, rows, columns, 34): y of all points and then x.
        forward: the output with the ways from each point to the next, (1, rows, columns, 32); None without.
        backward: the output with the ways back; None without.
    """

    heat: TaskTensor
    offsets: TaskTensor
    forward: TaskTensor | None
    backward: TaskTensor | None

    framing = Framing("stretch", preprocessing="tf")
    skeleton = COCO
    is_sure = True

    @classmethod
    def recognize(cls, model: TaskModel) -> PoseNetHead | None:
        """The head of a model; None where it has another one."""
        heat, offsets, ways = (
            [one for one in model.outputs if len(one.spec.shape) == _AXES and one.spec.shape[3] == channels]
            for channels in (POINTS, POINTS * _COORDINATES, _EDGES * _COORDINATES)
        )
        if len(heat) != 1 or len(offsets) != 1 or heat[0].spec.shape[:3] != offsets[0].spec.shape[:3]:
            return None
        forward, backward = _directions(ways)
        return cls(heat[0], offsets[0], forward, backward)

    def people(self, outputs: Outputs, *, most: int, input_size: tuple[int, int]) -> People:
        """The people, the surest first; one alone where the model does not tell ways from point to point."""
        heat = np.asarray(outputs[self.heat.spec.name], np.float64)[0]
        heat = np.where(np.isnan(heat), 0.0, 0.5 + 0.5 * np.tanh(heat / 2))
        offsets = np.asarray(outputs[self.offsets.spec.name], np.float64)[0]
        # Of an input of 257 pixels, the 9 cells of a heat map are 32 pixels apart.
        strides = tuple(
            (side - 1) / max(1, cells - 1) for side, cells in zip(input_size[::-1], heat.shape[:2], strict=True)
        )
        if most == 1 or self.forward is None or self.backward is None:
            points, scores = one_person(heat, Offsets(offsets, strides))
            found = [(points, scores, float(scores.mean()))]
        else:
            ways = [np.asarray(outputs[one.spec.name], np.float64)[0] for one in (self.forward, self.backward)]
            found = several_people(heat, Offsets(offsets, strides), ways[0], ways[1], most=most)
        found.sort(key=lambda person: -person[2])
        places = np.array([person[0] for person in found]).reshape(-1, POINTS, _COORDINATES)
        return People(
            places[..., ::-1] / input_size,
            np.array([person[1] for person in found]).reshape(-1, POINTS),
            np.array([person[2] for person in found]),
        )


def _directions(ways: Sequence[TaskTensor]) -> tuple[TaskTensor | None, TaskTensor | None]:
    """The outputs with the ways forward and backward: by their names, else in this order, as PoseNet has them."""
    if len(ways) != _COORDINATES:
        return None, None
    first_is_backward = "bwd" in ways[0].words or "backward" in ways[0].words
    return (ways[1], ways[0]) if first_is_backward else (ways[0], ways[1])
