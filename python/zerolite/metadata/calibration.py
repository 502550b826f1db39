"""Scores that are made comparable with one another: each class has a sigmoid of its own, in a file with the model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from zerolite.metadata.description import TensorMetadata
from zerolite.metadata.model_file import ModelFile, name_of
from zerolite.metadata.process_units import ScoreCalibration
from zerolite.metadata.reading import read_attached

__all__ = ["Calibration"]

_KIND = "score_calibration"
_FEWEST, _MOST = 3, 4
# Below this, the logarithm goes on as if mirrored, so that it stays finite and keeps the order.
_LEAST_OF_LOG = 1e-16


class Calibration:
    """What the metadata says about the scores of one output.

    As TensorFlow Lite's task library computes it (`tensorflow_lite_support/cc/task/core/score_calibration.cc`), a score
    becomes ``scale / (1 + exp(-(slope * transformed + offset)))``. Where a class has no sigmoid, or a score is below
    the least one of its class, the score becomes the metadata's default.
    """

    def __init__(self, unit: ScoreCalibration, sigmoids: NDArray[np.float64]) -> None:
        """Take what the metadata says.

        Args:
            unit: the transformation and the default.
            sigmoids: scale, slope, offset and least score of each class, shape (classes, 4); NaN for a class without.
        """
        self._unit = unit
        self._sigmoids = sigmoids

    @classmethod
    def of(cls, model: ModelFile, output: TensorMetadata, name: str, classes: int | None) -> Calibration | None:
        """The calibration of an output's scores; None where the metadata tells none.

        Args:
            model: the path of the model's file, or its bytes.
            output: what the metadata says of the output with the scores.
            name: what errors call the output.
            classes: how many classes there are; None for not known.

        Raises:
            ValueError: the file of the sigmoids is missing or broken, or has lines for another number of classes.
        """
        unit = next((one for one in output.process_units if isinstance(one, ScoreCalibration)), None)
        if unit is None:
            return None
        files = [one.name for one in output.associated_files if one.kind == _KIND]
        if not files:
            raise ValueError(
                f"the metadata of {name_of(model)} calibrates the scores of '{name}' and names no file of the "
                f"kind {_KIND} for it; attach one, or take the calibration out"
            )
        text = read_attached(model, files[0]).decode("utf-8", errors="replace")
        lines = text.split("\n")
        if not lines[-1] and len(lines) != classes:  # the end of the last line, and no class without a calibration
            lines.pop()
        if classes is not None and len(lines) != classes:
            raise ValueError(
                f"{files[0]} in {name_of(model)} has {len(lines)} lines to calibrate {classes} classes; it has one for "
                "each, which is empty for a class without a calibration"
            )
        rows = [
            _row(line.strip(), f"line {number} of {files[0]} in {name_of(model)}")
            for number, line in enumerate(lines, 1)
        ]
        return cls(unit, np.array(rows, np.float64))

    def without_first(self, classes: int) -> Calibration:
        """The same without its first class, where it has one more than these."""
        return Calibration(self._unit, self._sigmoids[1:]) if len(self._sigmoids) == classes + 1 else self

    def apply(self, scores: NDArray[np.float64], classes: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Calibrate scores.

        Args:
            scores: of all classes in their order, shape (..., classes), or of `classes`, shape (count,).
            classes: the numbers of the classes; of those that have no line, scores become the default.

        Returns:
            Calibrated scores; NaN stays NaN.
        """
        numbers = np.arange(scores.shape[-1]) if classes is None else classes
        is_known = numbers < len(self._sigmoids)
        scale, slope, offset, least = self._sigmoids[np.where(is_known, numbers, 0)].T
        with np.errstate(all="ignore"):
            shifted = self._transformed(scores) * slope + offset
            # Unlike exp, tanh does not overflow.
            calibrated = scale * (0.5 + 0.5 * np.tanh(shifted / 2))
        is_default = ~is_known | np.isnan(scale) | (scores < least)
        return np.where(np.isnan(scores), np.nan, np.where(is_default, self._unit.default_score, calibrated))

    def _transformed(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._unit.transformation == "log":
            return _log(scores)
        if self._unit.transformation == "inverse_logistic":
            return _log(scores) - _log(1 - scores)
        return scores


def _row(line: str, name: str) -> tuple[float, float, float, float]:
    """Scale, slope, offset and least score of a line; NaN for an empty one."""
    if not line:
        return math.nan, math.nan, math.nan, math.nan
    words = line.split(",")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if not _FEWEST <= len(numbers) <= _MOST or not all(map(math.isfinite, numbers)):
        raise ValueError(
            f"{name} is {line!r:.100}; it has a scale, a slope, an offset and possibly the least score, with commas "
            "between"
        )
    scale, slope, offset, least = [*numbers, -math.inf][:_MOST]
    return scale, slope, offset, least


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    mirrored = 2 * math.log(_LEAST_OF_LOG) - np.log(2 * _LEAST_OF_LOG - values)
    return np.where(values < _LEAST_OF_LOG, mirrored, np.log(values))
