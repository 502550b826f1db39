"""Fresh processes of several runtimes in turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zerolite._timing.interleaved import ProgressCallback
from zerolite.benchmarking.first_result import FirstResult, FirstResults
from zerolite.benchmarking.fresh_process import FreshProcess

__all__ = ["first_results_in_turns"]


def first_results_in_turns(
    runtimes: Sequence[str],
    model: Path,
    *,
    processes: int = 3,
    signature: str | None = None,
    threads: int | None = None,
    delegates: Any = None,
    replicas: int = 1,
    progress: ProgressCallback | None = None,
) -> dict[str, FirstResults]:
    """Start fresh processes in turns, A B C, A B C, one at a time, and wait for the first result of each.

    Args:
        runtimes: names of `zerolite.benchmarking.RUNTIMES`.
        model: a .tflite file.
        processes: how many are started for each runtime.
        signature: the signature to run; None is the default one.
        threads: how many threads a run uses; None is the runtime's default.
        delegates: for zerolite, what `zerolite.load` takes.
        replicas: how many times each process loads the model.
        progress: called after each process.

    Returns:
        runtime -> what its processes needed.

    Raises:
        TypeError: the delegates can't be sent to another process.
        RuntimeError: a process failed; the message has its last line.
    """
    found: dict[str, list[FirstResult]] = {name: [] for name in runtimes}
    done = 0
    for _ in range(processes):
        for name in runtimes:
            with FreshProcess(
                name,
                model,
                signature=signature,
                threads=threads,
                delegates=delegates if name == "zerolite" else None,
                replicas=replicas,
            ) as process:
                found[name].append(process.first_result)
            done += 1
            if progress is not None:
                progress(done, processes * len(runtimes))
    return {name: FirstResults(tuple(results)) for name, results in found.items()}
