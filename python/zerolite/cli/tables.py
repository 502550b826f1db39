"""A comparison on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zerolite.cli.output import print_table
from zerolite.comparison.report.tables import difference_table, main_table, parity_table

if TYPE_CHECKING:
    from zerolite.comparison import Comparison

__all__ = ["print_comparison"]


def print_comparison(comparison: Comparison) -> None:
    """Print the tables."""
    headings, lines = main_table(comparison)
    print_table(headings, lines, left=2)
    if len(comparison.rows) > 1:
        headings, lines = difference_table(comparison)
        title = f"beside {comparison.first.name}"
        print_table(headings, lines, title=title, left=2)
    if comparison.parity:
        headings, lines = parity_table(comparison)
        print_table(headings, lines, title="the same file in other runtimes", left=2)
