"""What is quick runs in the event loop, and what is not does not hold it up. No test measures: times are given."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import numpy as np
import pytest

import zerolite as zl
from tests.serving.running import DENSE, as_json, direct, error_of, outputs_of, running
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings
from zerolite.serving.quick_runs import QuickRuns, RunClock, RunTime, has_steady_runs
from zerolite.serving.served_model import ServedModel

QUICK, SLOW = RunTime(own=10e-6, all=15e-6), RunTime(own=0.001, all=0.001)
ROW = {"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)}
ROWS = {"features": np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64)}


@pytest.fixture
def run_threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that runs were made in."""
    names: list[str] = []
    run = ServedModel._run

    def noted_run(*arguments: Any) -> Any:
        names.append(threading.current_thread().name)
        return run(*arguments)

    monkeypatch.setattr(ServedModel, "_run", noted_run)
    return names


def learned(*runs: RunTime, signature: str = "main") -> bool:
    quick = QuickRuns(["main"])
    kind = quick.kind(signature, ROW)
    for taken in runs:
        quick.note(kind, taken)
    return kind in quick


def test_what_is_quick() -> None:
    assert not learned(*[QUICK] * 15)
    assert learned(*[QUICK] * 16)
    assert learned(*[QUICK] * 12, *[SLOW] * 4)
    assert not learned(*[QUICK] * 7, *[SLOW] * 9)
    assert not learned(*[QUICK] * 16, signature="other")


def test_waiting_for_the_processor_counts_less_than_work_elsewhere() -> None:
    assert learned(QUICK, *[RunTime(own=10e-6, all=0.02)] * 15)
    assert not learned(*[RunTime(own=10e-6, all=0.001)] * 16)  # as runs of a GPU


def test_what_is_quick_no_more() -> None:
    assert not learned(*[QUICK] * 16, *[SLOW] * 16)
    assert not learned(*[QUICK] * 16, RunTime(own=0.02, all=0.02))


def test_shapes_are_learned_one_by_one_and_not_without_end() -> None:
    quick = QuickRuns(["main"])
    first, other = quick.kind("main", ROW), quick.kind("main", ROWS)
    for _ in range(16):
        quick.note(first, QUICK)
    assert first in quick
    assert other not in quick
    for size in range(1, 65):
        quick.note(quick.kind("main", {"features": np.zeros((size, 3), np.float32)}), QUICK)
    assert first not in quick


@pytest.mark.parametrize(
    ("name", "steady"), [("dense_2layer", True), ("while_loop", False), ("string_passthrough", False)]
)
def test_whose_runs_are_looked_at(name: str, *, steady: bool) -> None:
    with zl.load(MODELS / f"{name}.tflite") as model:
        assert has_steady_runs(model, model) == steady


def test_quick_runs_go_without_a_thread(run_threads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunClock, "read", lambda _: QUICK)
    with running(DENSE, ServingSettings(workers=1)) as url, httpx.Client(base_url=url) as client:
        for inputs in [ROW] * 17 + [ROWS]:
            answer = client.post("/v2/models/dense_2layer/infer", json=as_json(inputs))
            expected = direct(DENSE, inputs)["output_0"]
            assert_same_bits(outputs_of(answer)["output_0"].astype(np.float32), expected)
        figures = client.get("/metrics").text
    in_threads = [name.startswith("zerolite-pool") for name in run_threads]
    assert in_threads == [*[True] * 16, False, True]
    assert 'zerolite_run_seconds_count{model="dense_2layer",version="1"} 18.0' in figures


def test_not_those_of_other_processes(run_threads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunClock, "read", lambda _: QUICK)
    settings = ServingSettings(workers=1, isolation="process")
    with running(DENSE, settings) as url, httpx.Client(base_url=url) as client:
        for _ in range(18):
            assert client.post("/v2/models/dense_2layer/infer", json=as_json(ROW)).status_code == 200
    assert all(name.startswith("zerolite-pool") for name in run_threads)


def test_errors_of_quick_runs_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunClock, "read", lambda _: QUICK)
    fails: list[bool] = []
    run_one = ServedModel._run_one

    def failing_run(*arguments: Any) -> Any:
        if fails:
            raise ValueError("not these values")
        return run_one(*arguments)

    monkeypatch.setattr(ServedModel, "_run_one", failing_run)
    with running(DENSE, ServingSettings(workers=1)) as url, httpx.Client(base_url=url) as client:
        for _ in range(17):
            assert client.post("/v2/models/dense_2layer/infer", json=as_json(ROW)).status_code == 200
        fails.append(True)
        answer = client.post("/v2/models/dense_2layer/infer", json=as_json(ROW))
        assert (answer.status_code, error_of(answer)) == (400, "not these values")
        fails.clear()
        assert client.post("/v2/models/dense_2layer/infer", json=as_json(ROW)).status_code == 200
