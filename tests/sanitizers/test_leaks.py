"""Nothing that zerolite's C++ allocates is lost: LeakSanitizer's reports of the end of a process, read for its frames.

CPython and NumPy keep much until the end, so that leaks as such can't be errors. Here a process says what it has lost,
and only blocks that were allocated by a call from the module under test are.
"""

from __future__ import annotations

import os

import pytest

from tests.sanitizers.environment import FAULTS, MODULE, options_with
from tests.support import model_zoo as zoo
from tests.support.python_process import run_python

pytestmark = pytest.mark.skipif("ASAN_OPTIONS" not in os.environ, reason="for make test-sanitized")

# With the library of each frame, which the usual form leaves out where there are line numbers.
FRAMES = 'stack_trace_format="#%n in %f %S %m"'

USE = """
import ctypes
import sys
import numpy as np
import zerolite as zl

def use(path):
    row = np.ones((1, 64), np.float32)
    with zl.load(path) as model:
        model(row), model.run(), model.map(np.ones((9, 64), np.float32)), model.trace(row), model.profile(runs=2)
        model.bind(features=zl.empty((1, 64)))
        model.resize(features=(3, 64))
        model(np.ones((3, 64), np.float32))
        model.signatures, model.delegation, model.dispatch, [tensor.array for tensor in model.inputs.values()]
        for wrong in (np.ones((2, 7), np.float32), "text", np.ones((3, 64), np.int8)):
            try:
                model(wrong)
            except (TypeError, ValueError):
                pass
    with zl.Pool(path, workers=2) as pool:
        pool.map(np.ones((9, 64), np.float32)), pool.submit(row).result()
    interpreter = zl.Interpreter(path)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row)
    interpreter.invoke()
    interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    for bad in (b"", b"nothing", open(path, "rb").read()[:-100]):
        try:
            zl.load(bad)
        except zl.Error:
            pass

for _ in range(3):
    use(sys.argv[1])
for path in sys.argv[2:]:
    ctypes.CDLL(path).leak()
"""


def lost_blocks(*arguments: str) -> list[str]:
    """The leaks that LeakSanitizer finds, one text each, of those whose stacks have a frame of ours."""
    # Stacks go through libraries without frame pointers, which the fast way to walk them needs.
    options = options_with("detect_leaks=1", "fast_unwind_on_malloc=0", "abort_on_error=0", "log_path=stderr", FRAMES)
    process = run_python(USE, str(zoo.model_path("dense_2layer")), *arguments, environment=options, timeout=300)
    assert "LeakSanitizer" in process.stderr, process.stderr or process.returncode
    return [block for block in process.stderr.split("\n\n") if any(name in block for name in (MODULE, *arguments))]


def test_nothing_is_lost() -> None:
    assert lost_blocks() == []


def test_leak_is_found() -> None:
    assert any("in leak " in block for block in lost_blocks(FAULTS))
