"""What a single score for two classes is: a probability or a logit."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._runners.runner import ModelFile

__all__ = ["SingleScore", "single_score", "two_class_scores"]

SingleScore = Literal["probability", "logit", "unknown"]

# Operators that change the type or the shape of a score, and nothing of what it means.
_CARRIERS = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE", "CAST")
# What ends a network without an activation.
_LINEAR = ("FULLY_CONNECTED", "CONV_2D", "ADD", "SUB", "BATCH_MATMUL", "MEAN")


def single_score(source: ModelFile | None) -> SingleScore:
    """What the only output of a model is, by the operator that makes it.

    Args:
        source: the path of the model's file, or its bytes; None where neither is known.
    """
    if source is None:
        return "unknown"
    try:
        graph = _main_subgraph(source)
    except (OSError, ValueError, _native.Error):
        return "unknown"
    if graph is None or len(graph.outputs) != 1:
        return "unknown"
    makers = {tensor: one for one in graph.operators for tensor in one.outputs}
    maker = makers.get(graph.outputs[0])
    for _ in graph.operators:
        if maker is None or maker.name not in _CARRIERS or not maker.inputs:
            break
        maker = makers.get(maker.inputs[0])
    if maker is None:
        return "unknown"
    if maker.name == "LOGISTIC":
        return "probability"
    return "logit" if maker.name in _LINEAR else "unknown"


def two_class_scores(scores: NDArray[np.float64], kind: SingleScore = "unknown") -> NDArray[np.float64]:
    """The probabilities of class 0 and class 1.

    Args:
        scores: one for each item, shape (items,).
        kind: what they are; unknown ones are logits where one of them is outside of 0 to 1.

    Returns:
        Shape (items, 2).
    """
    if kind == "logit" or (kind == "unknown" and bool(((scores < 0) | (scores > 1)).any())):
        # Unlike exp, tanh does not overflow.
        scores = 0.5 + 0.5 * np.tanh(scores / 2)
    return np.stack((1 - scores, scores), axis=1)


def _main_subgraph(source: ModelFile) -> _native.StoredSubgraph | None:
    if isinstance(source, bytes | bytearray | memoryview):
        graphs = _native.read_contents(source).subgraphs
    else:
        with (
            Path(source).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as content,
        ):
            graphs = _native.read_contents(content).subgraphs
    return graphs[0] if graphs else None
