"""The table's words and numbers, the same on the terminal and in the page."""

from __future__ import annotations

from zerolite.demo.report_row import ReportRow

__all__ = ["TABLE_HEADINGS", "percent", "short_number", "table_cells"]

_FOUR_DIGITS = 1000

TABLE_HEADINGS = (
    "variant",
    "runtime",
    "accuracy",
    "p50 / µs",
    "p95 / µs",
    "images/s",
    "KiB",
)


def table_cells(row: ReportRow) -> tuple[str, ...]:
    """The cells of one line, in the order of `TABLE_HEADINGS`."""
    return (
        row.variant,
        row.runtime,
        percent(row.result.accuracy),
        short_number(row.result.latency(50)),
        short_number(row.result.latency(95)),
        f"{row.result.throughput:,.0f}",
        short_number(row.size_bytes / 1024),
    )


def percent(share: float) -> str:
    """0.99444 -> "99.44 %"."""
    return f"{100 * share:.2f} %"


def short_number(value: float) -> str:
    """One decimal, and none where the number has four digits before it."""
    return f"{value:.1f}" if value < _FOUR_DIGITS else f"{value:,.0f}"
