"""Embeddings: pictures as vectors, alike where the pictures are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.tasks.image_input import Framing, Placement
from zerolite.tasks.image_task import ImageTask
from zerolite.tasks.picture import PictureSource
from zerolite.vision import OnCorrupt

if TYPE_CHECKING:
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["Embedder", "Embedding", "similarities"]


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A picture as a vector.

    Attributes:
        vector: float32 of shape (numbers,), as the model gives it.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        path: the picture's file; None where it came from memory.
    """

    vector: NDArray[np.float32] = field(repr=False)
    width: int
    height: int
    path: Path | None = None

    def similarity(self, other: Embedding) -> float:
        """The cosine of the angle between two vectors: from -1 to 1, and 0 where one of them is all zeros.

        Raises:
            ValueError: the vectors are of different lengths, so that they are of different models.
        """
        return float(similarities([self, other])[0, 1])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a number that is not finite is None."""
        return {
            "path": None if self.path is None else str(self.path),
            "width": self.width,
            "height": self.height,
            "vector": [one if math.isfinite(one) else None for one in self.vector.tolist()],
        }


def similarities(embeddings: Sequence[Embedding]) -> NDArray[np.float64]:
    """The cosine of the angle between each two vectors.

    Args:
        embeddings: all of one model.

    Returns:
        From -1 to 1, shape (embeddings, embeddings); NaN for vectors that hold a number that is not finite.

    Raises:
        ValueError: the vectors are of different lengths.
    """
    lengths = {one.vector.size for one in embeddings}
    if len(lengths) > 1:
        raise ValueError(
            f"vectors of {min(lengths)} and of {max(lengths)} numbers can't be compared; embed all by one model"
        )
    vectors = np.array([one.vector for one in embeddings], np.float64).reshape(len(embeddings), max(lengths, default=0))
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(norms == 0, 1.0, norms)
    found: NDArray[np.float64] = np.clip(units @ units.T, -1, 1)
    return found


class Embedder(ImageTask[Embedding, None]):
    """A network that makes a vector of a picture.

    Attributes:
        numbers: how many numbers a vector has.
    """

    name = "embed"

    def __init__(self, model: TaskModel, *, class_names: Sequence[str] | None, preprocessing: str | None) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model gives no vector, or there are `class_names`.
        """
        output = _vector_of(model)
        if output is None:
            raise ValueError(
                f"{model.name} makes no vector of a picture: its outputs are {model.described_outputs()}, and an "
                "embedding is one output of shape (1, numbers)"
            )
        if class_names is not None:
            raise ValueError("class_names= is for classes, and a vector has none; leave it out")
        self._output = output
        self.numbers = math.prod(output.spec.shape)
        super().__init__(model, Framing(), preprocessing=preprocessing)

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model's output is one row of numbers and ends no linear layer, which may give anything."""
        output = _vector_of(model) if model.takes_a_picture else None
        if output is None:
            return False
        return model.score_kind(output.spec.name) == "unknown" or model.maker_of(output) == "MEAN"

    def __call__(self, picture: PictureSource) -> Embedding:
        """Make a vector of a picture.

        Args:
            picture: a path, the bytes of a file, a Pillow image, or an array of uint8 of shape (height, width, 3).

        Raises:
            ImageError: it is no sound image.
            OSError: the file can't be read.
            TypeError, ValueError: the picture is none of these.
            Error: the model fails or is closed.
        """
        return self._answer(picture, None)

    def map(
        self,
        pictures: PictureSource | Iterable[PictureSource],
        *,
        on_corrupt: OnCorrupt = "raise",
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Embedding]:
        """Make vectors of many pictures.

        Args:
            pictures: as for `ImageTask.map`.
            on_corrupt: as for `ImageTask.map`.
            progress: as for `ImageTask.map`.

        Returns:
            An iterator in the order of the pictures.
        """
        return self._answers(pictures, None, on_corrupt, progress)

    def _decode(self, outputs: Outputs, placement: Placement, path: Path | None, options: None) -> Embedding:  # noqa: ARG002
        vector = np.asarray(outputs[self._output.spec.name], np.float32).reshape(-1)
        return Embedding(vector, *placement.picture, path)


def _vector_of(model: TaskModel) -> TaskTensor | None:
    """The output that is one row of several numbers; None where there is none."""
    if len(model.outputs) != 1:
        return None
    shape = model.outputs[0].spec.shape
    is_row = len(shape) > 1 and math.prod(shape) == shape[-1] > 1
    return model.outputs[0] if is_row else None
