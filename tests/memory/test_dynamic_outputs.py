"""Results of a shape that only a run tells: they keep the memory that they were computed into, and nobody else does."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.process_memory import needs_proc
from tests.support.python_process import answer_of

RANGE = zoo.model_path("runtime_range")
MANY = 1_000_000  # numbers of 4 bytes: far above the size from which memory is passed on
SIZES = [1, 10, 20_000, MANY, MANY, 3, 20_001]


def test_every_result_is_its_callers_own() -> None:
    with zl.load(RANGE) as model:
        results = [model(np.int32(size)) for size in SIZES]
        for size, result in zip(SIZES, results, strict=True):
            np.testing.assert_array_equal(result, np.arange(size))
            result[...] = -1
        np.testing.assert_array_equal(model(np.int32(MANY)), np.arange(MANY))
    assert all((result == -1).all() for result in results)


def test_results_outlive_the_model() -> None:
    model = zl.load(RANGE)
    result = model(np.int32(MANY))
    del model
    gc.collect()
    np.testing.assert_array_equal(result, np.arange(MANY))


def test_the_tensor_has_the_value_whatever_is_done_to_the_result() -> None:
    with zl.load(RANGE) as model:
        result = model(np.int32(MANY))
        result[...] = -1
        view = model.outputs[0].array
        np.testing.assert_array_equal(view, np.arange(MANY))
        view[...] = -2
        assert (result == -1).all()
        assert (model.outputs[0].array == -2).all()
        np.testing.assert_array_equal(model(np.int32(MANY)), np.arange(MANY))


def test_a_view_still_follows_the_runs() -> None:
    with zl.load(RANGE) as model:
        model.inputs[0].array[...] = MANY
        model.run()
        view = model.outputs[0].array
        view[...] = 0
        np.testing.assert_array_equal(model(np.int32(MANY)), np.arange(MANY))
        np.testing.assert_array_equal(view, np.arange(MANY))


def test_a_run_that_fails_leaves_results_alone_and_the_model_usable() -> None:
    with zl.load(RANGE) as model:
        before = model(np.int32(MANY))
        with pytest.raises(zl.Error):
            model(np.int32(-5))
        np.testing.assert_array_equal(before, np.arange(MANY))
        np.testing.assert_array_equal(model(np.int32(7)), np.arange(7))
        np.testing.assert_array_equal(model(np.int32(MANY)), np.arange(MANY))


def test_the_interpreter_gives_a_copy_each_time() -> None:
    interpreter = zl.Interpreter(str(RANGE))
    interpreter.allocate_tensors()
    (input_index,) = (detail["index"] for detail in interpreter.get_input_details())
    (output_index,) = (detail["index"] for detail in interpreter.get_output_details())
    results = []
    for size in SIZES:
        interpreter.set_tensor(input_index, np.int32(size))
        interpreter.invoke()
        for _ in range(2):
            results.append(interpreter.get_tensor(output_index))
            np.testing.assert_array_equal(results[-1], np.arange(size))
            results[-1][...] = -1
        np.testing.assert_array_equal(interpreter.tensor(output_index)(), np.arange(size))
    assert all((result == -1).all() for result in results)


PEAK = """
import sys
import numpy as np
import zerolite as zl
from tests.support.process_memory import peak_resident_bytes

_, kind, path = sys.argv
size = np.int32(64 << 18)  # 64 MiB
before = peak_resident_bytes()
if kind == "Interpreter":
    interpreter = zl.Interpreter(path)
    interpreter.allocate_tensors()
    for _ in range(3):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], size)
        result = None
        interpreter.invoke()
        result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
else:
    model = zl.load(path)
    for _ in range(3):
        result = None
        result = model(size)
assert result.size == size
print(peak_resident_bytes() - before)
"""


@needs_proc
@pytest.mark.parametrize("kind", ["Interpreter", "load"])
def test_a_dynamic_output_exists_twice_at_most(kind: str) -> None:
    assert 128 <= int(answer_of(PEAK, kind, str(RANGE))) / 2**20 < 150
