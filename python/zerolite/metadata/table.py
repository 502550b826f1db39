"""Reading tables of a FlatBuffer, with every offset checked."""

from __future__ import annotations

import struct

__all__ = ["Document", "Table"]

# A small buffer can name the same table very often, at each of several depths.
_MOST_TABLES = 20_000
_MOST_BYTES = 1 << 24
# The list of fields begins with its own size and the table's, 2 bytes each.
_LEAST_FIELDS = 4


class Document:
    """A FlatBuffer, and how much of it may still be read."""

    def __init__(self, content: bytes) -> None:
        """Take the bytes."""
        self._content = content
        self._tables_left = _MOST_TABLES
        self._bytes_left = _MOST_BYTES

    def root(self) -> Table:
        """The outermost table.

        Raises:
            ValueError: its place is not in the buffer.
        """
        return self.table(self.number("<I", 0))

    def table(self, place: int) -> Table:
        """The table at `place`.

        Raises:
            ValueError: it is not in the buffer, or too many tables were read already.
        """
        self._tables_left -= 1
        if self._tables_left < 0:
            raise ValueError(f"it has more than {_MOST_TABLES} tables")
        return Table(self, place)

    def number(self, form: str, place: int) -> int:
        """The integer of that form at `place`.

        Raises:
            ValueError: it is not in the buffer.
        """
        if place < 0 or place + struct.calcsize(form) > len(self._content):
            raise ValueError(f"an offset leads out of its {len(self._content)} bytes")
        return int(struct.unpack_from(form, self._content, place)[0])

    def bytes_at(self, place: int, count: int) -> bytes:
        """`count` bytes at `place`.

        Raises:
            ValueError: they are not in the buffer, or too many were read already.
        """
        if place < 0 or place + count > len(self._content):
            raise ValueError(f"an offset leads out of its {len(self._content)} bytes")
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise ValueError(f"its texts and numbers are more than {_MOST_BYTES} bytes")
        return self._content[place : place + count]


class Table:
    """One table; fields are asked for by their number, and missing ones are empty."""

    def __init__(self, document: Document, place: int) -> None:
        """Find the list of the fields' places.

        Raises:
            ValueError: it is not in the buffer.
        """
        self._document = document
        self._place = place
        self._fields = place - document.number("<i", place)
        self._size = document.number("<H", self._fields)
        if self._size < _LEAST_FIELDS:
            raise ValueError("the list of a table's fields is too short")

    def byte(self, field: int) -> int:
        """An unsigned byte; 0 where it is missing."""
        place = self._field(field)
        return 0 if place is None else self._document.number("<B", place)

    def text(self, field: int) -> str:
        """A string; "" where it is missing."""
        place = self._target(field)
        if place is None:
            return ""
        count = self._document.number("<I", place)
        return self._document.bytes_at(place + 4, count).decode("utf-8", errors="replace")

    def child(self, field: int) -> Table | None:
        """A table; None where it is missing."""
        place = self._target(field)
        return None if place is None else self._document.table(place)

    def children(self, field: int) -> list[Table]:
        """A vector of tables."""
        place = self._target(field)
        if place is None:
            return []
        count = self._document.number("<I", place)
        starts = range(place + 4, place + 4 + 4 * count, 4)
        return [self._document.table(start + self._document.number("<I", start)) for start in starts]

    def floats(self, field: int) -> tuple[float, ...]:
        """A vector of float32."""
        place = self._target(field)
        if place is None:
            return ()
        count = self._document.number("<I", place)
        return struct.unpack(f"<{count}f", self._document.bytes_at(place + 4, 4 * count))

    def _field(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return None
        offset = self._document.number("<H", self._fields + entry)
        return self._place + offset if offset else None

    def _target(self, field: int) -> int | None:
        place = self._field(field)
        return None if place is None else place + self._document.number("<I", place)
