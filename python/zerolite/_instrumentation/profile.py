"""A profile: where the time of a run goes."""

from __future__ import annotations

import csv
import io
import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zerolite._instrumentation.chrome_trace import chrome_trace
from zerolite._instrumentation.operator_times import ProfiledOperator, operator_times
from zerolite._instrumentation.profiled_run import NodeName, ProfiledRun
from zerolite._platform.files import write_atomically

__all__ = ["SCHEMA", "Profile"]

#: The version of the layout of `Profile.to_dict`. It grows when a key changes its meaning or goes away.
SCHEMA = 1

_COLUMNS = ("name", "type", "delegate", "subgraph", "count", "total_us", "mean_us", "share")


class Profile:
    """Where the time of a model's runs goes.

    Attributes:
        model: the model's name.
        signature: the key of the signature that was run.
        runs: how many runs were profiled.
        operators: what every operator took, the slowest first.
        profiled_us: the median of the profiled runs, in microseconds.
        plain_us: the median of as many runs without a profile, which took turns with the profiled ones.
        outside_us: what the profiled runs took outside of all operators, in microseconds, all runs together: the
            runtime's own work around them.
    """

    def __init__(
        self,
        *,
        model: str,
        signature: str,
        names: Mapping[tuple[int, int], NodeName],
        runs: Sequence[ProfiledRun],
        plain_ns: Sequence[int],
    ) -> None:
        """Sum up what was measured; `CompiledModel.profile` does."""
        self.model = model
        self.signature = signature
        self.runs = len(runs)
        self.operators: tuple[ProfiledOperator, ...] = operator_times(names, runs)
        self.profiled_us = statistics.median(run.elapsed_ns for run in runs) / 1000
        self.plain_us = statistics.median(plain_ns) / 1000
        self._total_us = sum(run.elapsed_ns for run in runs) / 1000
        self.outside_us = max(0.0, self._total_us - sum(operator.total_us for operator in self.operators))
        self._names = names
        self._runs = runs

    @property
    def overhead(self) -> float:
        """What profiling adds to a run, as a part of a plain one: 0.1 where a profiled run takes 10% longer."""
        return self.profiled_us / self.plain_us - 1 if self.plain_us > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `SCHEMA` is the version of this layout."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "signature": self.signature,
            "runs": self.runs,
            "plain_us": self.plain_us,
            "profiled_us": self.profiled_us,
            "overhead": self.overhead,
            "outside_us": self.outside_us,
            "operators": [operator.to_dict() for operator in self.operators],
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_csv(self) -> str:
        """One operator a line."""
        text = io.StringIO()
        table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(operator.to_dict() for operator in self.operators)
        return text.getvalue()

    def to_trace(self) -> dict[str, Any]:
        """All profiled runs on one time line, in the Trace Event Format that Perfetto and chrome://tracing open.

        XNNPACK does not tell when its operators begin: within a partition they stand one behind the other.
        """
        return chrome_trace(self.model, self._names, self._runs)

    def save_trace(self, path: str | os.PathLike[str]) -> None:
        """Write `to_trace` as JSON. Nobody ever sees half of the file.

        Raises:
            OSError: the file can't be written.
        """
        write_atomically(Path(path), json.dumps(self.to_trace(), allow_nan=False).encode())

    def __str__(self) -> str:
        """A table, the slowest operator first."""
        lines = [
            (f"{one.share:.1%}", f"{one.mean_us:,.2f}", str(one.count), one.delegate, one.type, one.name)
            for one in self.operators
        ]
        headings = ("share", "mean / us", "count", "delegate", "type", "name")
        widths = [max(len(line[column]) for line in (headings, *lines)) for column in range(len(headings))]
        table = [
            "  ".join(
                cell.rjust(width) if column < 3 else cell.ljust(width)  # noqa: PLR2004 - the numbers' columns
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in (headings, *lines)
        ]
        return "\n".join([*table, self.summary])

    @property
    def summary(self) -> str:
        """One sentence on the runs and on what profiling adds to them."""
        outside = self.outside_us / self._total_us if self._total_us else 0.0
        return (
            f"{self.runs} runs of {self.signature}: {self.profiled_us:,.2f} us profiled, {self.plain_us:,.2f} us plain "
            f"({self.overhead:+.0%}, medians); {outside:.1%} outside of operators"
        )
