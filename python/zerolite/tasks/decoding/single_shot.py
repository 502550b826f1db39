"""Detectors that tell, for each of many anchors, how far a box is from it, and a score for each class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.tasks.decoding.anchors import decode_boxes, efficientdet_anchors, ssd_anchors
from zerolite.tasks.decoding.boxes import Candidates
from zerolite.tasks.image_input import Framing

if TYPE_CHECKING:
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["SingleShotHead"]

_COORDINATES = 4
_BOX_AXES, _LEVEL_AXES = 3, 4
_LEVELS = 5
_ANCHORS_PER_CELL = 9
_SSD_SCALES, _EFFICIENTDET_SCALES = (10.0, 5.0), (1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class SingleShotHead:
    """Raw boxes of SSD, in two outputs, or of EfficientDet, in two outputs or in ten: two for each level.

    Attributes:
        boxes: the outputs with distances, for all levels or for each from the finest on.
        scores: the outputs with scores.
        anchors: the middle's y and x, height and width, shape (anchors, 4).
        scales: what distances of middles and of sizes are multiplied with.
        class_count: how many classes there are, without the background.
        background: whether the first score of an anchor is that of the background.
        logits: whether scores are logits; None where that is not known, and scores outside of 0 to 1 tell it.
    """

    boxes: tuple[TaskTensor, ...]
    scores: tuple[TaskTensor, ...]
    anchors: NDArray[np.float32]
    scales: tuple[float, float]
    class_count: int
    background: bool
    logits: bool | None

    framing = Framing("stretch", preprocessing="tf")
    iou = 0.6

    @property
    def classes_output(self) -> TaskTensor:
        """The first output with scores."""
        return self.scores[0]

    @classmethod
    def recognize(cls, model: TaskModel, *, anchors: NDArray[Any] | None, labels: int | None) -> SingleShotHead | None:
        """The head of a model; None where it has another one.

        Args:
            model: the model.
            anchors: those that the caller knows; None for those of SSD with MobileNet or of EfficientDet.
            labels: how many names of classes there are, which tells whether there is a background; None for no names.

        Raises:
            ValueError: the outputs are of this kind, and the anchors do not fit or are not known.
        """
        found = _pair(model.outputs) or _levels(model.outputs)
        if found is None:
            return None
        boxes, scores = found
        rows = sum(math.prod(one.spec.shape) for one in boxes) // _COORDINATES
        columns = sum(math.prod(one.spec.shape) for one in scores) // rows
        known, scales, is_ssd = _anchors(model.name, rows, model.picture_size, anchors)
        # Without names: SSD of the Object Detection API counts the background, EfficientDet does not.
        background = is_ssd if labels is None else labels == columns - 1
        kinds = {model.score_kind(one.spec.name) for one in scores}
        logits = None if len(kinds) != 1 or kinds == {"unknown"} else kinds == {"logit"}
        return cls(boxes, scores, known, scales, columns - background, background, logits)

    def candidates(self, outputs: Outputs, *, min_score: float, input_size: tuple[int, int]) -> Candidates:  # noqa: ARG002 - anchors are parts of it
        """Each class of each anchor, by its score, as the operator's regular suppression counts them."""
        rows = len(self.anchors)
        encoded = np.concatenate([outputs[one.spec.name].reshape(-1, _COORDINATES) for one in self.boxes])
        scores = np.concatenate(
            [outputs[one.spec.name].reshape(-1, self.class_count + self.background) for one in self.scores]
        ).astype(np.float64)[:rows, int(self.background) :]
        finite = scores[np.isfinite(scores)]
        logits = self.logits
        if logits is None:
            logits = bool(finite.size) and (finite.min() < 0 or finite.max() > 1)
        if logits:
            scores = 0.5 + 0.5 * np.tanh(scores / 2)  # unlike exp, it does not overflow
        anchors, classes = np.nonzero(scores >= min_score)
        boxes = decode_boxes(encoded[anchors], self.anchors[anchors], scales=self.scales)
        return Candidates(boxes, scores[anchors, classes], classes.astype(np.int64))


_Tensors = tuple["TaskTensor", ...]


def _pair(outputs: Sequence[TaskTensor]) -> tuple[_Tensors, _Tensors] | None:
    """Boxes and scores of all anchors, in an output each."""
    shapes = [one.spec.shape for one in outputs]
    if len(shapes) != 2 or any(len(shape) != _BOX_AXES for shape in shapes) or shapes[0][1] != shapes[1][1]:  # noqa: PLR2004
        return None
    boxes = [one for one in outputs if one.spec.shape[-1] == _COORDINATES]
    if len(boxes) > 1:
        boxes = [one for one in boxes if "box" in one.words or "loc" in one.words]
    if len(boxes) != 1:
        return None
    return (boxes[0],), tuple(one for one in outputs if one is not boxes[0])


def _levels(outputs: Sequence[TaskTensor]) -> tuple[_Tensors, _Tensors] | None:
    """Boxes and scores of five levels, the finest first."""
    if len(outputs) != 2 * _LEVELS or any(len(one.spec.shape) != _LEVEL_AXES for one in outputs):
        return None
    boxes = [one for one in outputs if one.spec.shape[-1] == _COORDINATES * _ANCHORS_PER_CELL]
    if len(boxes) != _LEVELS:  # with four classes, the shapes are alike
        boxes = [one for one in boxes if "box" in one.words]
    scores = [one for one in outputs if one not in boxes]
    boxes, scores = (sorted(side, key=lambda one: -one.spec.shape[1]) for side in (boxes, scores))
    fits = len(boxes) == _LEVELS and all(
        box.spec.shape[:3] == score.spec.shape[:3] for box, score in zip(boxes, scores, strict=True)
    )
    return (tuple(boxes), tuple(scores)) if fits else None


def _anchors(
    name: str, rows: int, input_size: tuple[int, int], given: NDArray[Any] | None
) -> tuple[NDArray[np.float32], tuple[float, float], bool]:
    """The anchors, what distances are multiplied with, and whether they are SSD's."""
    usual = efficientdet_anchors(input_size)
    is_ssd = rows != len(usual)
    scales = _SSD_SCALES if is_ssd else _EFFICIENTDET_SCALES
    if given is not None:
        anchors = np.asarray(given, np.float32)
        if anchors.shape != (rows, _COORDINATES) or not np.isfinite(anchors).all():
            raise ValueError(
                f"{name} has {rows} anchors, and anchors= is an array of shape ({rows}, 4) with finite numbers: y and "
                f"x of the middle, height and width, as parts of the input; came shape {anchors.shape}"
            )
        return anchors, scales, is_ssd
    if is_ssd:
        usual = ssd_anchors(input_size)
    if len(usual) != rows:
        raise ValueError(
            f"{name} tells boxes by their distance from {rows} anchors, and these are neither the {len(usual)} of SSD "
            "with MobileNet nor those of EfficientDet; give them with anchors=, as an array of shape (anchors, 4): y "
            "and x of the middle, height and width, as parts of the input"
        )
    return usual, scales, is_ssd
