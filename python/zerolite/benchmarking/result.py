"""What a benchmark measured, of each runtime and of all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zerolite._timing.ratio import Ratio
from zerolite._timing.timing import Timing
from zerolite.benchmarking.first_result import FIRST_RESULT_FIGURES, FirstResults

__all__ = ["RATIO_FIGURES", "SCHEMA", "BenchmarkResult", "RuntimeResult"]

#: The version of the layout of `BenchmarkResult.to_dict`. It grows when a key changes its meaning or goes away.
SCHEMA = 1

#: What runtimes are compared in.
RATIO_FIGURES = ("call", "invoke", *FIRST_RESULT_FIGURES)


@dataclass(frozen=True, slots=True)
class RuntimeResult:
    """One runtime with the benchmarked model.

    Attributes:
        runtime: a name of `zerolite.benchmarking.RUNTIMES` or `ENGINES`.
        version: the version of the package that it comes from; None when that is not known.
        call: from arrays in to arrays out: filling the inputs, running, and reading the outputs.
        invoke: running alone, over inputs that are in place; None for batches, and where the runtime has no such call.
        first_result: what fresh processes needed until their first result; None when that was not measured.
    """

    runtime: str
    version: str | None
    call: Timing
    invoke: Timing | None = None
    first_result: FirstResults | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "runtime": self.runtime,
            "version": self.version,
            "call": self.call.to_dict(),
            "invoke": None if self.invoke is None else self.invoke.to_dict(),
            "first_result": None if self.first_result is None else self.first_result.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """One model in zerolite, and in the runtimes it was compared with.

    Attributes:
        model: "file" (None for a model that came as bytes or loaded), "size_bytes", "signature" and "dispatch".
        settings: the arguments of `benchmark` that the numbers depend on.
        machine: label -> value, as `describe_machine` tells it.
        zerolite: zerolite's own figures.
        others: the figures of the other runtimes, by name.
    """

    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    machine: Mapping[str, str | int]
    zerolite: RuntimeResult
    others: Mapping[str, RuntimeResult]

    @property
    def runtimes(self) -> list[RuntimeResult]:
        """The figures of zerolite, then those of the others."""
        return [self.zerolite, *self.others.values()]

    def ratio(self, runtime: str, figure: str = "call") -> Ratio | None:
        """Divide zerolite's figure by another runtime's, round by round: below 1, zerolite takes less.

        Args:
            runtime: a name in `others`.
            figure: one of `RATIO_FIGURES`.

        Returns:
            The ratio; None when one of the two has no such figure.

        Raises:
            ValueError: there is no such figure, or the runtime was not compared with.
        """
        if runtime not in self.others:
            raise ValueError(f"{runtime!r} was not compared with; there are {', '.join(self.others) or 'no others'}")
        if figure not in RATIO_FIGURES:
            raise ValueError(f"there is no figure {figure!r}; there are {', '.join(RATIO_FIGURES)}")
        own, other = self.zerolite, self.others[runtime]
        if figure in FIRST_RESULT_FIGURES:
            if own.first_result is None or other.first_result is None:
                return None
            return Ratio.of(own.first_result.values(figure), other.first_result.values(figure))
        timings = (own.call, other.call) if figure == "call" else (own.invoke, other.invoke)
        if timings[0] is None or timings[1] is None:
            return None
        return Ratio.of(timings[0].rounds_ns, timings[1].rounds_ns)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `SCHEMA` is the version of this layout."""
        return {
            "schema": SCHEMA,
            "model": dict(self.model),
            "settings": dict(self.settings),
            "machine": dict(self.machine),
            "runtimes": [result.to_dict() for result in self.runtimes],
            "ratios": [
                {"runtime": "zerolite", "against": name, "figure": figure, **ratio.to_dict()}
                for name in self.others
                for figure in RATIO_FIGURES
                if (ratio := self.ratio(name, figure)) is not None
            ],
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_csv(self) -> str:
        """One number a line: runtime, figure, statistic, unit, value. Ratios have the runtime "zerolite/NAME"."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("runtime", "figure", "statistic", "unit", "value"))
        for result in self.runtimes:
            table.writerows((result.runtime, *line) for line in _lines(result))
        for name in self.others:
            for figure in RATIO_FIGURES:
                ratio = self.ratio(name, figure)
                if ratio is not None:
                    table.writerows(
                        (f"zerolite/{name}", figure, statistic, "ratio" if statistic != "rounds" else "count", value)
                        for statistic, value in ratio.to_dict().items()
                    )
        return text.getvalue()


def _lines(result: RuntimeResult) -> Iterator[tuple[str, str, str, float]]:
    """Figure, statistic, unit and value."""
    timings: dict[str, Timing | None] = {"call": result.call, "invoke": result.invoke}
    for figure, timing in timings.items():
        if timing is not None:
            yield figure, "per_call", "us", timing.per_call_us
            yield from ((figure, statistic, "us", value) for statistic, value in timing.latency_us().items())
            yield figure, "throughput", "items/s", timing.items_per_second
    if result.first_result is not None:
        for figure, unit in FIRST_RESULT_FIGURES.items():
            yield figure, "median", unit, result.first_result.median(figure)
