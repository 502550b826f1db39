"""The FlatBuffer that metadata is stored as: file identifier M001.

The numbers of fields and kinds, here and in the records, are facts of the published schema, version 1.5.0:
`metadata_schema.fbs` of tensorflow/tflite-support.
"""

from __future__ import annotations

from dataclasses import replace

from zerolite.metadata.content import AudioProperties
from zerolite.metadata.description import Metadata, SubgraphMetadata
from zerolite.metadata.flatbuffer.records import read_record, table_node
from zerolite.metadata.flatbuffer.table import Document
from zerolite.metadata.flatbuffer.table_writer import serialize
from zerolite.metadata.process_units import BertTokenizer, RegexTokenizer, SentencePieceTokenizer

__all__ = ["decode", "encode"]

_IDENTIFIER = b"M001"
# The schema's versions that brought what the first one, 1.0.0, does not have.
_FIRST = (1, 0, 0)
_KINDS_SINCE = {"vocabulary": (1, 0, 1), "scann_index": (1, 4, 0)}
_UNITS_SINCE = {BertTokenizer: (1, 1, 0), SentencePieceTokenizer: (1, 1, 0), RegexTokenizer: (1, 2, 1)}
_GRAPH_UNITS, _GROUPS, _AUDIO, _FILE_VERSION, _CUSTOM = (1, 1, 0), (1, 2, 0), (1, 3, 0), (1, 4, 1), (1, 5, 0)


def decode(content: bytes) -> Metadata:
    """Read metadata.

    Raises:
        ValueError: it is broken, or is something else.
    """
    if content[4:8] != _IDENTIFIER:
        raise ValueError(f"it has the identifier {content[4:8]!r}, and {_IDENTIFIER!r} is known")
    return read_record(Metadata, Document(content).root())


def encode(metadata: Metadata) -> bytes:
    """Write metadata, with the oldest version of the schema that has what is used.

    Raises:
        TypeError: a field holds a value of another type.
        ValueError: a field holds a value that can't be written.
    """
    table_node(metadata, "metadata")  # of the right types, before they are looked into
    needed = max(_needed(metadata), _parsed(metadata.min_parser_version))
    stamped = replace(metadata, min_parser_version=".".join(map(str, needed)))
    return serialize(table_node(stamped, "metadata"), _IDENTIFIER)


def _needed(metadata: Metadata) -> tuple[int, ...]:
    versions = [_FIRST]
    for file in metadata.all_files:
        versions.append(_KINDS_SINCE.get(file.kind, _FIRST))
        versions.append(_FILE_VERSION if file.version else _FIRST)
    for graph in metadata.subgraphs:
        versions += _needed_by_graph(graph)
    return max(versions)


def _needed_by_graph(graph: SubgraphMetadata) -> list[tuple[int, int, int]]:
    found = []
    if graph.input_process_units or graph.output_process_units:
        found.append(_GRAPH_UNITS)
    if graph.input_groups or graph.output_groups:
        found.append(_GROUPS)
    if graph.custom:
        found.append(_CUSTOM)
    tensors = (*graph.inputs, *graph.outputs)
    if any(one.content is not None and isinstance(one.content.properties, AudioProperties) for one in tensors):
        found.append(_AUDIO)
    of_tensors = [unit for one in tensors for unit in one.process_units]
    for unit in (*of_tensors, *graph.input_process_units, *graph.output_process_units):
        found.append(_UNITS_SINCE.get(type(unit), _FIRST))
    return found


def _parsed(version: str) -> tuple[int, ...]:
    """What a file asks for may be more than is known here."""
    parts = version.split(".")
    known = [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 6]  # noqa: PLR2004
    return tuple(known) if len(known) == len(parts) else _FIRST
