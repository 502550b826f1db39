"""Entries of metadata in a model's FlatBuffer, put there without a change to the graph.

An entry needs a buffer, and both need room in lists that FlatBuffers can only refer to what stands behind them. So the
lists and the table that they hang on are written anew in front of all that the file has, which follows as it was: all
its offsets count from where they stand. The content comes behind, where a later one can take its place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from zerolite.metadata.flatbuffer.table import Document, Table
from zerolite.metadata.flatbuffer.table_writer import (
    Content,
    Node,
    Placed,
    Scalar,
    TableNode,
    TextNode,
    Vector,
    serialize,
)

__all__ = ["with_entry"]

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 64  # weights begin where their kernels expect them
_ENTRY_ALIGNMENT = 16
_PAGE = 4096  # for what is mapped from behind the FlatBuffer
_VERSION, _BUFFERS, _ENTRIES, _KNOWN_FIELDS = 0, 4, 6, 10
_CODES, _SUBGRAPHS = 1, 2
_TENSORS, _OPERATORS, _TENSOR_BUFFER = 0, 3, 2
_DATA, _PLACE = 0, 1
_LARGE_OPTIONS_PLACE = 9
_ENTRY_NAME, _ENTRY_BUFFER = 0, 1
_CUSTOM_CODE = 1
_NPU_OPERATOR = "DISPATCH_OP"


def with_entry(model: bytes, name: str, content: bytes) -> bytearray:
    """A model with an entry of metadata, in the place of one of that name.

    Args:
        model: a sound model, without files behind it.
        name: the name of the entry.
        content: its bytes.

    Raises:
        ValueError: the model has parts that can't be moved.
    """
    graph = _Graph(model)
    data, places = graph.replaceable(name), set(graph.file_places())
    # Behind what stands behind the FlatBuffer, offsets may not reach.
    if data is not None and (not places or len(content) <= data.size):
        return _with_content(model, data, content)
    changed = _with_new_entry(graph, places, name, content)
    if data is not None:
        begin = len(changed) - len(model) + data.begin + 4
        changed[begin : begin + data.size] = bytes(data.size)
    return changed


@dataclass(frozen=True, slots=True)
class _Data:
    """Where the content of an entry is: the offset that leads to it, and itself."""

    offset: int
    begin: int
    size: int


class _Graph:
    def __init__(self, model: bytes) -> None:
        self.model = model
        document = Document(model, most_tables=None)
        self.root = document.root()
        self.buffers = self.root.children(_BUFFERS)
        self.entries = self.root.children(_ENTRIES)
        self.subgraphs = self.root.children(_SUBGRAPHS)

    def replaceable(self, name: str) -> _Data | None:
        """The content of the only entry of that name, if nothing else in the file can mean it."""
        numbers = [at for at, one in enumerate(self.entries) if one.text(_ENTRY_NAME) == name]
        if len(numbers) != 1:
            return None
        (number,) = numbers
        index = int(self.entries[number].number("<I", _ENTRY_BUFFER))
        others = (int(one.number("<I", _ENTRY_BUFFER)) for at, one in enumerate(self.entries) if at != number)
        tensors = (
            int(one.number("<I", _TENSOR_BUFFER)) for graph in self.subgraphs for one in graph.children(_TENSORS)
        )
        if not 0 < index < len(self.buffers) or index in others or index in tensors:
            return None
        data = _data_of(self.buffers[index])
        shared = (_data_of(one) for at, one in enumerate(self.buffers) if at != index)
        return None if data is None or any(one is not None and one.begin == data.begin for one in shared) else data

    def file_places(self) -> Iterator[int]:
        """Where places are stored that count from the beginning of the file."""
        for buffer in self.buffers:
            place = buffer.place(_PLACE)
            # 1 stands for nothing yet.
            if place is not None and buffer.number("<Q", _PLACE) > 1:
                yield place
        for graph in self.subgraphs:
            for operator in graph.children(_OPERATORS):
                place = operator.place(_LARGE_OPTIONS_PLACE)
                if place is not None and operator.number("<Q", _LARGE_OPTIONS_PLACE) > 1:
                    yield place


def _data_of(buffer: Table) -> _Data | None:
    offset, begin = buffer.place(_DATA), buffer.target(_DATA)
    return None if offset is None or begin is None else _Data(offset, begin, buffer.count(_DATA))


def _with_content(model: bytes, data: _Data, content: bytes) -> bytearray:
    """`content` in the place of what an entry has: where that is, if there is room, or at the end."""
    changed = bytearray(model)
    end = data.begin + 4 + data.size
    if len(model) - end < _ENTRY_ALIGNMENT and not any(model[end:]):
        del changed[data.begin :]
    elif len(content) <= data.size:
        changed[data.begin : end] = struct.pack("<I", len(content)) + content + bytes(data.size - len(content))
        return changed
    else:
        changed[data.begin + 4 : end] = bytes(data.size)
    begin = _append(changed, content)
    struct.pack_into("<I", changed, data.offset, begin - data.offset)
    return changed


def _with_new_entry(graph: _Graph, places: set[int], name: str, content: bytes) -> bytearray:
    _check_movable(graph)
    alignment = _PAGE if places else _ALIGNMENT
    # The size of what comes in front does not depend on where it leads to, as long as that is behind it.
    behind = _PAGE + 4 * len(graph.buffers) + 4 * len(graph.entries) + len(content)
    data: Node = Content(content, len(content), _ENTRY_ALIGNMENT) if places else Placed(behind)
    size = len(_front(graph, name, behind, data))
    shift = size + -size % alignment
    moved = bytearray(shift) + graph.model
    for place in places:
        (before,) = struct.unpack_from("<Q", moved, shift + place)
        struct.pack_into("<Q", moved, shift + place, before + shift)
    if not places:
        data = Placed(_append(moved, content))
    moved[:size] = _front(graph, name, shift, data)
    return moved


def _front(graph: _Graph, name: str, shift: int, data: Node) -> bytes:
    """The outermost table with lists that have one buffer and one entry more; the old parts are `shift` bytes on."""
    fields: dict[int, Scalar | Node] = {}
    version = int(graph.root.number("<I", _VERSION))
    if version:
        fields[_VERSION] = Scalar("<I", version)
    for number in range(1, _KNOWN_FIELDS):
        target = graph.root.target(number)
        if target is not None:
            fields[number] = Placed(shift + target)
    buffers: list[Node] = [Placed(shift + one.begin) for one in graph.buffers] or [TableNode()]
    entries: list[Node] = [Placed(shift + one.begin) for one in graph.entries if one.text(_ENTRY_NAME) != name]
    entries.append(TableNode({_ENTRY_NAME: TextNode(name), _ENTRY_BUFFER: Scalar("<I", len(buffers))}))
    fields[_BUFFERS] = Vector([*buffers, TableNode({_DATA: data})])
    fields[_ENTRIES] = Vector(entries)
    return serialize(TableNode(fields), _IDENTIFIER)


def _append(model: bytearray, content: bytes) -> int:
    model += bytes(-(len(model) + 4) % _ENTRY_ALIGNMENT)
    begin = len(model)
    model += struct.pack("<I", len(content)) + content
    return begin


def _check_movable(graph: _Graph) -> None:
    unknown = [number for number in graph.root.numbers_present() if number >= _KNOWN_FIELDS]
    if unknown:
        raise ValueError(
            f"its outermost table has field {unknown[0]}, which this version of zerolite does not know; write the "
            "metadata with a newer one"
        )
    # Its options hold a place in the file, in a form of the NPU's own compiler.
    codes = graph.root.children(_CODES)
    if any(code.text(_CUSTOM_CODE) == _NPU_OPERATOR for code in codes):
        raise ValueError("it was compiled for an NPU, and can't be changed any more; write the metadata before that")
