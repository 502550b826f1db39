"""Landmarks of one person, hand or face, in the form in which MediaPipe's networks tell them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zerolite._runners.score_kind import two_class_scores
from zerolite.tasks.decoding.pose_head import People, Skeleton
from zerolite.tasks.image_input import Framing

if TYPE_CHECKING:
    from zerolite._runners.score_kind import ScoreKind
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["LandmarkHead"]

_SIDED = ("eye inner", "eye", "eye outer")
_LIMBS = ("shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle", "heel", "foot index")
# BlazePose's landmarks, as MediaPipe numbers them, and the lines between them.
_BODY = Skeleton(
    (
        "nose",
        *(f"{side} {part}" for side in ("left", "right") for part in _SIDED),
        *("left ear", "right ear", "mouth left", "mouth right"),
        *(f"{side} {part}" for part in _LIMBS for side in ("left", "right")),
    ),
    (
        *((0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10), (11, 12)),
        *((11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (17, 19)),
        *((12, 14), (14, 16), (16, 18), (16, 20), (16, 22), (18, 20)),
        *((11, 23), (12, 24), (23, 24), (23, 25), (24, 26), (25, 27), (26, 28)),
        *((27, 29), (28, 30), (29, 31), (30, 32), (27, 31), (28, 32)),
    ),
)
_FINGERS = ("index", "middle", "ring", "pinky")
_HAND = Skeleton(
    (
        "wrist",
        *(f"thumb {part}" for part in ("cmc", "mcp", "ip", "tip")),
        *(f"{finger} {part}" for finger in _FINGERS for part in ("mcp", "pip", "dip", "tip")),
    ),
    (
        *((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 9), (9, 13), (13, 17), (0, 17)),
        *((first + step, first + step + 1) for first in (5, 9, 13, 17) for step in range(3)),
    ),
)
# By how many numbers an output has: how many landmarks, with how many numbers each, and what they are called. After the
# 33 of a body six more follow, for cutting out the person in the next frame of a film.
_LAYOUTS: dict[int, tuple[int, int, Skeleton | None]] = {
    39 * 5: (39, 5, _BODY),
    33 * 5: (33, 5, _BODY),
    21 * 3: (21, 3, _HAND),
    468 * 3: (468, 3, None),
    478 * 3: (478, 3, None),
}
_VISIBILITY, _PRESENCE = 3, 4


@dataclass(frozen=True, slots=True)
class LandmarkHead:
    """A flat row of landmarks: x, y and z in pixels of the input, and possibly logits of visibility and presence.

    Known are BlazePose, (1, 195), and MediaPipe's networks for hands, (1, 63), and faces, (1, 1, 1, 1404 or 1434).
    Another output says how sure the network is that there is one at all. Layouts, names and activations are those of
    MediaPipe's graphs (`mediapipe/modules/*_landmark`).

    Attributes:
        output: the output with the landmarks.
        flag: the output that says whether there is somebody; None without.
        flag_kind: whether that is a probability already.
        count: how many landmarks there are.
        numbers: how many numbers each has.
        skeleton: what they are called.
    """

    output: TaskTensor
    flag: TaskTensor | None
    flag_kind: ScoreKind
    count: int
    numbers: int
    skeleton: Skeleton

    framing = Framing("letterbox", bars=0, preprocessing="unit")

    @classmethod
    def recognize(cls, model: TaskModel) -> LandmarkHead | None:
        """The head of a model; None where it has another one."""
        rows = [one for one in model.outputs if _size(one) in _LAYOUTS and "world" not in one.words]
        if not rows:
            return None
        output = rows[0]
        count, numbers, skeleton = _LAYOUTS[_size(output)]
        flag = _flag_of(model.outputs)
        return cls(
            output,
            flag,
            "unknown" if flag is None else model.score_kind(flag.spec.name),
            count,
            numbers,
            skeleton or Skeleton(tuple(f"point {number}" for number in range(count)), ()),
        )

    @property
    def is_sure(self) -> bool:
        """Whether the outputs are surely those of such a network: a row alone may be anything."""
        return self.flag is not None

    def people(self, outputs: Outputs, *, most: int, input_size: tuple[int, int]) -> People:  # noqa: ARG002 - there is one
        """The only person, hand or face."""
        values = np.asarray(outputs[self.output.spec.name], np.float64).reshape(1, self.count, self.numbers)
        values = values[:, : len(self.skeleton.names)]
        score = 1.0
        if self.flag is not None:
            told = np.asarray(outputs[self.flag.spec.name], np.float64).reshape(1)
            score = float(two_class_scores(told, self.flag_kind)[0, 1])
        point_scores = np.full(values.shape[:2], score)
        if self.numbers > _PRESENCE:
            # A point counts as much as it is surely in the picture and surely not hidden.
            logits = values[..., [_VISIBILITY, _PRESENCE]].min(axis=2)
            point_scores = 0.5 + 0.5 * np.tanh(logits / 2)
        return People(
            values[..., :2] / input_size, point_scores, np.array([score]), depths=values[..., 2] / input_size[0]
        )


def _size(tensor: TaskTensor) -> int:
    """How many numbers a tensor has, where all axes but the last are 1; 0 for another one."""
    shape = tensor.spec.shape
    return shape[-1] if len(shape) > 1 and math.prod(shape) == shape[-1] and tensor.spec.dtype.kind != "O" else 0


def _flag_of(outputs: Sequence[TaskTensor]) -> TaskTensor | None:
    """The output that says whether there is somebody: the first single number that is not called otherwise."""
    flags = [one for one in outputs if _size(one) == 1 and "handed" not in one.words]
    return flags[0] if flags else None
