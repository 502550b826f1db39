"""The program of a fresh process: from a runtime's import to its first result, and then whatever blocks are asked for.

Arguments: RUNTIME MODEL SIGNATURE THREADS REPLICAS DELEGATES. An empty text stands for None; delegates come as the
JSON of a `DelegateChoice`. It writes one line, "IMPORT LOAD FIRST PEAK": nanoseconds, nanoseconds, nanoseconds
and bytes. After that, a line "call COUNT" or "invoke COUNT" on its stdin is answered by the nanoseconds that so many
took, and "calls COUNT" by those of each of so many calls.

Nothing is imported here that the runtime itself would not import, or that would make a difference.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import timeit
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zerolite._timing.stopwatch import Work
    from zerolite.benchmarking import session as session_module


def main(session: Any, engines: Any, peak_memory: Any, arguments: Sequence[str]) -> None:
    """Do what the module says.

    Args:
        session: the module `session`, which lies beside this file.
        engines: the module `engines`, likewise.
        peak_memory: the module `_platform.peak_memory`.
        arguments: those of the program.
    """
    runtime, path, signature, threads, replicas, delegates = arguments
    started = time.perf_counter_ns()
    is_engine = runtime in engines.ENGINES
    (engines.import_engine if is_engine else session.import_runtime)(runtime)
    imported = time.perf_counter_ns()
    options = {
        "signature": signature or None,
        "threads": int(threads) if threads else None,
        "delegates": _made(delegates) if delegates else None,
    }
    replica_count = int(replicas)
    pooled = runtime == "zerolite" and replica_count > 1
    if pooled:
        opened = [session.open_session(runtime, path, workers=replica_count, **options)]
    elif is_engine:
        opened = [
            engines.open_engine(runtime, path, session.Session, threads=options["threads"])
            for _ in range(replica_count)
        ]
    else:
        opened = [session.open_session(runtime, path, **options) for _ in range(replica_count)]
    loaded = time.perf_counter_ns()
    calls = [timer_of(one.batch(zeros(one, replica_count), 1) if pooled else one.call(zeros(one))) for one in opened]
    first = sum(call.timeit(1) for call in calls)
    say(f"{imported - started} {loaded - imported} {int(first)} {peak_memory.peak_resident_bytes()}")
    invoke = opened[0].invoke
    timers = {"call": calls[0], "invoke": None if invoke is None else timer_of(invoke)}
    for request in sys.stdin:
        kind, count = request.split()
        if kind == "calls":
            say(" ".join(str(int(calls[0].timeit(1))) for _ in range(int(count))))
            continue
        timer = timers[kind]
        if timer is None:
            raise ValueError(f"{runtime} has no call that only runs this signature")
        say(str(int(timer.timeit(int(count)))))


def timer_of(work: Work) -> timeit.Timer:
    """A timer of the work, in nanoseconds."""
    statement, names = work
    return timeit.Timer(statement, timer=time.perf_counter_ns, globals=names)


def zeros(session: session_module.Session, times: int = 1) -> list[Any]:
    """An array of zeros (or of empty strings) for each input: valid indices, whatever the model takes them for.

    Args:
        session: whose inputs they are for.
        times: how many times as long their leading axis is to be as the model's.
    """
    import numpy as np

    arrays = []
    for shape, dtype in session.inputs.values():
        longer = shape if times == 1 else (times * shape[0], *shape[1:])
        arrays.append(np.full(longer, b"", object) if np.dtype(dtype).kind in "OSU" else np.zeros(longer, dtype))
    return arrays


def say(line: str) -> None:
    """Write one line to whoever started this process."""
    os.write(1, f"{line}\n".encode())


def _made(delegates: str) -> list[Any]:
    from zerolite.delegates.choice import DelegateChoice

    return DelegateChoice.from_json(delegates).delegates


def _load_alone(path: str) -> Any:
    """A module of zerolite, loaded from its file without the package around it."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path).removesuffix(".py"), path)  # noqa: PTH119
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be loaded; install zerolite again")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - no pathlib here
    # The folder of a script comes first on its path, and its neighbours are no top-level modules.
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    session = _load_alone(os.path.join(folder, "session.py"))  # noqa: PTH118
    engines = _load_alone(os.path.join(folder, "engines.py"))  # noqa: PTH118
    package = os.path.dirname(folder)  # noqa: PTH120
    peak_memory = _load_alone(os.path.join(package, "_platform", "peak_memory.py"))  # noqa: PTH118
    main(session, engines, peak_memory, sys.argv[1:])


if __name__ == "__main__":
    try:
        _run()
    except (ImportError, ValueError, TypeError, RuntimeError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())}")
    # Closing a runtime is not timed, and takes a long time for some of them.
    os._exit(0)
