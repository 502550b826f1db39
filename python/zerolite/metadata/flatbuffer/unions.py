"""Fields that hold a record of one of several kinds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from zerolite.metadata.flatbuffer.records import field_of, from_plain, plain, read_record, sequence, shown, table_node
from zerolite.metadata.flatbuffer.table import Table
from zerolite.metadata.flatbuffer.table_writer import Node, Scalar, TableNode, Vector

__all__ = ["Choices", "Unknown", "one_of", "some_of"]

#: The name of each kind and its class, in the order of the schema's numbers, which begin at 1.
Choices: TypeAlias = tuple[tuple[str, type], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Unknown:
    """What a newer schema has and this version of zerolite does not know; it can't be written.

    Attributes:
        number: its number in the union of the schema.
    """

    number: int


def one_of(slot: int, choices: Choices) -> Any:
    """A field with a record of one of the kinds, or None; its number is at `slot`, the record in the field after it."""
    return field_of(_OneOf(slot, choices), None)


def some_of(slot: int, choices: Choices) -> Any:
    """A field with records of the kinds; in files, each is in a table of its own."""
    return field_of(_SomeOf(slot, _OneOf(0, choices)), ())


@dataclasses.dataclass(frozen=True)
class _OneOf:
    slot: int
    choices: Choices

    def read(self, table: Table) -> Any:
        number = int(table.number("<B", self.slot))
        child = table.child(self.slot + 1) if number else None
        if child is None:
            return None
        return read_record(self.choices[number - 1][1], child) if number <= len(self.choices) else Unknown(number)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        if value is None:
            return {}
        number = self._index(value, where) + 1
        return {self.slot: Scalar("<B", number), self.slot + 1: table_node(value, where)}

    def plain(self, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        if isinstance(value, Unknown):
            return {"type": "unknown", "number": value.number}
        return {"type": self.choices[self._index(value, "a field")][0], **plain(value)}

    def parse(self, value: Any, where: str) -> Any:
        if value is None:
            return None
        names = ", ".join(name for name, _ in self.choices)
        if not isinstance(value, Mapping) or "type" not in value:
            raise ValueError(f"{where} is an object with a type, one of {names}; came {shown(value)}")
        for name, cls in self.choices:
            if value["type"] == name:
                return from_plain(cls, {key: one for key, one in value.items() if key != "type"}, where)
        raise ValueError(f"{where}.type is one of {names}; came {shown(value['type'])}")

    def _index(self, value: Any, where: str) -> int:
        for index, (_, cls) in enumerate(self.choices):
            if isinstance(value, cls):
                return index
        if isinstance(value, Unknown):
            raise ValueError(
                f"{where} is number {value.number} of a newer schema, which zerolite can't write; leave it out"
            )
        expected = ", ".join(cls.__name__ for _, cls in self.choices)
        raise TypeError(f"{where} is one of {expected}; came {shown(value)}")


@dataclasses.dataclass(frozen=True)
class _SomeOf:
    slot: int
    each: _OneOf

    def read(self, table: Table) -> tuple[Any, ...]:
        found = (self.each.read(child) for child in table.children(self.slot))
        return tuple(one for one in found if one is not None)

    def nodes(self, value: Any, where: str) -> dict[int, Scalar | Node]:
        items = sequence(value, where, self._node)
        return {self.slot: Vector(items)} if items else {}

    def plain(self, value: Sequence[Any]) -> list[dict[str, Any] | None]:
        return [self.each.plain(one) for one in value]

    def parse(self, value: Any, where: str) -> tuple[Any, ...]:
        return tuple(sequence(value, where, self.each.parse))

    def _node(self, value: Any, where: str) -> TableNode:
        if value is None:
            raise TypeError(f"{where} is None, and a process unit is expected")
        return TableNode(self.each.nodes(value, where))
