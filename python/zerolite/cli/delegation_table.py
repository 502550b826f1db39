"""Where a model's operators run, on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from zerolite.cli.output import print_table

if TYPE_CHECKING:
    from zerolite import Delegation

__all__ = ["print_delegation"]


def print_delegation(delegation: Delegation) -> None:
    """Print a line for each part of the graph that runs as a whole, and for what is left to the builtin kernels."""
    print_table(
        ("delegate", "graph", "positions", "operators", "count"),
        [
            (
                part.delegate,
                str(part.subgraph),
                _ranges(part.indices),
                ", ".join(f"{count} {name}" for name, count in Counter(part.operators).most_common()),
                f"{len(part.operators):,}",
            )
            for part in (*delegation.partitions, *delegation.builtin)
        ],
        title=f"delegation, {delegation.threads} thread{'s' * (delegation.threads != 1)}",
        left=4,
    )
    for name, reason in delegation.unused:
        typer.echo(f"{name} is not used: {reason}")


def _ranges(indices: Sequence[int]) -> str:
    """Positions in short: "0-4, 7"."""
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
