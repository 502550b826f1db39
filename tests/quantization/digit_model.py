"""A small network that knows handwritten digits, and one layer of which int8 ruins: made without TensorFlow."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import serialize
from tests.support import model_zoo as zoo

#: How much larger one channel of the first layer is than the others: int8, with one scale for all, loses those.
_OUTLIER = 3000.0
_CALIBRATION = 60


class DigitModel(NamedTuple):
    """A float model with its data; labels are class numbers."""

    path: Path
    calibration: np.ndarray
    images: np.ndarray
    labels: np.ndarray


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """sklearn's digits, shape (1797, 28, 28, 1), with a margin around each, and which they are."""
    datasets = pytest.importorskip("sklearn.datasets", reason="needs the extra test")
    digits = datasets.load_digits()
    large = np.kron(digits.images / 16, np.ones((3, 3)))
    return np.pad(large, ((0, 0), (2, 2), (2, 2)))[..., np.newaxis].astype(np.float32), digits.target


def digit_model(folder: Path, *, outlier: bool) -> DigitModel:
    """`small_cnn` of the test models with another last layer, fitted to what its random convolutions see.

    Args:
        folder: where to write it.
        outlier: whether a channel of the first layer is larger than the others. The float model's answers are the same.
    """
    images, labels = _digits()
    train, test = slice(0, 900), slice(900, 1200)
    model = schema.ModelT.InitFromPackedBuf(bytearray(zoo.model_path("small_cnn").read_bytes()))
    (graph,) = model.subgraphs
    weights = {tensor.name.decode(): tensor for tensor in graph.tensors}

    def values(name: str) -> Any:
        return model.buffers[weights[name].buffer].data.view(np.float32)

    if outlier:
        # A rectifier between them lets a positive factor through, which the second layer takes back.
        filters, bias = values("small_cnn_1/conv_1_1/convolution").copy(), values("arith.constant1").copy()
        shape = weights["small_cnn_1/conv_1_1/convolution"].shape
        filters.reshape(shape)[0] *= _OUTLIER
        bias[0] *= _OUTLIER
        second = values("small_cnn_1/conv_2_1/convolution").copy()
        second.reshape(weights["small_cnn_1/conv_2_1/convolution"].shape)[..., 0] /= _OUTLIER
        for name, changed in (
            ("small_cnn_1/conv_1_1/convolution", filters),
            ("arith.constant1", bias),
            ("small_cnn_1/conv_2_1/convolution", second),
        ):
            model.buffers[weights[name].buffer].data = changed.view(np.uint8)

    with zl.load(bytes(serialize(model))) as loaded:
        features = np.stack(
            [loaded.trace(image[np.newaxis])["small_cnn_1/flatten_1/Reshape"].ravel() for image in images[train]]
        )
    one_hot = np.eye(10)[labels[train]]
    squares = features.T @ features + 1e-2 * np.trace(features.T @ features) / features.shape[1] * np.eye(576)
    fitted = 6 * np.linalg.solve(squares, features.T @ (one_hot - 0.1))
    dense = weights["small_cnn_1/probabilities_1/MatMul1"]
    model.buffers[dense.buffer].data = fitted.T.astype(np.float32).ravel().view(np.uint8)
    path = folder / "digits.tflite"
    path.write_bytes(bytes(serialize(model)))
    return DigitModel(path, images[train][:_CALIBRATION], images[test], labels[test])
