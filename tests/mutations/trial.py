"""Loading bytes and running them, in processes that may die of it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import zerolite as zl
from tests.mutations.mutation import Mutation
from tests.support import model_zoo as zoo

ENDS = ("ran", "refused", "failed", "hung", "died")

# What a trial may take of the machine; a process gets a second of these for each trial, anew.
_SECONDS = 20
_ADDRESS_SPACE = 8 << 30
# Trials that one process makes. A fork costs as much as several of them.
_BATCH = 64


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    "ran", "refused" (by one of zerolite's errors), "failed" (by any other, which is a mistake), "hung", or "died"; and
    the words that came with it.
    """

    kind: str
    words: str = ""


def try_all(mutations: Sequence[Mutation], **options: Any) -> Iterator[tuple[Mutation, Outcome]]:
    """Load each mutated model and call it a few times, in forks of this process that are replaced when they die.

    `options` are those of `zerolite.load`.
    """
    _warm_up()
    start = 0
    while start < len(mutations):
        batch = mutations[start : start + _BATCH]
        for outcome in _in_a_fork(batch, options):
            yield mutations[start], outcome
            start += 1


def _warm_up() -> None:
    """Let every fork begin with the runtime's one-time work done."""
    with zl.load(zoo.MODELS / "rank_0.tflite") as model:
        model({name: _values(tensor) for name, tensor in model.inputs.items()})


def _in_a_fork(batch: Sequence[Mutation], options: dict[str, Any]) -> Iterator[Outcome]:
    """The outcomes of the trials of a batch up to the first that ends the process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _confine(writing)
            for mutation in batch:
                outcome = _attempt(mutation.bytes(), options)
                os.write(writing, json.dumps([outcome.kind, outcome.words]).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(writing)
    count, rest = 0, ""
    with os.fdopen(reading, encoding="utf-8", errors="replace") as answers:
        for line in answers:
            if line.startswith('["'):
                yield Outcome(*json.loads(line))
                count += 1
            else:
                rest += line
    _, status = os.waitpid(child, 0)
    if count < len(batch):
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        name = signal.Signals(number).name if number else f"exit code {os.WEXITSTATUS(status)}"
        yield Outcome("hung" if number == signal.SIGALRM else "died", f"{name} {rest}".strip())


def _confine(writing: int) -> None:
    os.dup2(writing, 2)  # for what the C library says when it aborts
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _attempt(content: bytes, options: dict[str, Any]) -> Outcome:
    # A process that tries the model out first has a limit of its own.
    signal.alarm(_SECONDS * (10 if options.get("verify") == "isolated" else 1))
    try:
        with zl.load(content, **options) as model:
            model({name: _values(tensor) for name, tensor in model.inputs.items()})
            _call_with_ends_of_types(model)
            _call_with_other_shapes(model)
    except (zl.Error, MemoryError) as error:
        return Outcome("refused", f"{type(error).__name__}: {error}"[:1000])
    except Exception as error:  # noqa: BLE001 - whatever else comes out of it is a finding
        return Outcome("failed", f"{type(error).__name__}: {error}"[:1000])
    return Outcome("ran")


def _call_with_ends_of_types(model: zl.CompiledModel) -> None:
    """A kernel may refuse the values; it must not die of them."""
    for seed in range(2):
        rng = np.random.default_rng(seed)
        with contextlib.suppress(zl.Error, MemoryError):
            model({name: _ends_of_type(tensor, rng) for name, tensor in model.inputs.items()})


def _call_with_other_shapes(model: zl.CompiledModel) -> None:
    """The same: shapes may be refused, or not fit one another."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        shapes = {name: _another_shape(tensor.shape, rng) for name, tensor in model.inputs.items()}
        with contextlib.suppress(zl.Error, ValueError, MemoryError):
            model.resize(shapes)
            model({name: _values(tensor) for name, tensor in model.inputs.items()})


def _another_shape(shape: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
    """One a little larger or smaller, of another rank at times, and the same quite often."""
    how = rng.integers(8)
    sizes = list(shape)
    if how < 4 and sizes:
        sizes[rng.integers(len(sizes))] = int(rng.choice((1, 2, 3, 5)))
    elif how == 4:
        sizes = [*sizes, int(rng.integers(1, 3))]
    elif how == 5:
        sizes = sizes[1:]
    elif how == 6:
        sizes = [int(size) for size in rng.integers(1, 4, rng.integers(9))]
    return tuple(sizes)


def _ends_of_type(tensor: zl.Tensor, rng: np.random.Generator) -> np.ndarray:
    """Values at which arithmetic ends, and others, as indices and sizes are."""
    dtype = np.dtype(tensor.dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        ends = np.array([limits.min, limits.max, limits.max // 2, 0, 1, 2, 3], dtype)
        some = np.append(ends, np.array(-1).astype(dtype))
    elif dtype.kind == "f":
        some = np.array([0, 1, -1, 0.5, 3e4, -np.inf, np.inf, np.nan], dtype)
    else:
        return _values(tensor)
    return rng.choice(some, tensor.shape)


def _values(tensor: zl.Tensor) -> np.ndarray:
    """Arbitrary values, the same each time."""
    rng = np.random.default_rng(len(tensor.shape))
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "O":
        return np.full(tensor.shape, b"text", dtype)
    if dtype.kind == "f":
        return np.asarray(rng.standard_normal(tensor.shape), dtype)
    return np.asarray(rng.integers(0, 3, tensor.shape)).astype(dtype)
