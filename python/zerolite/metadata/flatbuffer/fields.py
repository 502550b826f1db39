"""Fields of records: texts, numbers, words, bytes, and other records."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
import struct
from collections.abc import Sequence
from typing import Any

from zerolite.metadata.flatbuffer.records import (
    field_of,
    from_plain,
    plain,
    read_record,
    sequence,
    shown,
    table_node,
)
from zerolite.metadata.flatbuffer.table import Table
from zerolite.metadata.flatbuffer.table_writer import Content, Node, Scalar, TableNode, TextNode, Vector

__all__ = ["binary", "integer_pair", "number", "numbers", "record", "records", "text", "texts", "word"]

_FLOAT = "<f"
_SEQUENCES = (list, tuple)


def text(slot: int, *, required: bool = False) -> Any:
    """A field that is a string."""
    return field_of(_Text(slot), dataclasses.MISSING if required else "")


def texts(slot: int) -> Any:
    """A field of strings."""
    return field_of(_Texts(slot), ())


def number(slot: int, form: str) -> Any:
    """A field that is a number, of a form as `struct` names it."""
    return field_of(_Number(slot, form), 0.0 if form == _FLOAT else 0)


def numbers(slot: int, form: str) -> Any:
    """A field of numbers."""
    return field_of(_Numbers(slot, form), ())


def word(slot: int, words: Sequence[str]) -> Any:
    """A field that is one of some words, the first where the file says nothing."""
    return field_of(_Word(slot, tuple(words)), words[0])


def binary(slot: int, alignment: int) -> Any:
    """A field of bytes."""
    return field_of(_Binary(slot, alignment), b"")


def integer_pair(slot: int, form: str) -> Any:
    """A field that is two integers, or None; in files, a table of two fields."""
    return field_of(_Pair(slot, form), None)


def record(slot: int, cls: type) -> Any:
    """A field that is another record, or None."""
    return field_of(_One(slot, cls), None)


def records(slot: int, cls: type) -> Any:
    """A field of records."""
    return field_of(_Many(slot, cls), ())


@dataclasses.dataclass(frozen=True)
class _Text:
    slot: int

    def read(self, table: Table) -> str:
        return table.text(self.slot)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        return {self.slot: _text_node(value, where)} if value != "" else {}

    def plain(self, value: str) -> str:
        return value

    def parse(self, value: Any, where: str) -> str:
        return _text_of(value, where)


@dataclasses.dataclass(frozen=True)
class _Texts:
    slot: int

    def read(self, table: Table) -> tuple[str, ...]:
        return table.texts(self.slot)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        items = sequence(value, where, _text_node)
        return {self.slot: Vector(items)} if items else {}

    def plain(self, value: Sequence[str]) -> list[str]:
        return list(value)

    def parse(self, value: Any, where: str) -> tuple[str, ...]:
        return tuple(sequence(value, where, _text_of))


@dataclasses.dataclass(frozen=True)
class _Number:
    slot: int
    form: str

    def read(self, table: Table) -> int | float:
        found = table.number(self.form, self.slot)
        return float(found) if self.form == _FLOAT else found

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        _packed(self.form, [value], where)
        return {self.slot: Scalar(self.form, value)} if value != 0 else {}

    def plain(self, value: float) -> float | str:
        return _plain_number(value)

    def parse(self, value: Any, where: str) -> int | float:
        return _number_of(value, where, whole=self.form != _FLOAT)


@dataclasses.dataclass(frozen=True)
class _Numbers:
    slot: int
    form: str

    def read(self, table: Table) -> tuple[Any, ...]:
        return table.numbers(self.form, self.slot)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        items = sequence(value, where, lambda one, _: one)
        return {self.slot: Content(_packed(self.form, items, where), len(items))} if items else {}

    def plain(self, value: Sequence[float]) -> list[float | str]:
        return [_plain_number(one) for one in value]

    def parse(self, value: Any, where: str) -> tuple[int | float, ...]:
        return tuple(sequence(value, where, lambda one, name: _number_of(one, name, whole=self.form != _FLOAT)))


@dataclasses.dataclass(frozen=True)
class _Word:
    slot: int
    words: tuple[str, ...]

    def read(self, table: Table) -> str:
        found = int(table.number("<B", self.slot))
        return self.words[found] if found < len(self.words) else self.words[0]

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        index = self.words.index(self.parse(value, where))
        return {self.slot: Scalar("<B", index)} if index else {}

    def plain(self, value: str) -> str:
        return value

    def parse(self, value: Any, where: str) -> str:
        if value not in self.words:
            raise ValueError(f"{where} is one of {', '.join(self.words)}; came {shown(value)}")
        return str(value)


@dataclasses.dataclass(frozen=True)
class _Binary:
    slot: int
    alignment: int

    def read(self, table: Table) -> bytes:
        return table.content(self.slot)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"{where} is bytes; came {shown(value)}")
        return {self.slot: Content(bytes(value), len(bytes(value)), self.alignment)} if value else {}

    def plain(self, value: bytes) -> str:
        return base64.b64encode(value).decode("ascii")

    def parse(self, value: Any, where: str) -> bytes:
        try:
            return base64.b64decode(_text_of(value, where), validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise ValueError(f"{where} is bytes in base64; came {shown(value)}") from error


@dataclasses.dataclass(frozen=True)
class _Pair:
    slot: int
    form: str

    def read(self, table: Table) -> tuple[int, int] | None:
        child = table.child(self.slot)
        return None if child is None else (int(child.number(self.form, 0)), int(child.number(self.form, 1)))

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        if value is None:
            return {}
        first, second = self.parse(value, where) or (0, 0)
        _packed(self.form, [first, second], where)
        fields = {slot: Scalar(self.form, one) for slot, one in enumerate((first, second)) if one}
        return {self.slot: TableNode(fields)}

    def plain(self, value: tuple[int, int] | None) -> list[int] | None:
        return None if value is None else list(value)

    def parse(self, value: Any, where: str) -> tuple[int, int] | None:
        if value is None:
            return None
        if not isinstance(value, _SEQUENCES) or len(value) != 2:  # noqa: PLR2004
            raise ValueError(f"{where} is two whole numbers; came {shown(value)}")
        first, second = (int(_number_of(one, where, whole=True)) for one in value)
        return first, second


@dataclasses.dataclass(frozen=True)
class _One:
    slot: int
    cls: type

    def read(self, table: Table) -> Any:
        child = table.child(self.slot)
        return None if child is None else read_record(self.cls, child)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        return {} if value is None else {self.slot: _record_node(self.cls, value, where)}

    def plain(self, value: Any) -> dict[str, Any] | None:
        return None if value is None else plain(value)

    def parse(self, value: Any, where: str) -> Any:
        return None if value is None else from_plain(self.cls, value, where)


@dataclasses.dataclass(frozen=True)
class _Many:
    slot: int
    cls: type

    def read(self, table: Table) -> tuple[Any, ...]:
        return tuple(read_record(self.cls, child) for child in table.children(self.slot))

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        items = sequence(value, where, lambda one, name: _record_node(self.cls, one, name))
        return {self.slot: Vector(items)} if items else {}

    def plain(self, value: Sequence[Any]) -> list[dict[str, Any]]:
        return [plain(one) for one in value]

    def parse(self, value: Any, where: str) -> tuple[Any, ...]:
        return tuple(sequence(value, where, lambda one, name: from_plain(self.cls, one, name)))


def _record_node(cls: type, value: Any, where: str) -> TableNode:
    if not isinstance(value, cls):
        raise TypeError(f"{where} is of {cls.__name__}; came {shown(value)}")
    return table_node(value, where)


def _text_node(value: Any, where: str) -> TextNode:
    return TextNode(_text_of(value, where))


def _text_of(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where} is a string; came {shown(value)}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{where} has characters that UTF-8 has not: {shown(value)}") from error
    return value


def _plain_number(value: float) -> float | str:
    """JSON has no number for what is not finite."""
    return value if math.isfinite(value) else str(value)


def _number_of(value: Any, where: str, *, whole: bool) -> int | float:
    if not whole and value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise TypeError(f"{where} is a {'whole ' if whole else ''}number; came {shown(value)}")
    return value if whole else float(value)


def _packed(form: str, values: Sequence[Any], where: str) -> bytes:
    try:
        return struct.pack(f"<{len(values)}{form[1:]}", *values)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{where} takes numbers of the form {_FORMS[form]}; came {shown(list(values))}") from error


_FORMS = {_FLOAT: "float32", "<I": "uint32", "<i": "int32"}
