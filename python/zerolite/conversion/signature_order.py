"""The order of inputs and outputs, which a SavedModel does not know, written into the converted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["SignatureOrder", "with_signature_order"]

#: The entry of the metadata that zerolite reads the order from.
_ENTRY = "zerolite.signature_order"
# FlatBuffers end at 2 GB, and making one takes a few copies.
_LARGEST = 2**30


class SignatureOrder(NamedTuple):
    """The names of a signature's inputs and outputs in the order of its source; empty where that is not known."""

    inputs: Sequence[str]
    outputs: Sequence[str]


def with_signature_order(content: bytes, orders: Mapping[str, SignatureOrder]) -> bytes:
    """The model with its inputs and outputs in the order of the source.

    The graph lists them in that order, for runtimes that go by it, and an entry of the metadata says that it is the
    source's. A signature whose names are others, and a model of more than 1 GB, are left as they are.

    Args:
        content: the bytes of a .tflite file.
        orders: by signature.
    """
    if not orders or len(content) > _LARGEST:
        return content
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(content)
    words: list[str] = []
    for signature in model.signatureDefs or []:
        key = signature.signatureKey.decode()
        order = orders.get(key, SignatureOrder((), ()))
        graph = model.subgraphs[signature.subgraphIndex]
        inputs = _in_order(signature.inputs, order.inputs)
        outputs = _in_order(signature.outputs, order.outputs)
        if inputs is None and outputs is None:
            continue
        graph.inputs = _arranged(graph.inputs, inputs)
        graph.outputs = _arranged(graph.outputs, outputs)
        names = [
            [tensor.name.decode() for tensor in (known or ())]  # an empty list fits no signature with tensors
            for known in (inputs, outputs)
        ]
        words += [key, str(len(names[0])), *names[0], str(len(names[1])), *names[1]]
    if not words:
        return content
    entry, buffer = schema.MetadataT(), schema.BufferT()
    buffer.data = list(b"".join(word.encode() + b"\0" for word in words))
    model.buffers.append(buffer)
    entry.name, entry.buffer = _ENTRY, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _in_order(tensors: Sequence[Any] | None, names: Sequence[str]) -> list[Any] | None:
    """The signature's tensors in the order of the names; None where these are others."""
    by_name = {tensor.name.decode(): tensor for tensor in tensors or ()}
    if not names or set(by_name) != set(names) or len(by_name) != len(names):
        return None
    return [by_name[name] for name in names]


def _arranged(indices: Any, tensors: Sequence[Any] | None) -> Any:
    """The graph's list of tensors, in the order of the signature's where that has each of them once."""
    wanted = [tensor.tensorIndex for tensor in tensors or ()]
    return wanted if sorted(wanted) == sorted(map(int, indices)) else indices
