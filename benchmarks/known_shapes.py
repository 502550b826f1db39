"""Calls that bring their shapes along: shapes that were seen before beside the first time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter_ns

import numpy as np

import zerolite as zl
from benchmarks.figure import Figure
from benchmarks.models import DENSE
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings

__all__ = ["run"]

_SMALL_CNN = ROOT / "tests" / "models" / "small_cnn.tflite"


def run(settings: Settings) -> Outcome:
    """Time calls of two sizes in turns."""
    return Outcome(
        title="Going back and forth between shapes",
        method=(
            "Calls with a batch of 2 and of 3 in turns, with resize='auto', beside the first call of a shape and "
            "beside resize() before each call. One thread; a fresh model in each round. Most of a call of the CNN are "
            "its kernels, whether the shape is known or not."
        ),
        figures=[
            figure
            for name, model, target in (("dense model", DENSE, 0.2), ("small CNN", _SMALL_CNN, None))
            for figure in _figures(name, model, target, settings)
        ],
    )


def _figures(name: str, path: Path, target: float | None, settings: Settings) -> list[Figure]:
    turns = 5 if settings.quick else 200
    first, known, by_hand = [], [], []
    for _ in range(settings.rounds):
        with zl.load(path, resize="auto") as model, zl.load(path) as strict:
            shape = model.inputs[0].shape[1:]
            batches = [np.zeros((count, *shape), np.float32) for count in (2, 3)]
            begin = perf_counter_ns()
            for batch in batches:
                model(batch)
            first.append((perf_counter_ns() - begin) / len(batches) / 1e3)
            known.append(_microseconds(turns, batches, model))
            by_hand.append(_microseconds(turns, batches, partial(_resize_and_call, strict)))
    return [
        Figure.comparing(f"{name}: a known shape", "µs", ("zerolite", known), ("its first call", first), target=target),
        Figure.comparing(f"{name}: a known shape", "µs", ("zerolite", known), ("resize() and a call", by_hand)),
    ]


def _resize_and_call(model: zl.CompiledModel, batch: np.ndarray) -> object:
    model.resize({next(iter(model.inputs)): batch.shape})
    return model(batch)


def _microseconds(turns: int, batches: list[np.ndarray], call: Callable[[np.ndarray], object]) -> float:
    for _ in range(3):
        for batch in batches:
            call(batch)
    begin = perf_counter_ns()
    for _ in range(turns):
        for batch in batches:
            call(batch)
    return (perf_counter_ns() - begin) / turns / len(batches) / 1e3
