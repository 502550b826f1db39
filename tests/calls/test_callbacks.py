"""A callback that raises, or during which a signal comes, ends what called it, and harms nothing."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo

Progress = Callable[..., None]

MODEL, QUANTIZED = str(zoo.model_path("small_cnn")), str(zoo.model_path("small_cnn_int8"))
IMAGES = np.random.default_rng(0).random((12, 28, 28, 1), dtype=np.float32)
LABELS = np.arange(12) % 10


def map_batch(progress: Progress) -> object:
    with zl.load(MODEL) as model:
        return model.map(IMAGES, chunk=1, progress=progress)


def map_in_a_pool(progress: Progress) -> object:
    with zl.Pool(MODEL, workers=2) as pool:
        return pool.map(IMAGES, chunk=1, progress=progress)


def profile(progress: Progress) -> object:
    with zl.load(MODEL) as model:
        return model.profile(runs=3, progress=progress)


def evaluate(progress: Progress) -> object:
    pytest.importorskip("sklearn", reason="needs the extra evaluate")
    return zl.evaluate(MODEL, IMAGES, LABELS, progress=progress)


def evaluate_a_pool(progress: Progress) -> object:
    pytest.importorskip("sklearn", reason="needs the extra evaluate")
    with zl.Pool(MODEL, workers=2) as pool:
        return zl.evaluate(pool, IMAGES, LABELS, batch=4, progress=progress)


def compare(progress: Progress) -> object:
    pytest.importorskip("sklearn", reason="needs the extra evaluate")
    return zl.compare({"float32": MODEL, "int8": QUANTIZED}, IMAGES, LABELS, progress=progress)


def compare_layers(progress: Progress) -> object:
    return zl.compare_layers(MODEL, QUANTIZED, IMAGES, progress=progress)


def tune(progress: Progress) -> object:
    return zl.tune(MODEL, budget_s=0.2, progress=progress)


def benchmark(progress: Progress) -> object:
    return zl.benchmark(MODEL, seconds=0.004, turns=2, warmup_s=0.0, processes=1, progress=progress)


def convert(progress: Progress) -> object:
    pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    return zl.convert(MODEL, quantize="dynamic", on_step=progress)


WORK = (
    map_batch,
    map_in_a_pool,
    profile,
    evaluate,
    evaluate_a_pool,
    compare,
    compare_layers,
    tune,
    benchmark,
    convert,
)


def fail(*_: object) -> None:
    raise KeyError("mine")


def interrupt(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def terminate(*_: object) -> None:
    """With a handler that raises, as the command line has one."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("callback", "failure"), [(fail, KeyError), (interrupt, KeyboardInterrupt), (terminate, SystemExit)]
)
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_callback_that_does_not_return(
    work: Callable[[Progress], object],
    callback: Progress,
    failure: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    work(lambda *_: None)  # libraries that stay, and their threads, are there from here on
    threads = set(threading.enumerate())
    with pytest.raises(failure):
        work(callback)
    assert set(threading.enumerate()) == threads
    assert list(tmp_path.iterdir()) == []
    told: list[Any] = []
    work(lambda *words: told.append(words))
    assert told
