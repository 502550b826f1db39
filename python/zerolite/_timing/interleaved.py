"""Interleaved rounds: what is compared runs in turns, so that a slow moment of the machine falls on all of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from zerolite._timing.stopwatch import AnyStopwatch, Stopwatch, Work, clock_cost, warm_up
from zerolite._timing.timing import Timing

__all__ = ["ProgressCallback", "interleave", "time_interleaved"]

_Name = TypeVar("_Name")

#: Called as (rounds done, rounds in all).
ProgressCallback = Callable[[int, int], None]

# Where reading the clock takes less than this share of a call, each call is timed, and otherwise a block of calls.
_CLOCK_SHARE = 0.01
# The share of a round in which single calls are timed when blocks are timed as well.
_SINGLE_CALLS_SHARE = 0.3
_MOST_SINGLE_CALLS = 2_000


def interleave(names: Sequence[_Name], rounds: int | None = None) -> Iterator[list[_Name]]:
    """The order in each round, which begins with another one each time: A B C, B C A, C A B, A B C, and so on.

    Args:
        names: what takes turns; at least one.
        rounds: how many rounds there are; None for no end.
    """
    for done in itertools.count() if rounds is None else range(rounds):
        first = done % len(names)
        yield [*names[first:], *names[:first]]


def time_interleaved(
    works: Mapping[str, Work | AnyStopwatch],
    *,
    seconds: float = 1.0,
    rounds: int = 20,
    warmup: float = 0.2,
    items_per_call: int = 1,
    progress: ProgressCallback | None = None,
) -> dict[str, Timing]:
    """Time each work in `rounds` turns: A B C, A B C, and so on.

    Args:
        works: name -> what to time; for work elsewhere, what times it there.
        seconds: how long each work is timed at least, all its turns together.
        rounds: how many turns each has.
        warmup: seconds that each runs before, untimed.
        items_per_call: how many items one call of each work runs.
        progress: called after each round.

    Returns:
        name -> its timing; round i of one belongs beside round i of another.

    Raises:
        ValueError: `seconds` or `warmup` is negative, or there are no rounds.
    """
    if not (seconds >= 0 and warmup >= 0 and rounds >= 1):
        raise ValueError(
            f"seconds and warmup must be at least 0 and rounds at least 1; came {seconds}, {warmup} and {rounds}"
        )
    stopwatches = {name: Stopwatch(work) if isinstance(work, tuple) else work for name, work in works.items()}
    estimates = {name: warm_up(stopwatch, warmup) for name, stopwatch in stopwatches.items()}
    turn = 1e9 * seconds / rounds
    rounds_ns: dict[str, list[float]] = {name: [] for name in works}
    calls_ns: dict[str, list[float]] = {name: [] for name in works}
    for done in range(rounds):
        for name, stopwatch in stopwatches.items():
            per_call, calls = _take_turn(stopwatch, turn, estimates[name])
            rounds_ns[name].append(per_call)
            calls_ns[name] += calls
        if progress is not None:
            progress(done + 1, rounds)
    return {
        name: Timing(
            rounds_ns=np.asarray(rounds_ns[name], dtype=np.float64),
            calls_ns=np.asarray(calls_ns[name], dtype=np.float64),
            items_per_call=items_per_call,
        )
        for name in works
    }


def _take_turn(stopwatch: AnyStopwatch, turn: float, estimate: float) -> tuple[float, list[float]]:
    """Time one turn: the nanoseconds per call, and those of single calls."""
    if estimate * _CLOCK_SHARE >= clock_cost():
        calls = stopwatch.calls(max(1, round(turn / estimate)))
        return sum(calls) / len(calls), calls
    smallest_block = clock_cost() / _CLOCK_SHARE
    block = max((1 - _SINGLE_CALLS_SHARE) * turn, smallest_block)
    count = max(1, round(block / estimate))
    per_call = stopwatch.block(count) / count
    # The loop around a single call takes about as long as ten readings of the clock.
    singles = round(_SINGLE_CALLS_SHARE * turn / (estimate + 10 * clock_cost()))
    return per_call, stopwatch.calls(min(max(1, singles), _MOST_SINGLE_CALLS))
