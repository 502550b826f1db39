"""Detection: where things are in a picture, and what they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from zerolite.tasks.decoding.boxes import Box, Candidates, suppress
from zerolite.tasks.decoding.postprocessed import PostProcessedHead
from zerolite.tasks.decoding.single_shot import SingleShotHead
from zerolite.tasks.decoding.yolo import YoloHead
from zerolite.tasks.drawing import color_of, draw_tag, line_width
from zerolite.tasks.image_input import Placement
from zerolite.tasks.image_task import DrawnTask
from zerolite.tasks.picture import PictureSource
from zerolite.vision import OnCorrupt, check_labels

if TYPE_CHECKING:
    from PIL.Image import Image

    from zerolite.tasks.decoding.detector_head import DetectorHead
    from zerolite.tasks.task_model import Outputs, TaskModel

__all__ = ["Detection", "Detections", "Detector"]

# How label maps call the number of the background, which detectors do not count.
_NO_OBJECT = "???"


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing in a picture.

    Attributes:
        box: where it is.
        class_number: the number of its class.
        label: the name of its class; the number as text where there is no name.
        score: how sure the model is, usually from 0 to 1.
    """

    box: Box
    class_number: int
    label: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "box": self.box.to_dict(),
            "class_number": self.class_number,
            "label": self.label,
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one picture.

    Attributes:
        detections: the things, the surest first.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        path: the picture's file; None where it came from memory.
    """

    detections: tuple[Detection, ...]
    width: int
    height: int
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": None if self.path is None else str(self.path),
            "width": self.width,
            "height": self.height,
            "detections": [one.to_dict() for one in self.detections],
        }


class _Choice(NamedTuple):
    min_score: float
    max_results: int
    iou: float | None


class Detector(DrawnTask[Detections, _Choice]):
    """A detector of things: SSD, EfficientDet, or YOLO v5, v8 or 11.

    Attributes:
        class_names: the names of the classes, by their numbers; empty where nobody told them.
    """

    name = "detect"

    def __init__(
        self,
        model: TaskModel,
        *,
        class_names: Sequence[str] | None,
        preprocessing: str | None,
        anchors: NDArray[Any] | None,
    ) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model is no detector of a kind that is known, or an option does not fit it.
        """
        labels = None if class_names is None else len(class_names)
        head = _head_of(model, anchors=anchors, labels=labels)
        if head is None:
            raise ValueError(
                f"{model.name} is no detector of a kind that zerolite knows: its outputs are "
                f"{model.described_outputs()}; known are the four outputs of TFLite_Detection_PostProcess, boxes and "
                "scores of SSD and EfficientDet for each anchor, and the one output of YOLO v5, v8 and 11"
            )
        if anchors is not None and not isinstance(head, SingleShotHead):
            raise ValueError(
                f"{model.name} decodes its boxes itself, and anchors= is for models that do not; leave it out"
            )
        self._head: DetectorHead = head
        names = list(class_names) if class_names is not None else model.labels(head.classes_output)
        calibrations = (model.calibration(one, None) for one in model.outputs)
        self._calibration = next((one for one in calibrations if one is not None), None)
        # A label map has a place for the background, which is no class of the outputs.
        if names[:1] == [_NO_OBJECT] and (head.class_count is None or len(names) == head.class_count + 1):
            names = names[1:]
            if self._calibration is not None:
                self._calibration = self._calibration.without_first(len(names))
        if class_names is not None and head.class_count is not None:
            check_labels(names, head.class_count)
        self.class_names = tuple(names)
        super().__init__(model, head.framing, preprocessing=preprocessing)

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model's outputs are those of a detector."""
        try:
            return model.takes_a_picture and _head_of(model, anchors=None, labels=None) is not None
        except ValueError:  # that its anchors are not known is said when the task is made
            return True

    def __call__(
        self,
        picture: PictureSource,
        *,
        min_score: float = 0.25,
        max_results: int = 100,
        iou: float | None = None,
    ) -> Detections:
        """Find the things in a picture.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).
            min_score: things with lower scores are left out; NaN is one of them.
            max_results: how many things at most, the surest.
            iou: of two boxes of one class whose intersection over union is larger, only the surer one stays. None is
                what is usual for the kind of model: 0.7 for YOLO v8 and 11, 0.45 for v5, 0.6 for SSD and EfficientDet,
                and nothing more for a model that has done it itself.

        Returns:
            The things. Boxes end where the picture ends, and those that are wholly outside of it are left out.

        Raises:
            ImageError: it is no sound image.
            OSError: the file can't be read.
            TypeError, ValueError: the picture is none of these, or an option is none of those above.
            Error: the model fails or is closed.
        """
        return self._answer(picture, _checked(min_score, max_results, iou))

    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        *,
        min_score: float = 0.25,
        max_results: int = 100,
        iou: float | None = None,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Detections]:
        """Find the things in many pictures.

        Args:
            pictures: a folder, a list or an iterator of what a call takes.
            min_score: as for a call.
            max_results: as for a call.
            iou: as for a call.
            on_corrupt: what to do with a picture that can't be decoded: "raise", "skip", or a function that is called
                with the `ImageError` of each one that is skipped.
            progress: is called after each picture with how many are done and how many there are, None for not known.

        Returns:
            An iterator in the order of the pictures. Options and paths are checked at once, the pictures one by one.
        """
        return self._answers(pictures, _checked(min_score, max_results, iou), on_corrupt, progress)

    def _decode(self, outputs: Outputs, placement: Placement, path: Path | None, options: _Choice) -> Detections:
        if self._calibration is None:
            found = self._head.candidates(outputs, min_score=options.min_score, input_size=placement.input)
        else:
            found = self._head.candidates(outputs, min_score=-math.inf, input_size=placement.input)
            found = replace(found, scores=self._calibration.apply(found.scores, found.classes))
        found = _in_picture(found.sound(options.min_score), placement)
        iou = self._head.iou if options.iou is None else options.iou
        # With an overlap of 1 nothing is suppressed: the model has done it.
        found = suppress(found, iou=1.0 if iou is None else iou, most=options.max_results)
        width, height = placement.picture
        corners = found.boxes.clip(0, (width, height, width, height))
        detections = tuple(
            Detection(Box(*map(float, box)), int(number), self._label(int(number)), float(score))
            for box, number, score in zip(corners, found.classes, found.scores, strict=True)
        )
        return Detections(detections, width, height, path)

    def _label(self, number: int) -> str:
        return self.class_names[number] if number < len(self.class_names) else str(number)

    def _draw(self, image: Image, result: Detections) -> Image:
        from PIL import ImageDraw

        draw = ImageDraw.Draw(image)
        width = line_width(*image.size)
        for one in reversed(result.detections):
            box = one.box
            draw.rectangle(
                (box.left, box.top, max(box.left, box.right - 1), max(box.top, box.bottom - 1)),
                outline=color_of(one.class_number),
                width=width,
            )
        for one in reversed(result.detections):
            words = f"{one.label} {100 * one.score:.0f} %"
            draw_tag(draw, (one.box.left, one.box.top), words, color_of(one.class_number), image.size)
        return image


def _head_of(model: TaskModel, *, anchors: NDArray[Any] | None, labels: int | None) -> DetectorHead | None:
    """The kind of detector that a model is; None for none that is known.

    Raises:
        ValueError: the model takes no pictures, or its anchors are not known.
    """
    return (
        PostProcessedHead.recognize(model)
        or YoloHead.recognize(model)
        or SingleShotHead.recognize(model, anchors=anchors, labels=labels)
    )


def _checked(min_score: float, max_results: int, iou: float | None) -> _Choice:
    if math.isnan(min_score):
        raise ValueError("min_score is NaN, and must be a number")
    if max_results < 1:
        raise ValueError(f"max_results must be at least 1; came {max_results}")
    if iou is not None and not 0 <= iou <= 1:
        raise ValueError(f"iou must be from 0 to 1; came {iou}")
    return _Choice(min_score, max_results, iou)


def _in_picture(found: Candidates, placement: Placement) -> Candidates:
    """Boxes in the picture's pixels, without those that have no area in it."""
    corners = placement.to_picture(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
    cut = corners.clip(0, (*placement.picture, *placement.picture))
    chosen = (cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])
    return Candidates(corners, found.scores, found.classes).chosen(chosen)
