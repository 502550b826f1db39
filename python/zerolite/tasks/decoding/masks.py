"""Masks: the class of each cell of a picture, in the forms in which models tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite.tasks.image_input import Framing

if TYPE_CHECKING:
    from zerolite.tasks.task_model import Outputs, TaskModel, TaskTensor

__all__ = ["MaskHead"]

_MASK_AXES, _SCORE_AXES = 3, 4
_COLORS = 3
# A feature map is coarser than this; segmentation networks end at an eighth of the input or finer.
_COARSEST = 16
_TWO_CLASSES = 2


@dataclass(frozen=True, slots=True)
class MaskHead:
    """One output with scores, numbers of classes, or the probability of being on the one thing.

    Pictures are stretched. Without metadata a model with scores or numbers is fed with -1 to 1, as DeepLab is, and one
    with a single mask with 0 to 1, as networks for portraits are.

    Attributes:
        output: the output.
        form: "scores", "numbers", or "mask" for that of one thing.
        logits: of a mask, whether its numbers are logits; None where that is not known, and numbers outside of 0 to 1
            tell it.
        class_count: how many classes there are; None where the output does not tell.
        is_sure: whether the shape is that of no other kind of model.
    """

    output: TaskTensor
    form: Literal["scores", "numbers", "mask"]
    logits: bool | None
    class_count: int | None
    is_sure: bool

    @property
    def framing(self) -> Framing:
        """How models of this kind are fed."""
        return Framing("stretch", preprocessing="unit" if self.form == "mask" else "tf")

    @classmethod
    def recognize(cls, model: TaskModel) -> MaskHead | None:
        """The head of a model; None where it has another one."""
        if len(model.outputs) != 1:
            return None
        (output,) = model.outputs
        shape = output.spec.shape
        if len(shape) not in (_MASK_AXES, _SCORE_AXES) or shape[0] != 1 or min(shape[1:3]) < _TWO_CLASSES:
            return None
        channels = shape[3] if len(shape) == _SCORE_AXES else 1
        height, width = model.picture_size
        fits = abs(shape[1] - shape[2] * height / width) < 1 and shape[1] * _COARSEST >= height
        if channels > 1:
            # With three channels it may be a picture as well.
            return cls(output, "scores", None, channels, is_sure=fits and channels != _COLORS)
        kind = model.score_kind(output.spec.name)
        is_whole = output.spec.dtype.kind in "iu" and output.spec.quantization is None
        if is_whole or model.maker_of(output) in ("ARG_MAX", "ARG_MIN"):
            return cls(output, "numbers", None, None, is_sure=fits)
        logits = None if kind == "unknown" else kind == "logit"
        return cls(output, "mask", logits, _TWO_CLASSES, is_sure=fits)

    def classes(self, outputs: Outputs, *, threshold: float) -> NDArray[Any]:
        """The class of each cell, uint8 or int32 of shape (rows, columns); NaN is no best score, and on no thing."""
        values = np.asarray(outputs[self.output.spec.name])[0]
        if self.form == "scores":
            found = np.where(np.isnan(values), -np.inf, values).argmax(axis=-1)
        else:
            values = values.reshape(values.shape[:2])
            found = self._on_thing(values, threshold) if self.form == "mask" else np.nan_to_num(values)
        small = found.size == 0 or (found.min() >= 0 and found.max() <= np.iinfo(np.uint8).max)
        numbers: NDArray[Any] = found.astype(np.uint8 if small else np.int32)
        return numbers

    def _on_thing(self, values: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        finite = values[np.isfinite(values)]
        logits = self.logits
        if logits is None:
            logits = bool(finite.size) and (finite.min() < 0 or finite.max() > 1)
        probabilities = 0.5 + 0.5 * np.tanh(values / 2) if logits else values
        found: NDArray[np.bool_] = probabilities > threshold
        return found
