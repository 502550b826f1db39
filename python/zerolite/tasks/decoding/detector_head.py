"""What a kind of detector's head has to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zerolite.tasks.decoding.boxes import Candidates
    from zerolite.tasks.image_input import Framing
    from zerolite.tasks.task_model import Outputs, TaskTensor

__all__ = ["DetectorHead"]


class DetectorHead(Protocol):
    """Reads boxes out of the outputs of one kind of detector."""

    @property
    def framing(self) -> Framing:
        """How models of this kind are fed."""
        ...

    @property
    def iou(self) -> float | None:
        """From which overlap on one of two boxes is left out, unless told otherwise; None where the model does that."""
        ...

    @property
    def classes_output(self) -> TaskTensor:
        """The output whose classes labels name."""
        ...

    @property
    def class_count(self) -> int | None:
        """How many classes there are; None where the outputs do not tell."""
        ...

    def candidates(self, outputs: Outputs, *, min_score: float, input_size: tuple[int, int]) -> Candidates:
        """What may be objects; those below `min_score` may be left out.

        Args:
            outputs: real numbers by name.
            min_score: the least score that counts.
            input_size: width and height of the model's input.
        """
        ...
