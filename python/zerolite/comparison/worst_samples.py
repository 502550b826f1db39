"""The samples that models get most wrong."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._data.block import SampleBlock
from zerolite._runners.classes import class_count, class_label, labelled_classes, predicted_classes
from zerolite._runners.score_kind import two_class_scores
from zerolite._runners.score_rule import ScoreRule
from zerolite.comparison.rows import RowKey, Sample

__all__ = ["WorstSamples"]

_MOST_NUMBERS = 4


class WorstSamples:
    """An observer of an evaluation that keeps the few worst samples."""

    def __init__(
        self, rows: Mapping[RowKey, ScoreRule], *, keep: int, classes: bool, class_names: Sequence[str]
    ) -> None:
        """Look for the worst.

        Args:
            rows: all rows of the comparison, and how their scores are read.
            keep: how many items to keep at most.
            classes: whether outputs are class scores; otherwise numbers, whose absolute errors count.
            class_names: the classes' names; empty for numbers as names.
        """
        self._rows = rows
        self._keep = keep
        self._classes = classes
        self._class_names = class_names
        self._heap: list[tuple[tuple[float, float], int, Sample]] = []
        self.wrong = 0

    def observe(self, block: SampleBlock, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Look at some items."""
        if block.labels is None:
            return
        wrong, missed, answers, labels = (
            self._of_classes(block.labels, outputs) if self._classes else self._of_numbers(block.labels, outputs)
        )
        self.wrong += int((wrong > 0).sum())
        inputs = next(iter(block.inputs.values())) if isinstance(block.inputs, Mapping) else block.inputs[0]
        for place in np.flatnonzero(wrong > 0):
            index = block.start + int(place)
            severity = (float(wrong[place]), float(missed[place]))
            # Of equally bad samples the first is kept. The smallest entry of a heap is dropped first, hence the minus.
            full = len(self._heap) == self._keep
            if full and (self._keep == 0 or (severity, -index) <= self._heap[0][:2]):
                continue
            sample = Sample(
                index=index,
                name=block.names[place] if block.names else None,
                input=np.array(inputs[place]),
                label=labels[place],
                answers={(row.model, row.runtime): answers[row.name][place] for row in self._rows},
                severity=severity,
            )
            if full:
                heapq.heapreplace(self._heap, (severity, -index, sample))
            else:
                heapq.heappush(self._heap, (severity, -index, sample))

    def samples(self) -> tuple[Sample, ...]:
        """The worst items, worst first."""
        return tuple(sample for _, _, sample in sorted(self._heap, key=lambda entry: entry[:2], reverse=True))

    def _of_classes(
        self, labels: NDArray[Any], outputs: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[Any], NDArray[Any], dict[str, list[str]], list[str]]:
        wrong = np.zeros(len(labels))
        missed = np.zeros(len(labels))
        answers = {}
        numbers = np.zeros(len(labels), dtype=np.int64)
        for row, rule in self._rows.items():
            scores = outputs[row.name].astype(np.float64)
            numbers = labelled_classes(labels, class_count(scores))
            predicted = predicted_classes(scores, rule)
            both = two_class_scores(scores[:, 0], rule.kind) if scores.shape[1] == 1 else scores
            right = np.take_along_axis(both, numbers[:, np.newaxis], axis=1)[:, 0]
            wrong += predicted != numbers
            missed += np.nan_to_num(both.max(axis=1) - right, nan=np.inf)
            answers[row.name] = [self._class_name(number) for number in predicted]
        return wrong, missed, answers, [self._class_name(number) for number in numbers]

    def _of_numbers(
        self, labels: NDArray[Any], outputs: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[Any], NDArray[Any], dict[str, list[str]], list[str]]:
        wanted = labels.reshape(len(labels), -1).astype(np.float64)
        missed = np.zeros(len(labels))
        for row in self._rows:
            got = outputs[row.name].reshape(len(labels), -1).astype(np.float64)
            missed += np.nan_to_num(np.abs(got - wanted).mean(axis=1), nan=np.inf)
        answers = {row.name: [_numbers(values) for values in outputs[row.name]] for row in self._rows}
        # Numbers are hardly ever exactly right: every sample may be among the worst.
        return np.ones(len(labels)), missed, answers, [_numbers(values) for values in wanted]

    def _class_name(self, number: Any) -> str:
        return class_label(int(number), self._class_names)


def _numbers(values: NDArray[Any]) -> str:
    flat = np.ravel(values)
    words = ", ".join(f"{value:.4g}" for value in flat[:_MOST_NUMBERS])
    return words if flat.size <= _MOST_NUMBERS else f"{words}, ..."
