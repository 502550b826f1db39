"""Writing metadata, and files, into a .tflite file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from zerolite import _native
from zerolite._hub.download import came_from_network
from zerolite._platform.files import check_writable_target, read_file, write_atomically
from zerolite.metadata.archive import Archive, packed
from zerolite.metadata.codec import decode, encode
from zerolite.metadata.description import Metadata
from zerolite.metadata.graph import with_entry
from zerolite.metadata.model_file import ModelFile, name_of, opened
from zerolite.metadata.reading import ENTRY, broken_files_named, read_entry

__all__ = ["PackedFile", "write"]

#: What to pack: the content, or the path of a file that has it.
PackedFile: TypeAlias = bytes | bytearray | memoryview | os.PathLike[str]


def write(
    model: ModelFile,
    metadata: Metadata,
    files: Mapping[str, PackedFile] | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
) -> bytes:
    """Write metadata and files into a model; its graph stays as it is.

    The bytes of the model are moved as a whole to make room, or not at all where it has metadata already: every
    tensor, buffer and operator is the same, and so is what a run gives. Files are packed as they are, behind the model.

    Args:
        model: the path of a .tflite file, or its bytes.
        metadata: what to say of it, in the place of what it says now. Its `attached_files` don't count.
        files: name -> content, or the path of a file with the content; they take the place of those that are packed
            now. None keeps these.
        path: where to write the model; the file of `model` itself is possible, too. None: nowhere.

    Returns:
        The bytes of the model with the metadata.

    Raises:
        OSError: a file can't be read, or the model can't be written.
        TypeError: a field of the metadata holds a value of another type.
        ValueError: the file is no sound model, the metadata does not fit its graph or names files that are not there,
            or a field holds a value that can't be written.
    """
    if path is not None:
        _check_target(Path(path))
    with opened(model) as (content, file):
        with broken_files_named(model):
            archive = Archive.look_into(file)
            kept = {name: archive.read(file, name) for name in archive.names} if files is None else {}
        before = read_entry(model, content)
        graph = bytes(content[: archive.begin])
    chosen = kept if files is None else {name: _content(one) for name, one in files.items()}
    entry = encode(metadata)
    _check_graph(model, graph, metadata)
    _check_files(metadata, chosen)
    if before is None and metadata == Metadata():
        written = packed(graph, chosen)
    else:
        try:
            written = packed(with_entry(graph, ENTRY, entry), chosen)
        except ValueError as error:
            raise ValueError(f"no metadata can be written into {name_of(model)}: {error}") from error
        _check_written(model, written, entry)
    if path is not None:
        write_atomically(Path(path), written)
    return written


def _check_target(path: Path) -> None:
    if came_from_network(str(path)):
        raise ValueError(
            f"{path} lies in the cache of huggingface-hub, where files stay what the Hub has; name another file for "
            "the result"
        )
    check_writable_target(path)


def _content(given: PackedFile) -> bytes:
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given)
    if isinstance(given, os.PathLike):
        return read_file(given)
    raise TypeError(
        f"a file to pack is given as its bytes, or as a pathlib.Path that leads to it; came {type(given).__name__}"
    )


def _check_graph(model: ModelFile, graph: bytes, metadata: Metadata) -> None:
    """Others pair the descriptions with the graph's inputs and outputs by their order."""
    try:
        subgraphs = _native.read_contents(graph).subgraphs
    except _native.InvalidModelError as error:
        raise ValueError(f"{name_of(model)} is no sound model without the files in it: {error}") from error
    if len(metadata.subgraphs) > len(subgraphs):
        raise ValueError(
            f"the metadata describes {len(metadata.subgraphs)} graphs, and {name_of(model)} has {len(subgraphs)}; "
            "leave out the others"
        )
    for described, stored in zip(metadata.subgraphs, subgraphs, strict=False):
        sides = (("inputs", described.inputs, stored.inputs), ("outputs", described.outputs, stored.outputs))
        for side, tensors, indices in sides:
            if len(tensors) not in (0, len(indices)):
                raise ValueError(
                    f"the metadata describes {len(tensors)} {side}, and the graph of {name_of(model)} has "
                    f"{len(indices)}; describe each of them, in the graph's order, with TensorMetadata() for one of "
                    "which nothing is known"
                )


def _check_files(metadata: Metadata, files: Mapping[str, bytes]) -> None:
    for named in metadata.all_files:
        if named.name not in files:
            known = ", ".join(f"'{one}'" for one in files) or "none"
            raise ValueError(
                f"the metadata names the file '{named.name}', which is not packed; give its content in files=, or "
                f"leave it out (the files to pack: {known})"
            )


def _check_written(model: ModelFile, written: bytes, entry: bytes) -> None:
    """A file that is made to mislead has parts that mean several things."""
    found = read_entry(model, written)
    if found is None or found != entry:
        raise ValueError(
            f"no metadata can be written into {name_of(model)}: its parts overlap; convert the model again"
        )
    decode(found)
