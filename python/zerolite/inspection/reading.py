"""Reading the structure of a file."""

from __future__ import annotations

import io
import zipfile

from zerolite import _native
from zerolite.inspection.structure import ModelStructure, Operator, StoredTensor, Subgraph

__all__ = ["read_structure"]


def read_structure(content: bytes) -> ModelStructure:
    """Read what is inside a .tflite file, whether or not zerolite can run it.

    Args:
        content: the file's bytes.

    Raises:
        ValueError: the content is not a sound model.
    """
    try:
        contents = _native.read_contents(content)
    except _native.InvalidModelError as error:
        raise ValueError(f"the model's structure can't be read: {error}") from error
    oldest = contents.metadata.get("min_runtime_version", b"").rstrip(b"\0").decode("utf-8", errors="replace")
    return ModelStructure(
        description=contents.description,
        schema_version=contents.schema_version,
        min_runtime_version=oldest or None,
        subgraphs=tuple(_subgraph(graph) for graph in contents.subgraphs),
        metadata={name: len(entry) for name, entry in contents.metadata.items()},
        attached_files=_attached_files(content),
    )


def _subgraph(graph: _native.StoredSubgraph) -> Subgraph:
    return Subgraph(
        name=graph.name,
        tensors=tuple(_tensor(tensor) for tensor in graph.tensors),
        operators=tuple(
            Operator(name=one.name, version=one.version, custom=one.custom, inputs=one.inputs, outputs=one.outputs)
            for one in graph.operators
        ),
        inputs=graph.inputs,
        outputs=graph.outputs,
    )


def _tensor(tensor: _native.StoredTensor) -> StoredTensor:
    scales = len(tensor.scales)
    return StoredTensor(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape_signature,
        constant_bytes=tensor.constant_bytes,
        scales=scales,
        axis=tensor.axis if scales > 1 else None,
        variable=tensor.variable,
    )


def _attached_files(content: bytes) -> tuple[str, ...]:
    """What TensorFlow's metadata writer packs at the end, as a ZIP archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return tuple(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ()
