"""What runs in the process of an automatic search: it reads a model from stdin, and writes what it finds to a file."""

from __future__ import annotations

import sys

from zerolite.tuned import Goal
from zerolite.tuning.tune_model import tune

__all__ = ["main"]


def main(path: str, goal: Goal, signature: str | None, budget_s: float) -> None:
    """Search with the defaults of `tune`; for latency one replica, which is all that `load` makes.

    Args:
        path: the file that is written, at the end.
        goal: as for `tune`.
        signature: as for `tune`.
        budget_s: as for `tune`.
    """
    content = sys.stdin.buffer.read()
    workers = 1 if goal == "latency" else None
    tune(content, goal=goal, signature=signature, budget_s=budget_s, max_workers=workers).save(path)
