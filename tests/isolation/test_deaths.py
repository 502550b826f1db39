"""An isolated model's process dies, hangs, or is left behind: an error here, and the next call goes on."""

from __future__ import annotations

import gc
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.mutations.mutation import Mutation
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python

DENSE = zoo.model_path("dense_2layer")
MODEL = zoo.model_path("builtin_chain")
ABORTS = Mutation.parse("quantized_add_int8/byte/1657151175")


def intruding(intruder: Path, attempt: str) -> zl.CompiledModel:
    return zl.load(MODEL, delegates=zl.ExternalDelegate(intruder, {"attempt": attempt}), isolation="process")


def values(model: zl.CompiledModel) -> dict[str, Any]:
    return {name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in model.inputs.items()}


def process_of(model: zl.CompiledModel) -> int:
    process = model._origin.isolated
    assert process is not None
    assert process._process is not None
    return process._process.pid


@pytest.mark.parametrize(
    ("attempt", "how"),
    [
        ("abort", "died of SIGABRT"),
        ("read_null", "died of SIGSEGV"),
        ("exhaust_stack", "died of SIGSEGV"),
        ("exit", "ended with exit code 3"),
    ],
)
def test_death_is_an_error_and_names_the_operator(sample_intruder: Path, attempt: str, how: str) -> None:
    with intruding(sample_intruder, attempt) as model:
        for _ in range(2):  # the second one in another process
            with pytest.raises(zl.Error, match=rf"{how} in .*\(by SampleIntruder\); the next call starts another one"):
                model(values(model))


def test_next_call_goes_on() -> None:
    row = np.ones((1, 64), np.float32)
    with zl.load(DENSE, isolation="process") as model:
        expected = model(row)
        for _ in range(2):
            os.kill(process_of(model), signal.SIGKILL)
            with pytest.raises(zl.Error, match="its process died of SIGKILL"):
                model(row)
            np.testing.assert_array_equal(model(row), expected)
        (name,) = model.inputs
        model.resize({name: (5, 64)})
        os.kill(process_of(model), signal.SIGKILL)
        with pytest.raises(zl.Error, match="SIGKILL"):
            model.run()
        model(np.ones((5, 64), np.float32))  # the shapes are those from before


def test_model_that_ends_a_process() -> None:
    def load_and_run() -> None:
        with zl.load(ABORTS.bytes(), isolation="process") as model:
            model(values(model))

    with pytest.raises(zl.Error, match="SIGABRT"):
        load_and_run()


@pytest.mark.parametrize("way", ["call", "run", "map"])
def test_endless_run_ends_with_its_time(sample_intruder: Path, way: str) -> None:
    with intruding(sample_intruder, "loop") as model:
        given = values(model)
        ways: dict[str, Callable[[], object]] = {
            "call": lambda: model(given, timeout=0.05),
            "run": lambda: model.run(timeout=0.05),
            "map": lambda: model.map(given, timeout=0.05),
        }
        with pytest.raises(zl.RunTimeoutError):
            ways[way]()


def test_endless_run_without_a_time_ends_nevertheless(sample_intruder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerolite._isolation.process._SECONDS_A_RUN", 0.2)
    with intruding(sample_intruder, "loop") as model, pytest.raises(zl.Error, match=r"did not answer within 0\.2 s"):
        model.run()


def test_lost_model_ends_its_process() -> None:
    model = zl.load(DENSE, isolation="process")
    process = process_of(model)
    os.kill(process, 0)
    del model
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


KILLED = """
import os, signal, sys, threading
import numpy as np
import zerolite as zl
models = []
thread = threading.Thread(target=lambda: models.append(zl.load(sys.argv[1], isolation="process")))
thread.start(); thread.join()
models[0](np.ones((1, 64), np.float32))  # the end of the thread that loaded it is not the end of the model
print(models[0]._origin.isolated._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_process_ends_with_the_one_that_uses_it() -> None:
    process = int(run_python(KILLED, str(DENSE)).stdout)
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], 60)
    os.close(descriptor)
    assert ended


FORKED = """
import os, sys
import numpy as np
import zerolite as zl
row = np.ones((1, 64), np.float32)
model = zl.load(sys.argv[1], isolation="process")
expected = model(row)
child = os.fork()
if child == 0:
    try:
        model(row)
    except zl.Error as error:
        print("load the model again" in str(error), flush=True)
    model.close()
    with zl.load(sys.argv[1], isolation="process") as own:
        print(np.array_equal(own(row), expected), flush=True)
    sys.exit()
os.waitpid(child, 0)
print(np.array_equal(model(row), expected))
"""


def test_fork_leaves_the_process_to_the_parent() -> None:
    environment = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}
    assert answer_of(FORKED, str(DENSE), environment=environment).split() == ["True"] * 3
