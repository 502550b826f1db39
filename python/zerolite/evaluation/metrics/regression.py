"""How far numbers are off."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zerolite.evaluation.metrics.metric import Reading

__all__ = ["Error", "RegressionError"]

Error = Literal["mse", "rmse", "mae", "r2"]


class RegressionError:
    """The mean squared error, its root, the mean absolute error, or R² (the mean over the values of an item)."""

    def __init__(self, kind: Error, _: Reading | None = None) -> None:
        self._kind = kind
        self._items = 0
        self._squared: NDArray[np.float64] | None = None
        self._absolute: NDArray[np.float64] = np.zeros(0)
        self._mean: NDArray[np.float64] = np.zeros(0)
        self._spread: NDArray[np.float64] = np.zeros(0)

    def update(self, outputs: NDArray[Any], labels: NDArray[Any]) -> None:
        """Add up the errors of some items.

        Raises:
            ValueError: an output and its label have different numbers of values, or labels are no numbers.
        """
        if labels.dtype.kind not in "biuf" or outputs.size != labels.size:
            raise ValueError(
                f"{self._kind} compares numbers with as many numbers; outputs of shape {outputs.shape} came with "
                f"labels of shape {labels.shape} and type {labels.dtype}"
            )
        got = outputs.reshape(len(outputs), -1).astype(np.float64)
        wanted = labels.reshape(len(labels), -1).astype(np.float64)
        if self._squared is None:
            zeros = np.zeros(got.shape[1])
            self._squared, self._absolute, self._mean, self._spread = zeros, zeros.copy(), zeros.copy(), zeros.copy()
        self._squared = self._squared + ((got - wanted) ** 2).sum(axis=0)
        self._absolute = self._absolute + np.abs(got - wanted).sum(axis=0)
        # The labels' variance, joined part by part without losing digits (Chan, Golub and LeVeque, 1979).
        count, mean = len(wanted), wanted.mean(axis=0)
        both, step = self._items + count, mean - self._mean
        self._spread = self._spread + ((wanted - mean) ** 2).sum(axis=0) + step**2 * self._items * count / both
        self._mean = self._mean + step * count / both
        self._items = both

    def result(self) -> float:
        """The error in the labels' unit ("mae", "rmse") or its square, or a share of 1 ("r2"); NaN without items."""
        if self._squared is None:
            return math.nan
        if self._kind == "mse":
            return float(self._squared.mean() / self._items)
        if self._kind == "rmse":
            return float(np.sqrt(self._squared / self._items).mean())
        if self._kind == "mae":
            return float(self._absolute.mean() / self._items)
        # Where labels don't vary, scikit-learn's convention: 1 for no error, else 0.
        constant = np.where(self._squared == 0, 1.0, 0.0)
        explained = 1 - self._squared / np.where(self._spread == 0, 1, self._spread)
        return float(np.where(self._spread == 0, constant, explained).mean())
