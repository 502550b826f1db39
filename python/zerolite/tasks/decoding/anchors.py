"""Anchors: the boxes that a single-shot detector tells the distance from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode_boxes", "efficientdet_anchors", "ssd_anchors"]

_SSD_STRIDES = (16, 32, 64, 128, 256, 512)
_SSD_SCALES = 0.2, 0.95
_SSD_RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
_SSD_FIRST = ((0.1, 1.0), (_SSD_SCALES[0], 2.0), (_SSD_SCALES[0], 0.5))
_EFFICIENTDET_LEVELS = range(3, 8)
_EFFICIENTDET_RATIOS = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))
_EFFICIENTDET_OCTAVES = 3


def ssd_anchors(size: tuple[int, int]) -> NDArray[np.float32]:
    """The anchors of SSD with MobileNet as TensorFlow's Object Detection API makes them by default.

    That is `create_ssd_anchors` with six layers, scales from 0.2 to 0.95 and boxes reduced in the lowest layer: 1,917
    for pictures of 300 x 300, and 2,034 for 320 x 320.

    Args:
        size: height and width of the model's input, in pixels.

    Returns:
        The middle's y and x, height and width, as parts of the picture: shape (anchors, 4).
    """
    least, greatest = _SSD_SCALES
    layers = len(_SSD_STRIDES)
    scales = [least + (greatest - least) * layer / (layers - 1) for layer in range(layers)] + [1.0]
    anchors = []
    for layer, stride in enumerate(_SSD_STRIDES):
        shapes = list(_SSD_FIRST)
        if layer > 0:
            shapes = [(scales[layer], ratio) for ratio in _SSD_RATIOS]
            shapes.append((math.sqrt(scales[layer] * scales[layer + 1]), 1.0))
        # Scales are parts of the shorter side, as are all anchors of a square picture.
        shorter = min(size)
        sizes = np.array(
            [
                (scale / math.sqrt(ratio) * shorter / size[0], scale * math.sqrt(ratio) * shorter / size[1])
                for scale, ratio in shapes
            ]
        )
        anchors.append(_on_grid((math.ceil(size[0] / stride), math.ceil(size[1] / stride)), sizes))
    return np.concatenate(anchors)


def efficientdet_anchors(size: tuple[int, int], *, scale: float = 4.0) -> NDArray[np.float32]:
    """The anchors of EfficientDet with its levels from 3 to 7, three octaves and three shapes.

    Args:
        size: height and width of the model's input, in pixels.
        scale: the size of the smallest anchors, as a multiple of the level's stride (`anchor_scale`); it is 4 unless
            the network was trained with another one.

    Returns:
        The middle's y and x, height and width, as parts of the picture: shape (anchors, 4).
    """
    anchors = []
    height, width = size
    rows, columns = size
    for level in range(1, _EFFICIENTDET_LEVELS.stop):
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
        if level not in _EFFICIENTDET_LEVELS:
            continue
        sizes = [
            (
                scale * height / rows * 2 ** (octave / _EFFICIENTDET_OCTAVES) * ratio_y / height,
                scale * width / columns * 2 ** (octave / _EFFICIENTDET_OCTAVES) * ratio_x / width,
            )
            for octave in range(_EFFICIENTDET_OCTAVES)
            for ratio_x, ratio_y in _EFFICIENTDET_RATIOS
        ]
        anchors.append(_on_grid((rows, columns), np.array(sizes)))
    return np.concatenate(anchors)


def decode_boxes(
    encoded: NDArray[Any], anchors: NDArray[Any], *, scales: tuple[float, float] = (10.0, 5.0)
) -> NDArray[np.float64]:
    """Boxes of the distances from their anchors, by the rule of Faster R-CNN that SSD and EfficientDet use.

    Args:
        encoded: y and x of the middle, height and width, as distances: shape (anchors, 4).
        anchors: the middle's y and x, height and width: shape (anchors, 4).
        scales: what the trainers multiplied the distances of middles and of sizes with.

    Returns:
        Left, top, right, bottom: shape (anchors, 4); sizes beyond all measure are infinite.
    """
    distances, base = np.asarray(encoded, np.float64), np.asarray(anchors, np.float64)
    middle = base[:, :2] + distances[:, :2] / scales[0] * base[:, 2:]
    with np.errstate(over="ignore"):
        half = np.exp(distances[:, 2:] / scales[1]) * base[:, 2:] / 2
    return np.concatenate((middle - half, middle + half), axis=1)[:, [1, 0, 3, 2]]


def _on_grid(cells: tuple[int, int], sizes: NDArray[Any]) -> NDArray[np.float32]:
    """In the middle of each cell, row by row, one box of each size (height, width)."""
    rows, columns = cells
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    middles = np.repeat(np.stack((y.ravel(), x.ravel()), axis=1), len(sizes), axis=0)
    return np.concatenate((middles, np.tile(sizes, (rows * columns, 1))), axis=1).astype(np.float32)
