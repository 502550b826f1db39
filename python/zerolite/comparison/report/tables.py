"""The tables of a comparison, for the terminal, for Markdown and for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zerolite.comparison.rows import Agreement, ComparisonRow
from zerolite.evaluation.metrics.choice import is_share

__all__ = [
    "Table",
    "difference_table",
    "main_table",
    "markdown",
    "metric_words",
    "parity_table",
    "short_number",
    "small_number",
]

#: Headings, and lines of as many cells. The first two columns are words, the others numbers.
Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

_FOUR_DIGITS = 1000
_NONE = "-"


def main_table(rows: Sequence[ComparisonRow]) -> Table:
    """What was measured of each row."""
    metrics = list(rows[0].numbers)
    batches = {row.result.items_per_call for row in rows}
    per = "" if batches == {1} else " a call"
    nan = ("NaN items",) if any(row.result.nan_items for row in rows) else ()
    # Of inputs that are quantized and get real numbers.
    saturated = ("saturated",) if any(row.result.input_ranges for row in rows) else ()
    headings = ("model", "runtime", *metrics, *nan, *saturated, f"p50 / µs{per}", f"p95 / µs{per}", "items/s", "KiB")
    lines = [
        (
            row.model,
            row.runtime,
            *(metric_words(name, row.numbers.get(name, math.nan)) for name in metrics),
            *(f"{row.result.nan_items:,}" for _ in nan),
            *(f"{row.result.saturated:.2%}" if row.result.input_ranges else _NONE for _ in saturated),
            short_number(row.result.latency(50)),
            short_number(row.result.latency(95)),
            f"{row.result.throughput:,.0f}",
            _NONE if row.size_bytes is None else short_number(row.size_bytes / 1024),
        )
        for row in rows
    ]
    return headings, lines


def difference_table(rows: Sequence[ComparisonRow]) -> Table:
    """Every row compared with the first."""
    first = rows[0]
    metric = next(iter(first.numbers), None)
    headings = (
        "model",
        "runtime",
        *(() if metric is None else (metric,)),
        "same prediction",
        "largest difference",
        "latency",
        "size",
    )
    lines = []
    for row in rows[1:]:
        agreement = row.difference
        assert agreement is not None
        lines.append(
            (
                row.model,
                row.runtime,
                *(() if metric is None else (_metric_change(metric, first, row),)),
                _same(agreement),
                _difference_words(agreement.largest_difference),
                _times(row.result.latency(50), first.result.latency(50)),
                _times(row.size_bytes, first.size_bytes),
            )
        )
    return headings, lines


def parity_table(rows: Sequence[ComparisonRow], parity: Sequence[Agreement]) -> Table:
    """The same file in zerolite and in another runtime."""
    headings = (
        "model",
        "beside",
        "same prediction",
        "largest difference",
        "zerolite p50 / µs",
        "its p50 / µs",
        "ratio",
    )
    latencies = {(row.model, row.runtime): row.result.latency(50) for row in rows}
    lines: list[tuple[str, ...]] = []
    for agreement in parity:
        ours = latencies[agreement.model, agreement.runtime]
        theirs = latencies[agreement.other_model, agreement.other_runtime]
        lines.append(
            (
                agreement.model,
                agreement.other_runtime,
                _same(agreement),
                _difference_words(agreement.largest_difference),
                short_number(ours),
                short_number(theirs),
                f"{theirs / ours:.2f}",
            )
        )
    return headings, lines


def markdown(rows: Sequence[ComparisonRow], parity: Sequence[Agreement]) -> str:
    """All tables in GitHub's Markdown."""
    parts = [_markdown_table(main_table(rows))]
    if len(rows) > 1:
        parts.append(f"Beside {rows[0].name}:\n")
        parts.append(_markdown_table(difference_table(rows)))
    if parity:
        parts.append("zerolite beside other runtimes on the same file:\n")
        parts.append(_markdown_table(parity_table(rows, parity)))
    return "\n".join(parts)


def metric_words(name: str, value: float) -> str:
    """A share in percent, and any other number with four digits."""
    if math.isnan(value):
        return _NONE
    return f"{100 * value:.2f} %" if is_share(name) else small_number(value)


def short_number(value: float) -> str:
    """One decimal, and none where the number has four digits before it."""
    return f"{value:.1f}" if value < _FOUR_DIGITS else f"{value:,.0f}"


def small_number(value: float) -> str:
    """Four digits."""
    return f"{value:.4g}"


def _metric_change(name: str, first: ComparisonRow, row: ComparisonRow) -> str:
    change = row.numbers.get(name, math.nan) - first.numbers[name]
    if math.isnan(change):
        return _NONE
    if is_share(name):
        return f"{100 * change:+.2f} pp"
    return f"{change:+.3g}"


def _same(agreement: Agreement) -> str:
    if agreement.differing is None:
        return _NONE
    return f"{agreement.items - agreement.differing:,} of {agreement.items:,}"


def _difference_words(value: float | None) -> str:
    if value is None:
        return _NONE
    return "0" if value == 0 else f"{value:.1e}"


def _times(value: float | None, first: float | None) -> str:
    if value is None or not first:
        return _NONE
    return f"{value / first:.3g} x"


def _markdown_table(table: Table) -> str:
    headings, lines = table
    rules = ["---" if place < 2 else "---:" for place in range(len(headings))]  # noqa: PLR2004 - two columns of words
    rows: list[Sequence[str]] = [headings, rules, *lines]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n" for row in rows)
