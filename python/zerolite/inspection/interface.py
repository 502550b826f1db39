"""The signatures that a file describes, also where nothing here can run them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count
from typing import Any

from zerolite import _native

__all__ = ["read_signatures"]

# What zerolite calls the only signature of a file without any, as the loaded model does.
_WITHOUT_SIGNATURE = "<placeholder signature>"


def read_signatures(content: bytes) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Read the signatures of a .tflite file, whether or not zerolite can run it.

    What names no tensor of the file is left out.

    Args:
        content: the file's bytes.

    Returns:
        Signature -> "inputs" and "outputs" -> for each tensor its "name", "dtype" as the format calls it, "shape",
        "shape_signature" (-1 for open dimensions) and "quantization" (None, or "scales", "zero_points" and "axis").

    Raises:
        ValueError: the content can't be read.
    """
    try:
        contents = _native.read_contents(content)
    except _native.InvalidModelError as error:
        raise ValueError(f"the model's signatures can't be read: {error}") from error
    if not contents.signatures and contents.subgraphs:
        main = contents.subgraphs[0]
        inputs, outputs = (
            [(main.tensors[index].name, index) for index in side] for side in (main.inputs, main.outputs)
        )
        return {_WITHOUT_SIGNATURE: _sides(main, inputs, outputs)}
    return {
        signature.key: _sides(graph, signature.inputs.items(), signature.outputs.items())
        for signature in contents.signatures
        if signature.subgraph < len(contents.subgraphs)
        for graph in [contents.subgraphs[signature.subgraph]]
    }


def _sides(
    graph: _native.StoredSubgraph, inputs: Iterable[tuple[str, int]], outputs: Iterable[tuple[str, int]]
) -> dict[str, list[dict[str, Any]]]:
    return {
        "inputs": _tensors(graph, _in_order(inputs, graph.inputs), "input"),
        "outputs": _tensors(graph, _in_order(outputs, graph.outputs), "output"),
    }


def _in_order(named: Iterable[tuple[str, int]], order: tuple[int, ...]) -> list[tuple[str, int]]:
    """The tensors as the graph orders them; what it does not list comes last."""
    places = {index: place for place, index in enumerate(order)}
    return sorted(named, key=lambda entry: places.get(entry[1], len(places)))


def _tensors(graph: _native.StoredSubgraph, named: Iterable[tuple[str, int]], unnamed: str) -> list[dict[str, Any]]:
    """The tensors under names that are there once, as a loaded model has them: a second "x" is "x_1"."""
    tensors: dict[str, dict[str, Any]] = {}
    for name, index in named:
        if not 0 <= index < len(graph.tensors):
            continue
        tensor = graph.tensors[index]
        wanted = name or tensor.name or unnamed
        numbered = (f"{wanted}_{number}" for number in count(1))
        distinct = next(one for one in chain([wanted], numbered) if one not in tensors)
        tensors[distinct] = _tensor(distinct, tensor)
    return list(tensors.values())


def _tensor(name: str, tensor: _native.StoredTensor) -> dict[str, Any]:
    return {
        "name": name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "shape_signature": None if tensor.shape_signature is None else list(tensor.shape_signature),
        "quantization": None
        if not tensor.scales
        else {
            "scales": [float(scale) for scale in tensor.scales],
            "zero_points": [int(zero_point) for zero_point in tensor.zero_points] or [0] * len(tensor.scales),
            "axis": tensor.axis,
        },
    }
