"""The outcome of a comparison."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerolite._platform.files import check_writable_target, write_atomically
from zerolite.comparison.rows import Agreement, ComparisonRow, Sample

__all__ = ["REPORT_SUFFIXES", "Comparison", "check_report_target"]

#: What `Comparison.save` writes.
REPORT_SUFFIXES = (".html", ".json", ".md")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison:
    """Several models over the same data.

    Attributes:
        rows: one for each model in each runtime, in the order in which the models were given.
        parity: for each model that ran in zerolite and in other runtimes, whether they say the same.
        worst: the items that models got most wrong, worst first.
        wrong: how many items at least one row got wrong; None where there are no classes.
        rounds: how often the items were run.
        machine: label -> value: the machine and the versions that the numbers belong to.
        created: when the comparison ended, UTC, ISO 8601.
        seconds: how long it took.
    """

    rows: Sequence[ComparisonRow]
    parity: Sequence[Agreement] = ()
    worst: Sequence[Sample] = field(default=(), repr=False)
    wrong: int | None = None
    rounds: int = 1
    machine: Mapping[str, str] = field(default_factory=dict, repr=False)
    created: str = ""
    seconds: float = 0.0

    @property
    def first(self) -> ComparisonRow:
        """The row that the others are compared with."""
        return self.rows[0]

    @property
    def disagreement(self) -> str | None:
        """One line on the first item that two runtimes predict differently for the same model; None if all agree."""
        return next((agreement.sentence for agreement in self.parity if not agreement.complete), None)

    def row(self, model: str, runtime: str | None = None) -> ComparisonRow:
        """The row of a model, in a runtime where it has several.

        Raises:
            KeyError: there is no such row, or there are several.
        """
        found = [row for row in self.rows if row.model == model and runtime in (None, row.runtime)]
        if len(found) != 1:
            known = ", ".join(row.name for row in self.rows)
            raise KeyError(f"there are {len(found)} rows for {model!r}; the rows are {known}")
        return found[0]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values for JSON; `schema` grows when a key changes its meaning or goes."""
        return {
            "schema": 1,
            "created": self.created,
            "seconds": self.seconds,
            "rounds": self.rounds,
            "machine": dict(self.machine),
            "rows": [row.to_dict() for row in self.rows],
            "parity": [agreement.to_dict() for agreement in self.parity],
            "agrees": self.disagreement is None,
            "wrong": self.wrong,
            "worst": [sample.to_dict() for sample in self.worst],
        }

    def to_markdown(self) -> str:
        """The tables in GitHub's Markdown."""
        from zerolite.comparison.report.tables import markdown

        return markdown(self.rows, self.parity)

    def to_html(
        self,
        *,
        title: str = "Models compared",
        introduction: str = "",
        details: Mapping[str, str] | None = None,
    ) -> str:
        """A page with tables, plots, confusion matrices and the worst samples as pictures; it loads nothing.

        Args:
            title: its heading.
            introduction: a paragraph below it.
            details: label -> value, what else belongs to the numbers, such as where the data is from.

        Raises:
            ImportError: Jinja2 or matplotlib is not installed (extra "report").
        """
        from zerolite.comparison.report.html import render_html

        return render_html(
            self.rows,
            parity=self.parity,
            worst=self.worst,
            title=title,
            introduction=introduction,
            details={**(details or {}), **self.machine},
            disagreement=self.disagreement,
            wrong=self.wrong,
            rounds=self.rounds,
            created=self.created,
            seconds=self.seconds,
        )

    def save(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Write a report: .html, .json or .md by the name's end. Nobody ever sees half of it.

        Args:
            path: the file.
            **options: for .html, those of `to_html`.

        Raises:
            ValueError: the name ends in something else.
            OSError: the file can't be written.
            ImportError: Jinja2 or matplotlib is not installed (extra "report").
        """
        target = Path(path)
        check_report_target(target)
        if target.suffix == ".html":
            text = self.to_html(**options)
        elif target.suffix == ".md":
            text = self.to_markdown()
        else:
            text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        write_atomically(target, text.encode())

    def __str__(self) -> str:
        """The tables."""
        return self.to_markdown()


def check_report_target(path: Path) -> None:
    """Check, before long work, that a report can be written to `path`.

    Raises:
        ValueError: the name's end names no kind of report.
        OSError: there is no such folder, or `path` is one.
    """
    if path.suffix not in REPORT_SUFFIXES:
        raise ValueError(f"can't write {path}: a report's name ends in {', '.join(REPORT_SUFFIXES)}")
    check_writable_target(path)
