"""Reading tables of a FlatBuffer, with every offset checked."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

__all__ = ["Document", "Table"]

# A small buffer can name the same table very often, at each of several depths.
_MOST_TABLES = 20_000
_MOST_BYTES = 1 << 24
# The list of fields begins with its own size and the table's, 2 bytes each.
_LEAST_FIELDS = 4


class Document:
    """A FlatBuffer, and how much of it may still be read."""

    def __init__(self, content: bytes, *, most_tables: int | None = _MOST_TABLES) -> None:
        """Take the bytes; without a limit where something else has checked them."""
        self._content = content
        self._tables_left = len(content) if most_tables is None else most_tables
        self._bytes_left = max(_MOST_BYTES, 2 * len(content))

    def root(self) -> Table:
        """The outermost table.

        Raises:
            ValueError: its place is not in the buffer.
        """
        return self.table(self.integer("<I", 0))

    def table(self, place: int) -> Table:
        """The table at `place`.

        Raises:
            ValueError: it is not in the buffer, or too many tables were read already.
        """
        self._tables_left -= 1
        if self._tables_left < 0:
            raise ValueError("it names more tables than it can hold")
        return Table(self, place)

    def number(self, form: str, place: int) -> int | float:
        """The number of that form at `place`.

        Raises:
            ValueError: it is not in the buffer.
        """
        if place < 0 or place + struct.calcsize(form) > len(self._content):
            raise ValueError(f"an offset leads out of its {len(self._content)} bytes")
        found: int | float = struct.unpack_from(form, self._content, place)[0]
        return found

    def integer(self, form: str, place: int) -> int:
        """The integer of that form at `place`.

        Raises:
            ValueError: it is not in the buffer.
        """
        return int(self.number(form, place))

    def bytes_at(self, place: int, count: int) -> bytes:
        """`count` bytes at `place`.

        Raises:
            ValueError: they are not in the buffer, or too many were read already.
        """
        if place < 0 or place + count > len(self._content):
            raise ValueError(f"an offset leads out of its {len(self._content)} bytes")
        self.take(count)
        return self._content[place : place + count]

    def take(self, count: int) -> None:
        """Count what is read: a small buffer can name the same bytes again and again.

        Raises:
            ValueError: far more was read than is in it.
        """
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise ValueError("its texts and numbers are far more than its bytes")


class Table:
    """One table; fields are asked for by their number, and missing ones are empty.

    Attributes:
        begin: where it stands in the buffer.
    """

    def __init__(self, document: Document, place: int) -> None:
        """Find the list of the fields' places.

        Raises:
            ValueError: it is not in the buffer.
        """
        self._document = document
        self.begin = place
        self._fields = place - document.integer("<i", place)
        self._size = document.integer("<H", self._fields)
        if self._size < _LEAST_FIELDS:
            raise ValueError("the list of a table's fields is too short")

    def number(self, form: str, field: int) -> int | float:
        """A number of that form; 0 where it is missing."""
        place = self.place(field)
        return 0 if place is None else self._document.number(form, place)

    def text(self, field: int) -> str:
        """A string; "" where it is missing."""
        place = self.target(field)
        return "" if place is None else self._text_at(place)

    def texts(self, field: int) -> tuple[str, ...]:
        """A vector of strings."""
        return tuple(self._text_at(place) for place in self._targets(field))

    def child(self, field: int) -> Table | None:
        """A table; None where it is missing."""
        place = self.target(field)
        return None if place is None else self._document.table(place)

    def children(self, field: int) -> list[Table]:
        """A vector of tables."""
        return [self._document.table(place) for place in self._targets(field)]

    def numbers(self, form: str, field: int) -> tuple[Any, ...]:
        """A vector of numbers of that form, such as "<f"."""
        content = self._vector(field, struct.calcsize(form))
        return tuple(number for (number,) in struct.iter_unpack(form, content))

    def content(self, field: int) -> bytes:
        """A vector of bytes."""
        return self._vector(field, 1)

    def count(self, field: int) -> int:
        """How many items a vector has."""
        place = self.target(field)
        return 0 if place is None else self._document.integer("<I", place)

    def _vector(self, field: int, size: int) -> bytes:
        place = self.target(field)
        return b"" if place is None else self._document.bytes_at(place + 4, size * self.count(field))

    def _text_at(self, place: int) -> str:
        count = self._document.integer("<I", place)
        return self._document.bytes_at(place + 4, count).decode("utf-8", errors="replace")

    def _targets(self, field: int) -> Iterator[int]:
        """Where what a vector's offsets lead to begins."""
        place = self.target(field)
        if place is not None:
            count = self._document.integer("<I", place)
            for start in range(place + 4, place + 4 + 4 * count, 4):
                self._document.take(4)
                yield start + self._document.integer("<I", start)

    def numbers_present(self) -> list[int]:
        """The numbers of the fields that are there."""
        return [field for field in range(self._size // 2 - 2) if self.place(field) is not None]

    def place(self, field: int) -> int | None:
        """Where a field stands in the buffer; None where it is missing."""
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return None
        offset = self._document.integer("<H", self._fields + entry)
        return self.begin + offset if offset else None

    def target(self, field: int) -> int | None:
        """Where what a field refers to stands in the buffer; None where it is missing."""
        place = self.place(field)
        return None if place is None else place + self._document.integer("<I", place)
