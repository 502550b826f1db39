"""Writing FlatBuffers: tables, vectors and strings, each behind what refers to it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Content", "Node", "Placed", "Scalar", "TableNode", "TextNode", "Vector", "serialize"]

_OFFSET = 4
_MOST_BYTES = 0x7FFF_FFFF  # FlatBuffers' own readers take no more


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number that stands in its table: the form as `struct` names it, and the value."""

    form: str
    value: int | float


@dataclass(frozen=True, slots=True)
class TextNode:
    """A string."""

    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """A vector of numbers, packed already; it begins on a multiple of `alignment`."""

    packed: bytes
    count: int
    alignment: int = _OFFSET


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector of tables or strings."""

    items: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands somewhere already: its place from the beginning of what is written."""

    place: int


@dataclass(frozen=True, slots=True)
class TableNode:
    """A table: field number -> what is in it. What is left out has its default."""

    fields: Mapping[int, Scalar | Node] = field(default_factory=dict)


Node: TypeAlias = TableNode | Vector | TextNode | Content | Placed


def serialize(root: TableNode, identifier: bytes) -> bytes:
    """The bytes of a FlatBuffer.

    Args:
        root: the outermost table.
        identifier: the four bytes that name the schema.

    Raises:
        ValueError: it would be too large.
    """
    return _Buffer(identifier).finish(root)


class _Buffer:
    def __init__(self, identifier: bytes) -> None:
        self._bytes = bytearray(_OFFSET) + identifier

    def finish(self, root: TableNode) -> bytes:
        self._refer(0, self._table(root))
        return bytes(self._bytes)

    def _put(self, node: Node) -> int:
        """Write it at the end; where it begins."""
        if isinstance(node, Placed):
            return node.place
        if isinstance(node, TableNode):
            return self._table(node)
        if isinstance(node, Vector):
            return self._vector(node)
        if isinstance(node, TextNode):
            encoded = node.text.encode("utf-8")
            return self._counted(encoded + b"\0", len(encoded), _OFFSET)
        return self._counted(node.packed, node.count, node.alignment)

    def _table(self, node: TableNode) -> int:
        # The widest first, so that no gaps are needed between them.
        sizes = {number: _size(value) for number, value in node.fields.items()}
        order = sorted(node.fields, key=lambda number: (-sizes[number], number))
        alignment = max([_OFFSET, *sizes.values()])
        places: dict[int, int] = {}
        end = _OFFSET
        for number in order:
            end += -end % sizes[number]
            places[number] = end
            end += sizes[number]
        count = max(node.fields, default=-1) + 1
        listed = struct.pack(f"<{2 + count}H", 4 + 2 * count, end, *(places.get(one, 0) for one in range(count)))
        self._pad(alignment, len(listed))
        self._bytes += listed
        start = len(self._bytes)
        self._bytes += struct.pack("<i", len(listed)) + bytes(end - _OFFSET)
        for number in order:
            value = node.fields[number]
            if isinstance(value, Scalar):
                struct.pack_into(value.form, self._bytes, start + places[number], value.value)
        for number in sorted(node.fields):
            value = node.fields[number]
            if not isinstance(value, Scalar):
                self._refer(start + places[number], self._put(value))
        return start

    def _vector(self, node: Vector) -> int:
        start = self._counted(bytes(_OFFSET * len(node.items)), len(node.items), _OFFSET)
        for index, item in enumerate(node.items):
            self._refer(start + _OFFSET * (1 + index), self._put(item))
        return start

    def _counted(self, packed: bytes, count: int, alignment: int) -> int:
        self._pad(alignment, _OFFSET)
        start = len(self._bytes)
        self._bytes += struct.pack("<I", count) + packed
        return start

    def _pad(self, alignment: int, ahead: int) -> None:
        """Fill up, so that what comes `ahead` bytes later is aligned."""
        self._bytes += bytes(-(len(self._bytes) + ahead) % alignment)

    def _refer(self, place: int, target: int) -> None:
        if target > _MOST_BYTES:
            raise ValueError(f"it would be {target} bytes large, and {_MOST_BYTES} are possible")
        struct.pack_into("<I", self._bytes, place, target - place)


def _size(value: Scalar | Node) -> int:
    return struct.calcsize(value.form) if isinstance(value, Scalar) else _OFFSET
