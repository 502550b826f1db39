"""What all networks for poses have in common: key points of people, hands or faces, and what these are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolite.tasks.decoding.people import NAMES

if TYPE_CHECKING:
    from zerolite.tasks.image_input import Framing
    from zerolite.tasks.task_model import Outputs

__all__ = ["COCO", "People", "PoseHead", "Skeleton"]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Key points that belong together.

    Attributes:
        names: what they are called, in their order.
        bones: pairs of key points between which a line is drawn.
    """

    names: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]


#: The key points of COCO.
COCO = Skeleton(
    NAMES,
    (
        *((0, 1), (0, 2), (1, 3), (2, 4), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10)),
        *((5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16)),
    ),
)


@dataclass(frozen=True, slots=True)
class People:
    """People, hands or faces in a model's input.

    Attributes:
        points: x and y as parts of the input's width and height, shape (people, points, 2).
        point_scores: shape (people, points).
        scores: how sure the model is of each person, shape (people,).
        boxes: left, top, right, bottom as parts of the input, shape (people, 4); None where the model tells none.
        depths: as parts of the input's width, shape (people, points); None where the model tells none.
    """

    points: NDArray[np.float64]
    point_scores: NDArray[np.float64]
    scores: NDArray[np.float64]
    boxes: NDArray[np.float64] | None = None
    depths: NDArray[np.float64] | None = None


class PoseHead(Protocol):
    """Reads people out of the outputs of one kind of model."""

    @property
    def framing(self) -> Framing:
        """How models of this kind are fed."""
        ...

    @property
    def skeleton(self) -> Skeleton:
        """The key points of a person."""
        ...

    @property
    def is_sure(self) -> bool:
        """Whether the outputs are surely those of such a network."""
        ...

    def people(self, outputs: Outputs, *, most: int, input_size: tuple[int, int]) -> People:
        """The people, the surest first.

        Args:
            outputs: real numbers by name.
            most: how many people at most.
            input_size: width and height of the model's input.
        """
        ...
