"""Classification: what a picture as a whole shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zerolite._runners.score_kind import two_class_scores
from zerolite._runtime.validation import positive_int
from zerolite.metadata import ScoreThresholding
from zerolite.tasks.drawing import color_of, draw_legend
from zerolite.tasks.image_input import Framing, Placement
from zerolite.tasks.image_task import DrawnTask
from zerolite.tasks.picture import PictureSource
from zerolite.vision import OnCorrupt, Prediction, check_labels, top
from zerolite.vision.contact_sheet import score_words

if TYPE_CHECKING:
    from PIL.Image import Image

    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["Classified", "Classifier"]

_TWO_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Classified:
    """What one picture shows.

    Attributes:
        predictions: the classes, the most likely first.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        path: the picture's file; None where it came from memory.
    """

    predictions: tuple[Prediction, ...]
    width: int
    height: int
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": None if self.path is None else str(self.path),
            "width": self.width,
            "height": self.height,
            "predictions": [one.to_dict() for one in self.predictions],
        }


class _Choice(NamedTuple):
    k: int
    min_score: float


class Classifier(DrawnTask[Classified, _Choice]):
    """A classifier of pictures: one score for each class, or a single one that tells two classes apart.

    Attributes:
        class_names: the names of the classes, by their numbers; empty where nobody told them.
    """

    name = "classify"

    def __init__(self, model: TaskModel, *, class_names: Sequence[str] | None, preprocessing: str | None) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model is no classifier, or an option does not fit it.
        """
        output = _scores_of(model)
        if output is None:
            raise ValueError(
                f"{model.name} is no classifier: its outputs are {model.described_outputs()}, and a classifier has one "
                "of shape (1, classes)"
            )
        self._output = output
        self._kind = model.score_kind(output.spec.name)
        classes = max(_TWO_CLASSES, math.prod(output.spec.shape))
        names = list(class_names) if class_names is not None else model.labels(output)
        if class_names is not None:
            check_labels(names, classes)
        self.class_names = tuple(names) if len(names) == classes else ()
        self._calibration = model.calibration(output, math.prod(output.spec.shape))
        thresholds = [unit.threshold for unit in output.metadata.process_units if isinstance(unit, ScoreThresholding)]
        self._least = thresholds[0] if thresholds else -math.inf
        super().__init__(model, Framing(), preprocessing=preprocessing)

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model's output is that of a classifier, and surely no vector of features."""
        output = _scores_of(model) if model.takes_a_picture else None
        if output is None:
            return False
        # Without a softmax or labels, a row of numbers may be anything.
        return model.score_kind(output.spec.name) in ("softmax", "probability") or bool(model.labels(output))

    def __call__(self, picture: PictureSource, *, k: int = 5, min_score: float | None = None) -> Classified:
        """Say what a picture shows.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).
            k: how many classes at most.
            min_score: classes with lower scores are left out; None is what the metadata says, or no limit.

        Returns:
            The classes; scores are those of the model, calibrated where the metadata says how, and probabilities where
            the model's outputs are some. NaN is left out.

        Raises:
            ImageError: it is no sound image.
            OSError: the file can't be read.
            TypeError, ValueError: the picture is none of these, or an option is none of those above.
            Error: the model fails or is closed.
        """
        return self._answer(picture, self._checked(k, min_score))

    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        *,
        k: int = 5,
        min_score: float | None = None,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Classified]:
        """Say what many pictures show.

        Args:
            pictures: as for `ImageTask.map`.
            k: as for a call.
            min_score: as for a call.
            on_corrupt: as for `ImageTask.map`.
            progress: as for `ImageTask.map`.

        Returns:
            An iterator in the order of the pictures.
        """
        return self._answers(pictures, self._checked(k, min_score), on_corrupt, progress)

    def _checked(self, k: int, min_score: float | None) -> _Choice:
        if min_score is not None and math.isnan(min_score):
            raise ValueError("min_score is NaN, and must be a number")
        return _Choice(positive_int("k", k), self._least if min_score is None else min_score)

    def _decode(self, outputs: Outputs, placement: Placement, path: Path | None, options: _Choice) -> Classified:
        scores = np.asarray(outputs[self._output.spec.name], np.float64).reshape(-1)
        if self._calibration is not None:
            scores = self._calibration.apply(scores)
        if scores.size == 1:
            scores = two_class_scores(scores, self._kind if self._calibration is None else "probability")[0]
        ranked = top(np.where(np.isnan(scores), -np.inf, scores), self.class_names or None, k=options.k)
        predictions = tuple(one for one in ranked if one.score >= options.min_score and math.isfinite(one.score))
        return Classified(predictions, *placement.picture, path)

    def _draw(self, image: Image, result: Classified) -> Image:
        from PIL import ImageDraw

        entries = [(f"{one.label} {score_words(one)}", color_of(one.class_number)) for one in result.predictions]
        draw_legend(ImageDraw.Draw(image), entries, image.size)
        return image


def _scores_of(model: TaskModel) -> TaskTensor | None:
    """The output with one number for each class; None where there is none."""
    if len(model.outputs) != 1:
        return None
    shape = model.outputs[0].spec.shape
    is_row = len(shape) > 1 and math.prod(shape) == shape[-1]
    return model.outputs[0] if is_row else None
