"""Benchmarks of one model: alone, or beside other runtimes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from zerolite._hub.download import local_file
from zerolite._platform.machine import describe_machine
from zerolite._runtime.renamed import renamed_parameters
from zerolite._timing.interleaved import ProgressCallback, time_interleaved
from zerolite._timing.stopwatch import AnyStopwatch, Work
from zerolite.benchmarking.engines import ENGINES
from zerolite.benchmarking.first_result import FreshProcess, first_results_in_turns
from zerolite.benchmarking.inputs import InputValues, make_inputs
from zerolite.benchmarking.quiet_session import import_with_captured_output, open_quietly
from zerolite.benchmarking.result import BenchmarkResult, RuntimeResult
from zerolite.benchmarking.session import RUNTIMES, Session, open_session, session_of

if TYPE_CHECKING:
    from zerolite._inference.model import CompiledModel
    from zerolite.delegates import Delegates

__all__ = ["benchmark"]

# So many items for each worker keep all of them busy until close to the end of a batch.
_ITEMS_PER_WORKER = 16

_DISTRIBUTIONS = {
    "zerolite": "zerolite",
    "tf": "tensorflow",
    "litert": "ai-edge-litert",
    "compiled_model": "ai-edge-litert",
    "tflite_runtime": "tflite-runtime",
    "openvino": "openvino",
}


@renamed_parameters(rounds="turns", warmup="warmup_s")
def benchmark(
    model: str | os.PathLike[str] | bytes | bytearray | memoryview | CompiledModel,
    *,
    threads: int | None = None,
    workers: int | None = None,
    batch: int | None = None,
    signature: str | None = None,
    delegates: Delegates | None = None,
    against: Sequence[str] = (),
    inputs: InputValues = "random",
    seed: int = 0,
    seconds: float = 1.0,
    turns: int = 20,
    warmup_s: float = 0.2,
    processes: int = 3,
    progress: ProgressCallback | None = None,
) -> BenchmarkResult:
    """Measure what a model costs: latencies, throughput, loading, the first inference and memory.

    Two kinds of calls are timed apart: from arrays in to arrays out, and running alone. They are timed in a tight
    loop in this process, in turns with the runtimes of `against`. Loading, the first inference and the peak of memory
    are those of fresh processes, which are started in turns as well and have one replica and no batch.

    With an engine that is no TensorFlow Lite, whose threads would disturb the others', each runtime has a process of
    its own, and the processes take turns: calls from arrays in to arrays out, over zeros.

    Args:
        model: a path to a .tflite file, or its bytes. A `CompiledModel` is timed as it is, with its own settings; for
            `against`, `workers` and the figures of fresh processes the file or its bytes are needed.
        threads: how many threads a run uses, in every runtime; None is 1, or the setting of `delegates`.
        workers: run batches through a `Pool` of so many replicas with one thread each. The other runtimes run them
            in a loop, with `threads`.
        batch: run so many items a call with `map`, and in the other runtimes with a loop in Python; None is one call
            at a time, or, with `workers`, 16 items for each.
        signature: the signature to run; None is the default one.
        delegates: where zerolite runs the model, as `load` takes it. The other runtimes run on the CPU.
        against: names of the runtimes to compare with: "tf" (`tf.lite.Interpreter`), "litert"
            (`ai_edge_litert.interpreter.Interpreter`), "compiled_model" (`ai_edge_litert.compiled_model.CompiledModel`)
            and "tflite_runtime" (`tflite_runtime.interpreter.Interpreter`); and "openvino", OpenVINO through its own
            Python API, for the first graph of the file.
        inputs: "random" or "zeros"; see `zerolite.benchmarking.make_inputs`.
        seed: the random inputs depend on it and on nothing else.
        seconds: how long each kind of call is timed at least, in each runtime.
        turns: in how many turns.
        warmup_s: seconds of untimed calls before.
        processes: how many fresh processes are started for each runtime; 0 leaves their figures out.
        progress: called as ``progress(done, total)`` after each turn and each process.

    Returns:
        The figures of zerolite and of the others; `BenchmarkResult.ratio` compares them.

    Raises:
        ImportError: a runtime of `against` is not installed; the message says how to install it.
        ValueError: the options contradict one another, or the model can't be run as they want it.
        TypeError: `model` is of no known kind.
        OSError: the file can't be read.
        InvalidModelError: the file is not a sound model.
        RuntimeError: a runtime refuses the model, or a fresh process failed.
    """
    names = ["zerolite", *_checked_names(against)]
    model = local_file(model)
    _check_counts(workers=workers, batch=batch, seconds=seconds, turns=turns, warmup_s=warmup_s, processes=processes)
    in_processes = not ENGINES.keys().isdisjoint(names)
    if in_processes:
        inputs = "zeros"
        _check_processes(workers=workers, batch=batch, model=model)
    _require_installed(names[1:])
    if batch is None and workers is not None:
        batch = _ITEMS_PER_WORKER * workers

    timing: _TimingOptions = {"seconds": seconds, "rounds": turns, "warmup": warmup_s}
    with ExitStack() as stack:
        path: Path | None = None
        if _is_loaded(model):
            _check_loaded(threads=threads, workers=workers, delegates=delegates, against=against)
            sessions = {"zerolite": session_of(model, signature=signature)}
            processes = 0
        else:
            path = stack.enter_context(_as_file(model))
            own = open_session(
                "zerolite", str(path), signature=signature, threads=threads, delegates=delegates, workers=workers
            )
            stack.callback(own.close)
            sessions = {"zerolite": own}
            # Runtimes disagree on which signature is the first, so all others are told which one to run.
            signature = own.signature
            for name in names[1:] if not in_processes else ():
                opened = open_quietly(name, path, signature=signature, threads=threads)
                sessions[name] = stack.enter_context(opened)

        calls: dict[str, Work | AnyStopwatch] = {}
        invokes: dict[str, Work | AnyStopwatch] = {}
        if in_processes and path is not None:
            for name in names:
                own_delegates = delegates if name == "zerolite" else None
                process = FreshProcess(name, path, signature=signature, threads=threads, delegates=own_delegates)
                calls[name] = _ProcessStopwatch(stack.enter_context(process))
        else:
            calls |= _calls_here(sessions, inputs, seed, batch)
            invokes |= {name: one.invoke for name, one in sessions.items() if batch is None and one.invoke is not None}
        # What still refers to a runtime would keep it from being closed.
        stack.callback(invokes.clear)
        stack.callback(calls.clear)
        count = _steps(progress, (turns, turns if invokes else 0, processes * len(names)))
        call_timings = time_interleaved(calls, **timing, items_per_call=batch or 1, progress=next(count))
        # Running alone uses the inputs that the calls have left in place.
        invoke_timings = time_interleaved(invokes, **timing, progress=next(count)) if invokes else {}
        first_results = {}
        if path is not None and processes > 0:
            first_results = first_results_in_turns(
                names,
                path,
                processes=processes,
                signature=signature,
                threads=threads,
                delegates=delegates,
                progress=next(count),
            )
        described = {
            "file": str(Path(model)) if isinstance(model, str | os.PathLike) else None,
            "size_bytes": None if path is None else path.stat().st_size,
            "signature": sessions["zerolite"].signature,
            "dispatch": sessions["zerolite"].dispatch(),
        }
        results = {
            name: RuntimeResult(
                name, _version(name), call_timings[name], invoke_timings.get(name), first_results.get(name)
            )
            for name in names
        }
    settings: dict[str, Any] = {"threads": threads, "workers": workers, "batch": batch, "inputs": inputs, "seed": seed}
    settings |= {"seconds": seconds, "turns": turns, "warmup_s": warmup_s}
    settings |= {"processes": processes, "delegates": None if delegates is None else repr(delegates)}
    own_result = results.pop("zerolite")
    return BenchmarkResult(described, settings, describe_machine(), own_result, results)


def _calls_here(sessions: Mapping[str, Session], inputs: InputValues, seed: int, batch: int | None) -> dict[str, Work]:
    """From arrays in to arrays out, in this process."""
    arrays = _inputs_by_runtime(sessions, inputs, seed, batch)
    if batch is None:
        return {name: session.call(arrays[name]) for name, session in sessions.items()}
    per_run = _items_per_run(sessions["zerolite"], batch)
    return {name: session.batch(arrays[name], per_run) for name, session in sessions.items()}


class _ProcessStopwatch:
    """Times calls in another process."""

    def __init__(self, process: FreshProcess) -> None:
        self._process = process
        self.calls = process.calls

    def block(self, count: int) -> float:
        return self._process.block("call", count)


class _TimingOptions(TypedDict):
    seconds: float
    rounds: int
    warmup: float


def _inputs_by_runtime(
    sessions: Mapping[str, Session], values: InputValues, seed: int, items: int | None
) -> dict[str, list[NDArray[Any]]]:
    """The same arrays for all, each in its own order of inputs."""
    own = sessions["zerolite"].inputs
    made = dict(zip(own, make_inputs(own, values, seed=seed, items=items), strict=True))
    found: dict[str, list[NDArray[Any]]] = {}
    for name, session in sessions.items():
        by_name = set(session.inputs) == set(own)
        arrays = [made[key] for key in session.inputs] if by_name else list(made.values())
        found[name] = [
            # The interpreters have int4 and its like as int8.
            array if array.dtype == np.dtype(dtype) or array.dtype == np.dtype(object) else array.astype(dtype)
            for array, (_, dtype) in zip(arrays, session.inputs.values(), strict=True)
        ]
    return found


def _items_per_run(session: Session, items: int) -> int:
    """The size of the leading axis, of which the batch has to be a multiple."""
    leading = {shape[0] if shape else 0 for shape, _ in session.inputs.values()}
    if len(leading) != 1 or 0 in leading:
        shapes = ", ".join(f"'{name}' {shape}" for name, (shape, _) in session.inputs.items()) or "none"
        raise ValueError(f"a batch needs inputs with the same leading axis; the model's inputs are {shapes}")
    (per_run,) = leading
    if items % per_run:
        raise ValueError(f"the model runs {per_run} items at a time, so batch must be a multiple; came {items}")
    return int(per_run)


def _checked_names(against: Sequence[str]) -> list[str]:
    if isinstance(against, str):
        raise TypeError(f"against is a list of names; came the text {against!r}, so write [{against!r}]")
    known = [*(name for name in RUNTIMES if name != "zerolite"), *ENGINES]
    for name in against:
        if name not in known:
            raise ValueError(f"there is no runtime {name!r} to compare with; choose from {', '.join(known)}")
    return list(dict.fromkeys(against))


def _check_counts(
    *, workers: int | None, batch: int | None, seconds: float, turns: int, warmup_s: float, processes: int
) -> None:
    for name, value, least in (
        ("workers", 1 if workers is None else workers, 1),
        ("batch", 1 if batch is None else batch, 1),
        ("seconds", seconds, 0),
        ("turns", turns, 1),
        ("warmup_s", warmup_s, 0),
        ("processes", processes, 0),
    ):
        if not value >= least:
            raise ValueError(f"{name} must be at least {least}; came {value}")


def _check_processes(*, workers: int | None, batch: int | None, model: Any) -> None:
    for name, value in (("workers", workers), ("batch", batch)):
        if value is not None:
            raise ValueError(
                f"{name} is {value}, and {', '.join(ENGINES)} is compared call by call; leave one of both out"
            )
    if _is_loaded(model):
        _check_loaded(against=ENGINES)


def _require_installed(names: Sequence[str]) -> None:
    for name in names:
        if name not in ENGINES:
            import_with_captured_output(name)
        elif importlib.util.find_spec(ENGINES[name][0]) is None:
            module, install = ENGINES[name]
            raise ImportError(f"comparing with {name} needs the package {module}; install it with: {install}")


def _is_loaded(model: Any) -> bool:
    return hasattr(model, "signatures") and hasattr(model, "run")


def _check_loaded(**options: Any) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        raise ValueError(
            f"a loaded model is timed as it is, and {given[0]} needs the model itself; give its path or its bytes"
        )


@contextmanager
def _as_file(model: Any) -> Iterator[Path]:
    """The file of the model; a temporary one for a model that came as bytes."""
    if isinstance(model, str | os.PathLike):
        yield Path(model)
        return
    if not isinstance(model, bytes | bytearray | memoryview):
        raise TypeError(
            f"can't benchmark a {type(model).__name__}; give the path or the bytes of a .tflite file, or a "
            "zerolite.CompiledModel"
        )
    with tempfile.TemporaryDirectory(prefix="zerolite-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        yield path


def _version(runtime: str) -> str | None:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS[runtime])
    except importlib.metadata.PackageNotFoundError:
        return None


def _steps(progress: ProgressCallback | None, parts: Sequence[int]) -> Iterator[ProgressCallback | None]:
    """A progress callback for each part that has steps; each continues the count of the parts before."""
    total, before = sum(parts), 0
    for part in parts:
        if part > 0:
            yield None if progress is None else _counted(progress, before, total)
        before += part


def _counted(progress: ProgressCallback, before: int, total: int) -> ProgressCallback:
    return lambda done, _: progress(before + done, total)
