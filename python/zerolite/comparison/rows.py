"""What a comparison holds: rows, how they agree, and the samples that models got wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zerolite._runners.classes import class_label
from zerolite.evaluation.result import EvaluationResult

__all__ = ["Agreement", "ComparisonRow", "RowKey", "Sample"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sample:
    """An item that some models got wrong.

    Attributes:
        index: its place in the data.
        name: what it is called, such as the path of its image; None where it has no name.
        input: the first input, without the batch.
        label: its label as text: the class's name, or numbers.
        answers: (model, runtime) -> what it says: the class's name, or numbers.
        severity: how wrong the models were: first how many erred, then by how much.
    """

    index: int
    name: str | None
    input: NDArray[Any] = field(repr=False)
    label: str
    answers: Mapping[tuple[str, str], str]
    severity: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the input is left out."""
        return {
            "index": self.index,
            "name": self.name,
            "label": self.label,
            "answers": [
                {"model": model, "runtime": runtime, "answer": answer}
                for (model, runtime), answer in self.answers.items()
            ],
        }


class RowKey(NamedTuple):
    """A model in a runtime."""

    model: str
    runtime: str

    @property
    def name(self) -> str:
        """Both in one string; the runtime alone where the model is called like it."""
        return self.model if self.model == self.runtime else f"{self.model} in {self.runtime}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How the outputs of one row compare with those of another over the same items.

    Attributes:
        model, runtime: the row.
        other_model, other_runtime: the row that it is compared with.
        items: how many items both ran.
        differing: how many of them they predict differently, those included that one answers with NaN, which is no
            prediction; None where outputs are no rows of scores of classes or labels.
        first_differing: the places of the first of those items, in ascending order, a hundred at most.
        predictions, other_predictions: which classes were predicted at these places, -1 where there was none; empty
            where several labels may apply.
        largest_difference: the largest absolute difference of any two outputs; infinite where one is NaN, None where
            outputs have different shapes.
        mean_difference: the mean absolute difference; as above.
    """

    model: str
    runtime: str
    other_model: str
    other_runtime: str
    items: int
    differing: int | None
    first_differing: tuple[int, ...]
    predictions: tuple[int, ...]
    other_predictions: tuple[int, ...]
    largest_difference: float | None
    mean_difference: float | None

    @property
    def complete(self) -> bool:
        """Whether no prediction differs."""
        return not self.differing

    @property
    def sentence(self) -> str | None:
        """One line on the first item that is predicted differently; None where there is none."""
        if not self.differing:
            return None
        ours, theirs = self._names
        told = (
            f"predictions of '{self.model}' differ between {ours} and {theirs} on {self.differing} of {self.items} "
            f"items; the first is item {self.first_differing[0]}"
        )
        if not self.predictions:
            return told
        one, other = (class_label(one[0], ()) for one in (self.predictions, self.other_predictions))
        return f"{told}: {ours} says {one}, {theirs} {other}"

    @property
    def _names(self) -> tuple[str, str]:
        if self.model == self.other_model:
            return self.runtime, self.other_runtime
        return f"{self.model} in {self.runtime}", f"{self.other_model} in {self.other_runtime}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a difference that is not finite is null."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "other_model": self.other_model,
            "other_runtime": self.other_runtime,
            "items": self.items,
            "agreeing": None if self.differing is None else self.items - self.differing,
            "first_differing": list(self.first_differing),
            "predictions": list(self.predictions),
            "other_predictions": list(self.other_predictions),
            "largest_difference": _finite(self.largest_difference),
            "mean_difference": _finite(self.mean_difference),
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ComparisonRow:
    """One model in one runtime.

    Attributes:
        model: its name.
        size_bytes: the size of its file, or of its weights for a Keras model in memory; None where it is not known.
        result: what was measured.
        difference: how its outputs compare with those of the first row; None for the first row itself.
        confusion: items by label (rows) and prediction (columns); None where there are no classes.
    """

    model: str
    size_bytes: int | None
    result: EvaluationResult
    difference: Agreement | None
    confusion: NDArray[np.int64] | None = None

    @property
    def runtime(self) -> str:
        """The runtime's name."""
        return self.result.runtime

    @property
    def name(self) -> str:
        """The model and its runtime."""
        return RowKey(self.model, self.runtime).name

    @property
    def numbers(self) -> dict[str, float]:
        """The metrics that are single numbers, by name."""
        return {name: value for name, value in self.result.metrics.items() if isinstance(value, float)}

    def to_dict(self) -> dict[str, Any]:
        """The line as plain values for JSON."""
        return {
            "model": self.model,
            "size_bytes": self.size_bytes,
            **self.result.to_dict(),
            "difference_to_first": None if self.difference is None else self.difference.to_dict(),
        }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
