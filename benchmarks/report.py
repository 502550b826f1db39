"""The results as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figure import Figure
from benchmarks.outcome import Outcome

__all__ = ["markdown"]

_INTRODUCTION = """\
# Benchmark results

Written by `python -m benchmarks` from the JSON files beside it, which hold every round. Do not edit.

A ratio is zerolite's figure divided by the other's, taken round by round: runtimes take turns, so that a slow moment of
the machine falls on both. The table shows the median of the rounds and, in brackets, the quartiles. For times and
memory smaller is better; for throughput, larger.

**What is noise.** Rows called "noise" time the same model in two instances of zerolite, in turns: as far as their ratio
and its quartiles are from 1, so far may any other ratio of that table be off. Where parity is the target, up to 2 %
beyond it is called "met within noise". Absolute times belong to the machine below, and move with its clock and its
neighbours much more than the ratios do.

![All ratios as bars, with targets and spread](benchmarks.png)
"""


def markdown(outcomes: Mapping[str, Outcome]) -> str:
    """The page for outcomes by name."""
    parts = [_INTRODUCTION]
    if any(outcome.quick for outcome in outcomes.values()):
        parts.append(
            "**These numbers mean nothing: they come from a quick run, which only shows that everything works.**\n"
        )
    parts += [_machines(outcomes)]
    parts += [_section(name, outcome) for name, outcome in outcomes.items()]
    return "\n".join(parts)


def _machines(outcomes: Mapping[str, Outcome]) -> str:
    """What is the same everywhere once, and the rest (such as dates) with the names of the benchmarks."""
    lines = ["## Machine\n"]
    labels = dict.fromkeys(label for outcome in outcomes.values() for label in outcome.machine)
    rows = []
    for label in labels:
        holders: dict[str, list[str]] = {}
        for name, outcome in outcomes.items():
            holders.setdefault(str(outcome.machine.get(label, "-")), []).append(name)
        value = (
            next(iter(holders))
            if len(holders) == 1
            else "; ".join(f"{value} ({', '.join(names)})" for value, names in holders.items())
        )
        rows.append((label, value))
    return "\n".join([*lines, *_table(("", ""), rows), ""])


def _section(name: str, outcome: Outcome) -> str:
    lines = [f"## {outcome.title}\n", f"{outcome.method} [{name}.json]({name}.json)\n"]
    if outcome.table:
        headings, *rows = outcome.table
        lines += [*_table(headings, rows, left=1), ""]
    headings = ("", "zerolite", "compared with", "its figure", "ratio (quartiles)", "target", "")
    lines += [*_table(headings, [_row(figure) for figure in outcome.figures], left=1), ""]
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    q1, q3 = figure.quartiles
    subject = "" if figure.subject == "zerolite" else f"{figure.subject}: "
    alone = figure.reference_value is None
    unit = f" {figure.unit}" if alone else ""
    sign = "≤" if figure.goal == "at most" else "≥"
    return (
        figure.name,
        f"{subject}{_number(figure.subject_value)} {figure.unit}",
        figure.reference or "-",
        "-" if figure.reference_value is None else f"{_number(figure.reference_value)} {figure.unit}",
        f"{_number(figure.median)}{unit} ({_number(q1)} to {_number(q3)})",
        "" if figure.target is None else f"{sign} {figure.target:.2f}{unit}",
        figure.verdict,
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 2) -> list[str]:
    rules = ["---" if place < left else "---:" for place in range(len(headings))]
    return [f"| {' | '.join(cells)} |" for cells in (headings, rules, *rows)]


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    if magnitude >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if magnitude >= 1 else f"{value:.3f}"
