"""What one benchmark found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one benchmark.

    Attributes:
        title: what the benchmark is about.
        method: how it was measured, in a sentence or two.
        figures: what was found.
        table: rows of a table of its own, the first one the headings; empty for none.
        details: everything else worth keeping, as plain values for JSON.
        machine: the machine and the versions; see `zerolite.benchmarking.describe_machine`.
        quick: whether the numbers mean nothing.
    """

    title: str
    method: str
    figures: Sequence[Figure]
    table: Sequence[Sequence[str]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, str | int] = field(default_factory=dict)
    quick: bool = False

    def to_json(self) -> str:
        """The outcome as indented JSON."""
        document = {
            "schema": 1,
            "title": self.title,
            "method": self.method,
            "quick": self.quick,
            "machine": dict(self.machine),
            "figures": [figure.to_dict() for figure in self.figures],
            "table": [list(row) for row in self.table],
            "details": dict(self.details),
        }
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """Read what `to_json` wrote."""
        document = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            title=document["title"],
            method=document["method"],
            figures=[Figure.from_dict(figure) for figure in document["figures"]],
            table=document["table"],
            details=document["details"],
            machine=document["machine"],
            quick=document["quick"],
        )
