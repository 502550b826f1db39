"""YOLO v5, v8 and 11, as Ultralytics exports them to TensorFlow Lite."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.tasks.decoding.boxes import Candidates, corners_of_centers
from zerolite.tasks.image_input import Framing

if TYPE_CHECKING:
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["YoloHead"]

_AXES = 3
_COORDINATES = 4
_STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
_ANCHORS_PER_CELL = 3  # of v5
# Middles of boxes as parts of the picture lie in it or close to it; in pixels they are spread over hundreds.
_FAR = 2.0


@dataclass(frozen=True, slots=True)
class YoloHead:
    """One output with x, y, width and height of each box, and a score for each class.

    v8 and 11 give (1, 4 + classes, cells), v5 gives (1, 3 x cells, 5 + classes), where the fifth number is the score of
    there being an object at all. Both count boxes as parts of the input; a model whose middles go beyond twice the
    input counts in pixels. Pictures are letterboxed with grey 114, from 0 to 1, and each box has its best class alone.

    Attributes:
        classes_output: the output.
        class_count: how many classes there are.
        has_objectness: whether there is a score of there being an object.
        by_row: whether each row of the output is a box; else each column.
    """

    classes_output: TaskTensor
    class_count: int
    has_objectness: bool
    by_row: bool

    framing = Framing("letterbox", bars=114, preprocessing="unit")

    @property
    def iou(self) -> float:
        """What Ultralytics' programs of the time use."""
        return 0.45 if self.has_objectness else 0.7

    @classmethod
    def recognize(cls, model: TaskModel) -> YoloHead | None:
        """The head of a model; None where it has another one."""
        if len(model.outputs) != 1 or len(model.outputs[0].spec.shape) != _AXES:
            return None
        (output,) = model.outputs
        _, rows, columns = output.spec.shape
        input_size = model.picture_size
        for strides in _STRIDES:
            cells = sum(math.ceil(input_size[0] / one) * math.ceil(input_size[1] / one) for one in strides)
            if columns == cells and rows > _COORDINATES:
                return cls(output, rows - _COORDINATES, has_objectness=False, by_row=False)
            if rows == cells and columns > _COORDINATES:
                return cls(output, columns - _COORDINATES, has_objectness=False, by_row=True)
            if rows == _ANCHORS_PER_CELL * cells and columns > _COORDINATES + 1:
                return cls(output, columns - _COORDINATES - 1, has_objectness=True, by_row=True)
        return None

    def candidates(self, outputs: Outputs, *, min_score: float, input_size: tuple[int, int]) -> Candidates:
        """Each box with its best class."""
        values: NDArray[Any] = np.asarray(outputs[self.classes_output.spec.name], np.float64)[0]
        rows = values if self.by_row else values.T
        boxes = rows[:, :_COORDINATES]
        scores = rows[:, _COORDINATES + self.has_objectness :]
        # NaN is no best class, and never large enough.
        scores = np.where(np.isnan(scores), -np.inf, scores)
        classes = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), classes]
        if self.has_objectness:
            best = best * rows[:, _COORDINATES]
        middles = boxes[:, :2][np.isfinite(boxes).all(axis=1)]
        if middles.size and np.abs(middles).max() > _FAR:
            boxes = boxes / (*input_size, *input_size)
        chosen = best >= min_score
        return Candidates(corners_of_centers(boxes[chosen]), best[chosen], classes[chosen].astype(np.int64))
