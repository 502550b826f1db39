"""Reading the structure of a file."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

from zerolite.inspection.structure import ModelStructure, Operator, StoredTensor, Subgraph

__all__ = ["read_structure"]

_MIN_RUNTIME_VERSION = "min_runtime_version"
# In a builtin operator's old field of 8 bits, this says to look into the new one.
_PLACEHOLDER_FOR_GREATER = 127


def read_structure(content: bytes) -> ModelStructure:
    """Read what is inside a .tflite file that zerolite has loaded, and so found to be sound.

    Args:
        content: the file's bytes.

    Raises:
        ValueError: the content is not a sound model.
    """
    # The format's generated reader, which is part of the runtime's package.
    from ai_edge_litert import schema_py_generated as schema

    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        return _structure(model, schema, content)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError, struct.error) as error:
        raise ValueError(f"the model's structure can't be read: {type(error).__name__}: {error}") from error


def _structure(model: Any, schema: Any, content: bytes) -> ModelStructure:
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    builtin = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    sizes = [_buffer_size(buffer) for buffer in _all(model.buffers)]
    codes = [_code(code, builtin) for code in _all(model.operatorCodes)]
    metadata = {_text(entry.name): sizes[entry.buffer] for entry in _all(model.metadata)}
    oldest = next(
        (
            bytes(model.buffers[entry.buffer].data).rstrip(b"\0").decode("utf-8", errors="replace")
            for entry in _all(model.metadata)
            if _text(entry.name) == _MIN_RUNTIME_VERSION and sizes[entry.buffer]
        ),
        None,
    )
    return ModelStructure(
        description=_text(model.description),
        schema_version=int(model.version),
        min_runtime_version=oldest or None,
        subgraphs=tuple(_subgraph(graph, types, codes, sizes) for graph in _all(model.subgraphs)),
        metadata=metadata,
        attached_files=_attached_files(content),
    )


def _subgraph(
    graph: Any, types: dict[int, str], codes: Sequence[tuple[str, int, bool]], sizes: Sequence[int]
) -> Subgraph:
    return Subgraph(
        name=_text(graph.name),
        tensors=tuple(_tensor(tensor, types, sizes) for tensor in _all(graph.tensors)),
        operators=tuple(
            Operator(
                name=codes[operator.opcodeIndex][0],
                version=codes[operator.opcodeIndex][1],
                custom=codes[operator.opcodeIndex][2],
                inputs=_indices(operator.inputs),
                outputs=_indices(operator.outputs),
            )
            for operator in _all(graph.operators)
        ),
        inputs=_indices(graph.inputs),
        outputs=_indices(graph.outputs),
    )


def _tensor(tensor: Any, types: dict[int, str], sizes: Sequence[int]) -> StoredTensor:
    known = tensor.shapeSignature if len(_all(tensor.shapeSignature)) else tensor.shape
    shape = None if not tensor.hasRank and not len(_all(known)) and tensor.shape is None else _indices(known)
    scales = 0 if tensor.quantization is None else len(_all(tensor.quantization.scale))
    return StoredTensor(
        name=_text(tensor.name),
        dtype=types.get(tensor.type, f"type {tensor.type}"),
        shape=shape,
        constant_bytes=sizes[tensor.buffer] if tensor.buffer else 0,
        scales=scales,
        axis=int(tensor.quantization.quantizedDimension) if scales > 1 else None,
        variable=bool(tensor.isVariable),
    )


def _code(code: Any, builtin: dict[int, str]) -> tuple[str, int, bool]:
    """Name, version, and whether it is a custom one."""
    number = code.deprecatedBuiltinCode
    if number == _PLACEHOLDER_FOR_GREATER or code.builtinCode > number:
        number = code.builtinCode
    name = builtin.get(number, f"operator {number}")
    if name == "CUSTOM":
        return _text(code.customCode) or "CUSTOM", int(code.version), True
    return name, int(code.version), False


def _buffer_size(buffer: Any) -> int:
    if buffer.data is not None:
        return len(buffer.data)
    return int(buffer.size) if buffer.offset > 1 else 0  # large models keep contents behind the FlatBuffer


def _attached_files(content: bytes) -> tuple[str, ...]:
    """What TensorFlow's metadata writer packs at the end, as a ZIP archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return tuple(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ()


def _all(vector: Any) -> Any:
    return () if vector is None else vector


def _indices(vector: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in _all(vector))


def _text(value: Any) -> str:
    return "" if value is None else value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
