"""Detectors whose file ends in the operator TFLite_Detection_PostProcess, or in four outputs like its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zerolite.metadata import BoundingBoxProperties
from zerolite.tasks.decoding.boxes import Candidates, corners_of_kind
from zerolite.tasks.image_input import Framing

if TYPE_CHECKING:
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["PostProcessedHead"]

_OPERATOR = "TFLite_Detection_PostProcess"
_OUTPUTS = 4
_BOX_AXES, _COORDINATES = 3, 4
# What is beyond these, or NaN, is no number of a class.
_NUMBERS_OF_CLASSES = 1 << 31
_SCORE_WORDS = ("score", "confidence", "probabilit")
_CLASS_WORDS = ("class", "categor", "label")


@dataclass(frozen=True, slots=True)
class PostProcessedHead:
    """Boxes, classes, scores and how many of them count, each from an output of its own.

    SSD and EfficientDet-Lite come so. The network was fed with -1 to 1 unless the metadata says otherwise, as the
    Object Detection API feeds SSD with MobileNet.

    Attributes:
        boxes: the output with boxes, shape (1, boxes, 4).
        classes_output: the output with the numbers of classes, shape (1, boxes).
        scores: the output with scores, shape (1, boxes).
        count: the output that tells how many boxes there are, shape (1,).
        properties: how the boxes are stored; None for the operator's own way.
    """

    boxes: TaskTensor
    classes_output: TaskTensor
    scores: TaskTensor
    count: TaskTensor
    properties: BoundingBoxProperties | None = None

    framing = Framing("stretch", preprocessing="tf")
    iou = None
    class_count = None

    @classmethod
    def recognize(cls, model: TaskModel) -> PostProcessedHead | None:
        """The head of a model; None where it has another one."""
        if len(model.outputs) != _OUTPUTS:
            return None
        for operator in model.operators:
            if operator.custom and operator.name == _OPERATOR and len(operator.outputs) == _OUTPUTS:
                by_number = {one.number: one for one in model.outputs}
                if by_number.keys() >= set(operator.outputs):
                    boxes, classes, scores, count = (by_number[number] for number in operator.outputs)
                    return cls(boxes, classes, scores, count)
        return cls._by_shape(model.outputs)

    @classmethod
    def _by_shape(cls, outputs: Sequence[TaskTensor]) -> PostProcessedHead | None:
        boxes = [one for one in outputs if len(one.spec.shape) == _BOX_AXES and one.spec.shape[-1] == _COORDINATES]
        if len(boxes) != 1:
            return None
        rows = boxes[0].spec.shape[:2]
        counts = [one for one in outputs if len(one.spec.shape) <= 1]
        others = [one for one in outputs if one.spec.shape == rows]
        if len(counts) != 1 or len(others) != 2:  # noqa: PLR2004 - classes and scores
            return None
        # By their names; by the operator's order where these tell nothing.
        are_scores = [any(word in one.words for word in _SCORE_WORDS) for one in others]
        are_classes = [any(word in one.words for word in _CLASS_WORDS) for one in others]
        first_is_score = (are_scores[0] and not are_scores[1]) or (are_classes[1] and not are_classes[0])
        scores, classes = others if first_is_score else reversed(others)
        content = boxes[0].metadata.content
        properties = content.properties if content is not None else None
        known = properties if isinstance(properties, BoundingBoxProperties) and properties.kind != "unknown" else None
        return cls(boxes[0], classes, scores, counts[0], known)

    def candidates(self, outputs: Outputs, *, min_score: float, input_size: tuple[int, int]) -> Candidates:
        """The boxes that the model tells; a count or a class that is no number is none."""
        boxes = outputs[self.boxes.spec.name].reshape(-1, _COORDINATES)
        scores = np.asarray(outputs[self.scores.spec.name], np.float64).reshape(-1)
        classes = np.asarray(outputs[self.classes_output.spec.name], np.float64).reshape(-1)
        count = float(np.asarray(outputs[self.count.spec.name]).reshape(-1)[0])
        rows = min(len(boxes), len(scores), len(classes), int(count) if np.isfinite(count) else len(boxes))
        known = (scores[:rows] >= min_score) & (classes[:rows] >= 0) & (classes[:rows] < _NUMBERS_OF_CLASSES)
        return Candidates(
            corners_of_kind(boxes[:rows][known], self.properties, input_size),
            scores[:rows][known],
            np.rint(classes[:rows][known]).astype(np.int64),
        )
