"""Records: dataclasses whose fields know how they are read, written, and said in plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from zerolite.metadata.flatbuffer.table import Table
from zerolite.metadata.flatbuffer.table_writer import Node, Scalar, TableNode

__all__ = ["Kind", "field_of", "from_plain", "plain", "read_record", "sequence", "shown", "table_node"]

_Record = TypeVar("_Record")
_KIND = "kind"
_MOST_SHOWN = 60
_SEQUENCES = (list, tuple)


class Kind(Protocol):
    """What a field holds. `where` names it in errors."""

    def read(self, table: Table) -> Any:
        """Its value in a table of a file."""

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        """What to write of it, by field number; nothing where it is empty."""

    def plain(self, value: Any) -> Any:
        """It in values that JSON has."""

    def parse(self, value: Any, where: str) -> Any:
        """It from values that JSON has."""


def read_record(cls: type[_Record], table: Table) -> _Record:
    """A record as a table of a file has it.

    Raises:
        ValueError: the table is broken, or what it says is no such record.
    """
    return cls(**{name: kind.read(table) for name, kind in _kinds(cls)})


def table_node(value: Any, where: str) -> TableNode:
    """The table that a record is written as.

    Raises:
        TypeError: a field holds a value of another type.
        ValueError: a field holds a value that can't be written.
    """
    found: dict[int, Scalar | Node] = {}
    for name, kind in _kinds(type(value)):
        found.update(kind.nodes(getattr(value, name), f"{where}.{name}"))
    return TableNode(found)


def plain(value: Any) -> dict[str, Any]:
    """A record in values that JSON has: field -> value."""
    return {name: kind.plain(getattr(value, name)) for name, kind in _kinds(type(value))}


def from_plain(cls: type[_Record], values: Any, where: str, *, ignored: Sequence[str] = ()) -> _Record:
    """A record from values that JSON has; some names are not of the record.

    Raises:
        ValueError: they are not what `plain` makes.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} is an object with the fields of {cls.__name__}; came {shown(values)}")
    values = {name: value for name, value in values.items() if name not in ignored}
    kinds = dict(_kinds(cls))
    unknown = [str(name) for name in values if name not in kinds]
    if unknown:
        raise ValueError(f"{where} has the unknown field '{unknown[0]}'; its fields are {', '.join(kinds)}")
    missing = [
        one.name
        for one in dataclasses.fields(cls)  # type: ignore[arg-type]
        if one.name in kinds and one.name not in values and one.default is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where} has no field '{missing[0]}', which it needs")
    return cls(**{name: kinds[name].parse(value, f"{where}.{name}") for name, value in values.items()})


def field_of(kind: Kind, default: Any) -> Any:
    """A field of a record: what it holds, and its default, or MISSING."""
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata={_KIND: kind})
    return dataclasses.field(default=default, metadata={_KIND: kind})


def sequence(value: Any, where: str, each: Callable[[Any, str], Any]) -> list[Any]:
    """What `each` makes of every item.

    Raises:
        TypeError: the value is no tuple and no list.
    """
    if not isinstance(value, _SEQUENCES):
        raise TypeError(f"{where} is a tuple or list; came {shown(value)}")
    return [each(one, f"{where}[{index}]") for index, one in enumerate(value)]


def shown(value: Any) -> str:
    """A value in an error, shortened where it is long."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def _kinds(cls: type) -> list[tuple[str, Kind]]:
    return [(one.name, one.metadata[_KIND]) for one in dataclasses.fields(cls) if _KIND in one.metadata]
