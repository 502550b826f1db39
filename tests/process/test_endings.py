"""Ends of a process in the middle of something: by itself, by a signal, by another thread."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import model_zoo as zoo
from tests.support.python_process import ROOT, answer_of, run_python

DENSE = str(zoo.model_path("dense_2layer"))

BEGIN = """
import faulthandler, sys, threading
import numpy as np
import zerolite as zl

faulthandler.dump_traceback_later(100, exit=True)  # a deadlock ends the process
path, row = sys.argv[1], np.ones((1, 64), np.float32)
begun = threading.Event()
"""

DAEMON_IN_A_MAP = """
batch = np.ones((200000, 64), np.float32)
def call():
    while True:
        maps.map(batch, chunk=1, progress=lambda *_: begun.set())
threading.Thread(target=call, daemon=True).start()
begun.wait()
"""

ENDINGS = {
    "pool with futures": """
pool = zl.Pool(path, workers=2)
futures = [pool.submit(row) for _ in range(200)]
""",
    "pool in a cycle": """
cycle = [zl.Pool(path, workers=2)]
cycle.append((cycle, cycle[0].submit(row), cycle[0].inputs[0].array))
""",
    "iterator of a pool": """
pool = zl.Pool(path, workers=2)
results = pool.imap(row for _ in range(1000))
next(results)
""",
    "daemon thread in calls": """
model = zl.load(path)
def call():
    while True:
        model(row)
        begun.set()
threading.Thread(target=call, daemon=True).start()
begun.wait()
""",
    "daemon thread in a map": "maps = zl.load(path)" + DAEMON_IN_A_MAP,
    "daemon thread in a pool's map": "maps = zl.Pool(path, workers=2)" + DAEMON_IN_A_MAP,
    "model used by an atexit function": """
import atexit
model, pool = zl.load(path), zl.Pool(path, workers=2)
view = model.inputs[0].array
atexit.register(lambda: (model(row), pool.map(row), model.close(), pool.close(), view.fill(1)))
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_interpreter_ends(ending: str) -> None:
    assert answer_of(BEGIN + ENDINGS[ending] + 'print("end")\n', DENSE) == "end\n"


def test_thread_outlives_the_libraries() -> None:
    # The C library calls usleep last of all: the thread, which does not hold the GIL, ends its second run after what
    # the libraries of the process destroy at its end.
    program = """
import ctypes, itertools, sys, threading
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.usleep, ctypes.c_void_p(1_500_000), None)
import numpy as np
import zerolite as zl

model, begun = zl.load(sys.argv[1]), threading.Event()
def call():
    for count in itertools.count(30_000):
        model(np.array(count, np.int32))  # an output of another size each time, which the runtime has to be told
        begun.set()
threading.Thread(target=call, daemon=True).start()
begun.wait()
print("end")
"""
    assert answer_of(program, str(zoo.model_path("growing_loop"))) == "end\n"


LONG_WORK = {
    "map": "zl.load(path).map(batch, chunk=1, progress=say)",
    "Pool.map": "zl.Pool(path, workers=2).map(batch, chunk=1, progress=say)",
    "Pool.imap": """
for _ in zl.Pool(path, workers=2).imap(row for _ in iter(int, 1)):
    say()
""",
}


@pytest.mark.parametrize("work", LONG_WORK)
def test_terminated(work: str) -> None:
    program = f"""{BEGIN}
def say(*_):
    if not begun.is_set():
        begun.set()
        print("begun", flush=True)
batch = np.ones((3000000, 64), np.float32)
while True:
    {LONG_WORK[work].strip().replace(chr(10), chr(10) + "    ")}
"""
    command = [sys.executable, "-c", program, DENSE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            process.terminate()
            _, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    assert (process.returncode, errors) == (-signal.SIGTERM, "")


def test_terminated_command_leaves_no_files(tmp_path: Path) -> None:
    pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    pytest.importorskip("typer", reason="needs the extra cli")
    program = """
import os, signal, sys

def hook(event, arguments):
    if event == "subprocess.Popen":
        print(len(os.listdir(os.environ["TMPDIR"])), flush=True)
        os.kill(os.getpid(), signal.SIGTERM)

from zerolite.cli import main
sys.addaudithook(hook)
sys.exit(main())
"""
    temporary, target = tmp_path / "temporary", tmp_path / "out.tflite"
    temporary.mkdir()
    arguments = ("convert", str(zoo.model_path("small_cnn")), "--out", str(target), "--quantize", "dynamic")
    process = run_python(program, *arguments, environment={"TMPDIR": str(temporary)})
    assert (process.returncode, process.stdout, process.stderr) == (143, "1\n", "")
    assert list(temporary.iterdir()) == []
    assert not target.exists()


@pytest.mark.parametrize("work", ["Pool.map", "map"])
def test_signal_handler_may_end_the_work(work: str) -> None:
    """A handler that raises ends a loop in C++ between two chunks, as an interrupt does."""
    program = f"""{BEGIN}
import os, signal
def stop(*_):
    raise SystemExit(3)
signal.signal(signal.SIGTERM, stop)
def say(*_):
    os.kill(os.getpid(), signal.SIGTERM)
batch = np.ones((300000, 64), np.float32)
try:
    {LONG_WORK[work]}
except SystemExit as error:
    print(error.code)
"""
    assert answer_of(program, DENSE) == "3\n"


def test_last_reference_goes_on_another_thread_during_a_run() -> None:
    program = f"""{BEGIN}
holder = [zl.load(path)]
view = holder[0].outputs[0].array
def run():
    holder[0].map(np.ones((20000, 64), np.float32), chunk=1, progress=lambda *_: begun.set())
thread = threading.Thread(target=run)
thread.start()
begun.wait()
holder.clear()
thread.join()
view.fill(2)
print(view.sum())
"""
    assert answer_of(program, DENSE) == "20.0\n"


def test_cycles_through_views_are_collected() -> None:
    program = f"""{BEGIN}
import gc, weakref

class Model(zl.CompiledModel):
    pass

class View(np.ndarray):
    pass

gc.disable()
model = Model(path)
bound = zl.empty((1, 64)).view(View)
bound.model = model
model.bind(features=bound)
model.view = model.outputs[0].array.view(View)
model.view.model = model
alive = weakref.ref(model)
del bound
model.bind(features=None)
del model
assert alive() is not None
gc.collect()
print(alive())
"""
    assert answer_of(program, DENSE) == "None\n"
