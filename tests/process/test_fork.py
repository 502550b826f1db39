"""Forked and started processes beside models and pools: they work or say what to do, and never hang."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python

DENSE = str(zoo.model_path("dense_2layer"))
# Python 3.12 warns of every fork with threads; that this is looked after is what is tested here.
QUIETLY = {"PYTHONWARNINGS": "ignore::DeprecationWarning"}

BEGIN = """
import asyncio, os, signal, sys, threading
import numpy as np
import zerolite as zl

path, row = sys.argv[1], np.ones((1, 64), np.float32)
model, pool = zl.load(path), zl.Pool(path, workers=2)
expected = model(row)
np.testing.assert_array_equal(pool.submit(row).result(), expected)
asyncio.run(model.run_async(row))

def in_a_child(work):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends the child when it hangs
        try:
            work()
        except zl.Error as error:
            print(str(error).partition(";")[2].strip())
        sys.exit()  # with all that an interpreter does at its end
    print("ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

def same(answer):
    np.testing.assert_array_equal(answer, expected)
"""


def answer(program: str) -> list[str]:
    return answer_of(BEGIN + program, DENSE, environment=QUIETLY).splitlines()


@pytest.mark.parametrize(
    "work",
    [
        "same(model(row))",
        "same(model.map(row))",
        "same(zl.load(path)(row))",
        "same(zl.Pool(path, workers=2).submit(row).result(30))",
        "same(asyncio.run(zl.load(path).run_async(row)))",
        "(model.close(), pool.close(), pool.close())",
    ],
)
def test_forked_child_goes_on(work: str) -> None:
    assert answer(f"in_a_child(lambda: {work})\nsame(pool.submit(row).result())") == ["ended with 0"]


@pytest.mark.parametrize("work", ["pool.submit(row)", "pool.map(row)", "list(pool.imap([row]))", "pool.inputs"])
def test_pool_of_the_parent_is_refused(work: str) -> None:
    advice = "make a pool in each process, or start processes with 'spawn'"
    assert answer(f"in_a_child(lambda: {work})\nsame(pool.map(row))") == [advice, "ended with 0"]


def test_thread_of_the_parent_is_refused() -> None:
    assert answer("in_a_child(lambda: asyncio.run(model.run_async(row)))\nasyncio.run(model.run_async(row))") == [
        "load the model again here",
        "ended with 0",
    ]


def test_fork_while_a_pool_works() -> None:
    """The child begins with replicas that are taken, and threads that are not there."""
    program = """
entered, gate = threading.Event(), threading.Event()

class Item:
    def __array__(self, dtype=None, copy=None):
        entered.set()
        gate.wait(60)
        return row

future = pool.submit(Item())
entered.wait(60)
in_a_child(pool.close)
in_a_child(lambda: None)
gate.set()
same(future.result())
"""
    assert answer(program) == ["ended with 0"] * 2


MODEL_STAYED = "load the model again here, or start processes with 'spawn'"


@pytest.mark.parametrize(
    "work",
    ["model(row)", "model.map(row)", "model.run()", "model.close()", "zl.load(path)(row)", "model.inputs[0].shape"],
)
def test_fork_while_another_thread_runs_the_model(work: str) -> None:
    """The child begins with a model that is taken, by a thread that is not there."""
    program = f"""
batch, entered, over = np.ones((100_000, 64), np.float32), threading.Event(), threading.Event()

def run():
    while not over.is_set():
        model.map(batch, progress=lambda done, total: entered.set())

thread = threading.Thread(target=run)
thread.start()
entered.wait(60)
for _ in range(4):
    in_a_child(lambda: {work})
over.set()
thread.join()
same(model(row))
"""
    lines = answer(program)
    assert [line for line in lines if line != MODEL_STAYED] == ["ended with 0"] * 4
    # Between two stretches of the batch nobody holds the model, which is a moment that hardly any child meets.
    assert (MODEL_STAYED in lines) == (work not in {"model.close()", "zl.load(path)(row)"})


@pytest.mark.parametrize("work", ["many(row)", "many.map(row)", "many.close()", "many.signatures", "None"])
def test_model_with_threads_of_the_parent(work: str) -> None:
    program = f"""
many = zl.load(path, threads=2)
same(many(row))
in_a_child(lambda: {work})
same(many(row))
"""
    refused = "many(row)" in work or "map" in work
    assert answer(program) == [MODEL_STAYED] * refused + ["ended with 0"]


@pytest.mark.parametrize("threads", [1, 2])
def test_interpreter_of_the_parent(threads: int) -> None:
    program = f"""
interpreter = zl.Interpreter(model_path=path, num_threads={threads})
interpreter.allocate_tensors()
index = interpreter.get_input_details()[0]["index"]
def run():
    interpreter.set_tensor(index, row)
    interpreter.invoke()
    same(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
run()
in_a_child(run)
run()
"""
    assert answer(program) == [MODEL_STAYED] * (threads > 1) + ["ended with 0"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(
        """
import multiprocessing, sys
import numpy as np
import zerolite as zl

def total(path):
    with zl.Pool(path, workers=2) as pool:
        return float(pool.submit(np.ones((1, 64), np.float32)).result().sum())

if __name__ == "__main__":
    method, path = sys.argv[1:]
    expected = total(path)
    with zl.Pool(path, workers=2) as pool:
        pool.submit(np.ones((1, 64), np.float32)).result()
        with multiprocessing.get_context(method).Pool(2) as processes:
            assert processes.map_async(total, [path] * 4).get(100) == [expected] * 4
    print("done")
""",
        encoding="utf-8",
    )
    process = subprocess.run(
        [sys.executable, str(script), method, DENSE],
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, **QUIETLY},
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "done\n", "")


def test_subinterpreter_is_refused() -> None:
    """On the way in: importing the native part there waits for ever."""
    program = """
import faulthandler, sys
faulthandler.dump_traceback_later(100, exit=True)  # a deadlock ends the process
if "already" in sys.argv:
    import zerolite
try:
    import _interpreters
    run = _interpreters.exec
except ImportError:
    import _xxsubinterpreters as _interpreters
    run = _interpreters.run_string
interpreter = _interpreters.create()
run(interpreter, '''
try:
    import zerolite
except ImportError as error:
    print(str(error).partition(";")[2].strip(), flush=True)
''')
import zerolite as zl
print(zl.load(sys.argv[1]).name)
"""
    for words in ((), ("already",)):
        process = run_python(program, DENSE, *words)
        assert process.returncode == 0, process.stderr
        assert process.stdout == f"use threads (zerolite.Pool) or processes instead\n{DENSE}\n"
