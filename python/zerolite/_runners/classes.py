"""Class numbers, from outputs and from labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.runner import TensorSpec

__all__ = ["check_class_names", "class_count", "labelled_classes", "predicted_classes"]

_ROWS = 2
_SIGMOID_THRESHOLD = 0.5


def check_class_names(class_names: Sequence[str], output: TensorSpec) -> None:
    """Refuse class names that are more or fewer than a model's scores, whose numbers would then mean other classes.

    Raises:
        ValueError: there are fewer or more names than classes.
    """
    if not class_names or len(output.shape) != _ROWS:
        return
    classes = max(2, output.shape[1])
    if len(class_names) != classes:
        raise ValueError(
            f"the data has {len(class_names)} classes, {class_names[0]} to {class_names[-1]}, and the model tells "
            f"{classes} apart; name all of the model's classes in the order of its outputs (class_names)"
        )


def class_count(outputs: NDArray[Any]) -> int:
    """How many classes the scores in `outputs`, shape (items, classes), tell apart; a single score tells two.

    Raises:
        ValueError: the outputs are no rows of scores.
    """
    if outputs.ndim != _ROWS or outputs.shape[1] < 1:
        raise ValueError(f"class metrics need outputs of shape (items, classes); these have shape {outputs.shape}")
    return max(2, int(outputs.shape[1]))


def predicted_classes(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """The class with the largest score, the first one on a tie; of a single score, whether it is above 0.5.

    Returns:
        int64 of shape (items,).

    Raises:
        ValueError: the outputs are no rows of scores.
    """
    class_count(outputs)
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > _SIGMOID_THRESHOLD).astype(np.int64)
    numbers: NDArray[np.int64] = np.argmax(outputs, axis=1)
    return numbers


def labelled_classes(labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Class numbers, given as such or as one-hot rows.

    Args:
        labels: integers of shape (items,) or (items, 1), or scores of shape (items, classes).
        classes: how many there are.

    Returns:
        int64 of shape (items,).

    Raises:
        ValueError: the labels are neither, or a number is not among the classes.
    """
    if labels.ndim == _ROWS and labels.shape[1] == classes and classes > 1:
        numbers: NDArray[np.int64] = np.argmax(labels, axis=1)
        return numbers
    if labels.ndim == _ROWS and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        raise ValueError(
            f"class metrics such as accuracy need class numbers as labels, integers of shape (items,), or one-hot "
            f"rows of shape (items, {classes}); came {labels.dtype} of shape {labels.shape}"
        )
    numbers = labels.astype(np.int64)
    strange = np.flatnonzero((numbers < 0) | (numbers >= classes))
    if strange.size:
        raise ValueError(
            f"there is a label {numbers[strange[0]]}, and the model's {classes} classes are numbered 0 to {classes - 1}"
        )
    return numbers
