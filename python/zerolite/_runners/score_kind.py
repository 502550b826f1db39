"""What the scores of a model are: probabilities or logits."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._runners.runner import ModelFile

__all__ = ["Operator", "ScoreKind", "kind_by_operators", "places", "read_model", "score_kind", "two_class_scores"]

#: A softmax gives the probabilities of classes of which one is right, "probability" stands for each on its own.
ScoreKind = Literal["probability", "logit", "softmax", "unknown"]


class Operator(Protocol):
    """An operator of a graph, whose tensors are numbered."""

    @property
    def name(self) -> str:
        """As the format calls it."""
        ...

    @property
    def inputs(self) -> Sequence[int]:
        """Its inputs."""
        ...

    @property
    def outputs(self) -> Sequence[int]:
        """What it computes."""
        ...


# Operators that change the type, the shape or the place of scores, and nothing of what they mean.
_CARRIERS = frozenset(
    (
        "DEQUANTIZE",
        "QUANTIZE",
        "RESHAPE",
        "SQUEEZE",
        "EXPAND_DIMS",
        "CAST",
        "TRANSPOSE",
        "STRIDED_SLICE",
        "DEPTH_TO_SPACE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
    )
)
# What ends a network without an activation.
_LINEAR = frozenset(
    (
        "FULLY_CONNECTED",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "ADD",
        "SUB",
        "BATCH_MATMUL",
        "MEAN",
    )
)
# Of these, only sums and means are computed of probabilities as well.
_OF_SCORES = frozenset(("ADD", "SUB", "MEAN"))
_SQUASHING = frozenset(("LOGISTIC", "SOFTMAX"))


def score_kind(source: ModelFile | None, output: str | None = None, signature: str | None = None) -> ScoreKind:
    """What an output of a model is, by the operator that makes it.

    Args:
        source: the path of the model's file, or its bytes; None where neither is known.
        output: the output's name; None is the only one.
        signature: the signature that it belongs to; None where that is not known.
    """
    if source is None:
        return "unknown"
    try:
        contents = read_model(source)
    except (OSError, ValueError, _native.Error):
        return "unknown"
    kinds = {
        kind_by_operators(graph.operators, tensor) for graph, tensor in places(contents, output, "outputs", signature)
    }
    return kinds.pop() if len(kinds) == 1 else "unknown"


def two_class_scores(scores: NDArray[np.float64], kind: ScoreKind = "unknown") -> NDArray[np.float64]:
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


def places(
    contents: _native.ModelContents, name: str | None, side: Literal["inputs", "outputs"], signature: str | None = None
) -> Iterator[tuple[_native.StoredSubgraph, int]]:
    """The graphs and tensors that the name of an input or output may stand for; None is that of the only one."""
    graphs = contents.subgraphs
    named: list[tuple[int, Mapping[str, int]]] = [
        (one.subgraph, getattr(one, side)) for one in contents.signatures if signature in (None, one.key)
    ]
    found = [
        (graphs[graph], tensors[name])
        for graph, tensors in named
        if graph < len(graphs) and name is not None and name in tensors
    ]
    yield from found
    if found or not graphs:
        return
    tensors: Sequence[int] = getattr(graphs[0], side)
    if len(tensors) == 1:
        yield graphs[0], tensors[0]
        return
    for tensor in tensors:
        if 0 <= tensor < len(graphs[0].tensors) and graphs[0].tensors[tensor].name == name:
            yield graphs[0], tensor


def kind_by_operators(operators: Iterable[Operator], tensor: int) -> ScoreKind:
    """What a tensor holds, by the operators of its graph."""
    makers = {made: one for one in operators for made in one.outputs}
    maker = _maker(makers, tensor)
    if maker is None:
        return "unknown"
    if maker.name == "SOFTMAX":
        return "softmax"
    if maker.name == "LOGISTIC":
        return "probability"
    if maker.name in _OF_SCORES:
        parts = [_maker(makers, part) for part in maker.inputs]
        if any(part is not None and part.name in _SQUASHING for part in parts):
            return "unknown"
    return "logit" if maker.name in _LINEAR else "unknown"


def _maker(makers: Mapping[int, Operator], tensor: int) -> Operator | None:
    """The operator that computes a tensor's values, before what only carries them."""
    maker = makers.get(tensor)
    for _ in makers:
        if maker is None or maker.name not in _CARRIERS or not maker.inputs:
            break
        maker = makers.get(maker.inputs[0])
    return maker


def read_model(source: ModelFile) -> _native.ModelContents:
    """What a file holds, without its constants.

    Raises:
        OSError: the file can't be read.
        InvalidModelError: it is no model.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return _native.read_contents(source)
    with (
        Path(source).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
    ):
        return _native.read_contents(content)
