"""Choosing layers of a model by operator, by name or by pattern."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zerolite import _native

__all__ = ["Layer", "chosen_layers", "layers_of"]

# The longest list of names in an error.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator of a graph.

    Attributes:
        operator: its type, as in "CONV_2D".
        tensors: the names of the tensors that it computes; of those that it takes, where it computes none.
        constants: the names of its weights and other constants. The converter names an output of the model anew, and
            the weights then tell which layer it was.
        inputs: the names of the tensors that it takes and that are no constants.
        constant_bytes: how much its constants take up.
    """

    operator: str
    tensors: tuple[str, ...]
    constants: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    constant_bytes: int = 0

    @property
    def name(self) -> str:
        """What errors and results call it: the name of the first tensor."""
        return self.tensors[0] if self.tensors else self.operator

    def answers_to(self, pattern: str) -> bool:
        """Whether the layer is meant by an operator's type, a name or a pattern: see `chosen_layers`."""
        return any(word == pattern or fnmatchcase(word, pattern) for word in self.words())

    def words(self) -> Iterator[str]:
        """All that the layer goes by."""
        yield self.operator
        for tensor in (*self.tensors, *self.constants):
            yield tensor
            # The converter joins the names of what it fuses; a name is the path of a tensor through the layers.
            for path in tensor.split(";"):
                yield path
                yield from path.split("/")


def layers_of(content: bytes) -> list[Layer]:
    """The operators of a sound .tflite file's graphs, in order.

    Args:
        content: the file's bytes.
    """
    found = []
    for subgraph in _native.read_contents(content).subgraphs:
        for operator in subgraph.operators:
            tensors = [subgraph.tensors[index].name for index in operator.outputs if index >= 0]
            if not tensors:
                tensors = [subgraph.tensors[index].name for index in operator.inputs if index >= 0]
            inputs = [subgraph.tensors[index] for index in operator.inputs if index >= 0]
            found.append(
                Layer(
                    operator.name,
                    tuple(tensors),
                    constants=tuple(tensor.name for tensor in inputs if tensor.constant_bytes),
                    inputs=tuple(tensor.name for tensor in inputs if not tensor.constant_bytes),
                    constant_bytes=sum(tensor.constant_bytes for tensor in inputs),
                )
            )
    return found


def chosen_layers(layers: Sequence[Layer], patterns: Sequence[str], model: str) -> list[Layer]:
    """The layers that any of the patterns means, in the order of the model.

    Args:
        layers: those of the model.
        patterns: each the type of an operator ("SOFTMAX"), the name of a tensor that a layer computes or of its
            weights, a part of such a name ("dense_1" of "model/dense_1/MatMul;model/dense_1/BiasAdd"), or a pattern of
            any of these with * ? and [...] as in a shell.
        model: what errors call the model.

    Raises:
        ValueError: a pattern means no layer.
    """
    chosen: set[Layer] = set()
    for pattern in patterns:
        # The whole name of what a layer computes is one layer's, though it may be a part of another's name.
        found = [layer for layer in layers if pattern in layer.tensors] or [
            layer for layer in layers if layer.answers_to(pattern)
        ]
        if not found:
            raise ValueError(f"keep_float: no layer of '{model}' is meant by '{pattern}'; {_known(layers, pattern)}")
        chosen.update(found)
    return [layer for layer in layers if layer in chosen]


def _known(layers: Sequence[Layer], pattern: str) -> str:
    words = dict.fromkeys(word for layer in layers for word in layer.words() if word)
    close = difflib.get_close_matches(pattern, words, n=_SHOWN, cutoff=0.6)
    if close:
        return f"near to it are {', '.join(close)}"
    operators = ", ".join(dict.fromkeys(layer.operator for layer in layers))
    return f"it has the operators {operators}, and `zerolite info` shows the names of its tensors"
