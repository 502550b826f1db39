"""Class numbers, from outputs and from labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.runner import TensorSpec
from zerolite._runners.score_rule import ScoreRule

__all__ = [
    "NO_CLASS",
    "check_class_names",
    "class_count",
    "class_label",
    "labelled_classes",
    "predicted_classes",
]

#: What is predicted where a score is NaN: no class, which is never right.
NO_CLASS = -1

_ROWS = 2
_PIXELS = 4
_NUMBERS = "biuf"
# How far the sum of soft labels may be from 1: float16 over 1,000 classes stays below.
_SUM_TOLERANCE = 1e-2


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


def class_label(number: int, class_names: Sequence[str]) -> str:
    """A class's name, with its number where several have that name; the number where it has none."""
    if number == NO_CLASS:
        return "NaN"
    if not 0 <= number < len(class_names):
        return str(number)
    name = class_names[number]
    return f"{name} ({number})" if list(class_names).count(name) > 1 else name


def class_count(outputs: NDArray[Any]) -> int:
    """How many classes the scores in `outputs`, shape (items, classes), tell apart; a single score tells two.

    Raises:
        ValueError: the outputs are no rows of scores.
    """
    if outputs.ndim != _ROWS or outputs.shape[1] < 1:
        hint = ""
        if outputs.ndim == _PIXELS:
            hint = "; for pixels choose metrics=['mean_iou', 'pixel_accuracy'] (--metric mean_iou)"
        raise ValueError(
            f"class metrics need outputs of shape (items, classes); these have shape {outputs.shape}{hint}"
        )
    return max(2, int(outputs.shape[1]))


def predicted_classes(outputs: NDArray[Any], rule: ScoreRule | None = None) -> NDArray[np.int64]:
    """The class with the largest score, the first one on a tie; of a single score, whether it is large enough.

    With a threshold of the caller's own, two scores are class 1 where the second one is above it.

    Args:
        outputs: shape (items, classes).
        rule: from which single score on class 1 is predicted; None is above 0.5.

    Returns:
        int64 of shape (items,); `NO_CLASS` for rows that hold NaN.

    Raises:
        ValueError: the outputs are no rows of scores, or a threshold came for more than two classes, or a single score
            is no probability and nothing tells what it is.
    """
    class_count(outputs)
    rule = rule or ScoreRule()
    columns = outputs.shape[1]
    numbers: NDArray[np.int64]
    if columns == 1:
        numbers = rule.above(outputs[:, 0]).astype(np.int64)
    elif rule.threshold is None:
        numbers = np.argmax(outputs, axis=1)
    elif columns == _ROWS:
        numbers = rule.above(outputs[:, 1]).astype(np.int64)
    else:
        raise ValueError(
            f"a threshold is for one score, two classes or several labels; of this output's {columns} classes the one "
            "with the largest score is predicted: leave threshold out, or choose multi-label metrics such as f1_macro"
        )
    if outputs.dtype.kind in "fc":
        numbers[np.isnan(outputs).any(axis=1)] = NO_CLASS
    return numbers


def labelled_classes(labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Class numbers, given as such or as rows of one share for each class.

    Args:
        labels: integers of shape (items,) or (items, 1); or rows of shape (items, classes) that are one-hot, or
            soft labels, which sum to 1 and stand for the class with the largest share.
        classes: how many there are.

    Returns:
        int64 of shape (items,).

    Raises:
        ValueError: the labels are neither, or a number is not among the classes.
    """
    if labels.ndim == _ROWS and labels.shape[1] == classes and classes > 1:
        return _of_rows(labels)
    if labels.ndim == _ROWS and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iub":
        hint = ""
        if labels.dtype.kind == "f" and labels.ndim == 1:
            hint = (
                "; if they are class numbers, give labels.astype(int), and for a regression choose "
                "metrics=['mse', 'mae', 'r2'] (--metric mse)"
            )
        raise ValueError(
            f"class metrics such as accuracy need class numbers as labels, integers of shape (items,), or one-hot "
            f"rows of shape (items, {classes}); came {labels.dtype} of shape {labels.shape}{hint}"
        )
    numbers = labels.astype(np.int64)
    strange = np.flatnonzero((numbers < 0) | (numbers >= classes))
    if strange.size:
        raise ValueError(
            f"there is a label {numbers[strange[0]]}, and the model's {classes} classes are numbered 0 to "
            f"{classes - 1}; numbers that are no classes have metrics such as 'mae'"
        )
    return numbers


def _of_rows(labels: NDArray[Any]) -> NDArray[np.int64]:
    """The classes of rows that are one-hot, or whose shares sum to 1."""
    numbers: NDArray[np.int64] = np.argmax(labels, axis=1)
    if labels.dtype.kind not in _NUMBERS:
        raise ValueError(f"class metrics such as accuracy need numbers as labels; came {labels.dtype}")
    are_zero_or_one = bool(((labels == 0) | (labels == 1)).all())
    ones = labels.sum(axis=1, dtype=np.float64)
    if are_zero_or_one and bool((ones == 1).all()):
        return numbers
    if are_zero_or_one:
        strange = int(np.flatnonzero(ones != 1)[0])
        raise ValueError(
            f"a row of the labels holds {int(ones[strange])} ones: they are multi-label, not one-hot, and class "
            "metrics such as accuracy don't fit; choose metrics=['subset_accuracy', 'hamming_loss', 'f1_macro'] "
            "(--metric f1_macro)"
        )
    if labels.dtype.kind == "f" and bool((labels >= 0).all() and (np.abs(ones - 1) <= _SUM_TOLERANCE).all()):
        return numbers
    raise ValueError(
        f"the labels are rows of numbers from {labels.min():.6g} to {labels.max():.6g}, neither one-hot nor shares "
        "that sum to 1, and class metrics such as accuracy don't fit; for a regression of several values choose "
        "metrics=['mse', 'mae', 'r2'] (--metric mse)"
    )
