"""Limits on what was measured, which decide on the exit code: for pipelines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zerolite.cli.output import fail, wrong_use

if TYPE_CHECKING:
    from zerolite.comparison import Comparison

__all__ = ["MaxOption", "MinOption", "check_differences", "check_metrics", "limits_of"]

MinOption = Annotated[
    list[str] | None,
    typer.Option("--min", metavar="NAME=VALUE", help="Exit with code 1 if this metric is lower. Repeatable."),
]
MaxOption = Annotated[
    list[str] | None,
    typer.Option("--max", metavar="NAME=VALUE", help="Exit with code 1 if this metric is higher. Repeatable."),
]


def limits_of(words: Sequence[str] | None, option: str) -> dict[str, float]:
    """Name -> limit, of NAME=VALUE.

    Raises:
        typer.BadParameter: a word is no name and number.
    """
    limits: dict[str, float] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        try:
            limit = float(value) if name and equals else math.nan
        except ValueError:
            limit = math.nan
        if math.isnan(limit):
            raise wrong_use(f"Came {word!r}; give a metric and a number, as accuracy=0.9.", param_hint=option)
        limits[name] = limit
    return limits


def check_metrics(
    model: str, metrics: Mapping[str, Any], *, least: Mapping[str, float], greatest: Mapping[str, float]
) -> None:
    """End with exit code 1 and one line where a metric is beyond its limit; NaN is beyond any.

    Raises:
        typer.Exit: a limit is not kept.
        ValueError: a limit is for a metric that is no single number or was not measured.
    """
    broken = []
    for limits, word, keeps in ((least, "at least", float.__ge__), (greatest, "at most", float.__le__)):
        for name, limit in limits.items():
            value = metrics.get(name)
            if not isinstance(value, float):
                known = ", ".join(known for known, one in metrics.items() if isinstance(one, float)) or "none"
                raise ValueError(
                    f"there is no metric {name} that is one number; measured are {known}; ask for it with "
                    f"--metric {name}"
                )
            if not keeps(value, limit):
                broken.append(f"{name} is {value:.6g} and must be {word} {limit:g}")
    if broken:
        raise fail(f"{model}: {'; '.join(broken)}")


def check_differences(comparison: Comparison, greatest: float | None) -> None:
    """End with exit code 1 and one line where outputs are further from the first row's than `greatest`.

    Raises:
        typer.Exit: the limit is not kept, or outputs of different shapes can't be compared.
    """
    if greatest is None:
        return
    broken = []
    for row in comparison.rows:
        if row.difference is None:
            continue
        largest = row.difference.largest_difference
        if largest is None:
            broken.append(f"the outputs of {row.name} have another shape")
        elif not largest <= greatest:
            broken.append(f"{row.name} differs by {largest:.6g}")
    if broken:
        raise fail(f"beside {comparison.first.name} {greatest:g} is allowed: {'; '.join(broken)}")
