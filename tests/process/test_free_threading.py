"""What a GIL would keep apart: threads in one object at the same moment. With a GIL all this holds as well.

`make test-free-threaded` runs these tests on a CPython without one.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

import zerolite as zl
from tests.operators.models import SHAPE, Array, X, chain
from tests.support import model_zoo as zoo
from tests.support.threads import PATIENCE, in_threads

THREADS = 4
ROUNDS = 100


def test_the_import_leaves_the_gil_off() -> None:
    is_gil_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    assert is_gil_enabled() != bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def test_all_threads_see_the_same_signatures() -> None:
    at_once = threading.Barrier(2)

    class Slow(zl.CompiledModel):
        def _signature_keys(self) -> list[str]:
            at_once.wait(PATIENCE)  # neither thread has made them when the other one begins
            return super()._signature_keys()

    with Slow(zoo.model_path("multi_signature")) as model:
        first, second = in_threads(lambda _: model.signatures, 2)
        assert first is second is model.signatures


def test_calls_of_many_shapes() -> None:
    with zl.load(zoo.model_path("dense_2layer"), resize="auto") as model:
        inputs = [np.full((rows, 64), 0.5, np.float32) for rows in range(1, THREADS + 1)]
        row = model(inputs[0])

        def work(index: int) -> bool:
            expected = np.repeat(row, index + 1, axis=0)
            return all(np.allclose(model(inputs[index]), expected, atol=1e-6) for _ in range(ROUNDS))

        assert all(in_threads(work, THREADS))


def test_strings_while_others_resize() -> None:
    """A result has the shape of its own run, whatever the tensor's is by then."""
    words = np.array([b"a", b"bc", b"d", b"efg"], object)
    places = {count: np.arange(count, dtype=np.int32) for count in (1, 3)}
    with zl.load(zoo.model_path("string_gather")) as model:
        refusals: list[str] = []

        def work(index: int) -> int:
            answers = 0
            for round_ in range(ROUNDS):
                count = 1 + 2 * ((index + round_) % 2)
                if index % 2:
                    model.resize({"index": (count,)})
                try:
                    answer = model(words=words, index=places[count])
                except ValueError as error:
                    refusals.append(str(error))
                else:
                    answers += 1
                    np.testing.assert_array_equal(answer, words[:count])
            return answers

        assert sum(in_threads(work, THREADS)) > 0
        assert all("resize" in refusal for refusal in refusals)


def test_quantized_values_while_others_resize() -> None:
    with zl.load(zoo.model_path("dense_2layer_int8")) as model:
        name = next(iter(model.inputs))
        tensor = model.inputs[name]
        assert tensor.quantization is not None
        values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
        expected = tensor.quantization.quantize(values)
        real = model.real(values)
        refusals: list[str] = []

        def work(index: int) -> bool:
            for round_ in range(ROUNDS):
                if index == 0:
                    model.resize({name: (1 + round_ % 2, 64)})
                    continue
                assert tensor.quantization is not None
                np.testing.assert_array_equal(tensor.quantization.quantize(values), expected)
                try:
                    np.testing.assert_array_equal(model.real(values), real)
                except ValueError as error:
                    refusals.append(str(error))
            return True

        assert all(in_threads(work, THREADS))
        assert all("resize" in refusal for refusal in refusals)


def test_inputs_in_a_dict_that_another_thread_changes() -> None:
    values = np.ones((1, 64), np.float32)
    with zl.load(zoo.model_path("dense_2layer")) as model:
        expected = model(values)
        given: dict[str, Any] = {"features": values}
        done = threading.Event()
        refusals: list[str] = []

        def work(index: int) -> bool:
            if index == 0:
                for round_ in range(20 * ROUNDS):
                    given[f"other{round_ % 50}"] = values
                    given["features"] = values.copy()
                    given.pop(f"other{(round_ - 1) % 50}", None)
                done.set()
                return True
            while not done.is_set():
                try:
                    np.testing.assert_array_equal(model(given), expected)
                except zl.ArgumentError as error:
                    refusals.append(str(error))
            return True

        assert all(in_threads(work, THREADS))
        assert all("there is no input 'other" in refusal for refusal in refusals)


def test_closed_is_told_during_a_run() -> None:
    for _ in range(20):
        model = zl.load(zoo.model_path("dense_2layer"))
        started = threading.Barrier(2)

        def work(index: int, model: zl.CompiledModel = model, started: threading.Barrier = started) -> bool:
            started.wait(PATIENCE)
            if index == 0:
                model.close()
            while not model.closed:
                assert "CompiledModel(" in repr(model)
            return model.closed

        assert all(in_threads(work, 2))


def test_a_weak_reference_does_not_reach_memory_that_is_gone() -> None:
    """A function's input is lent; another thread may come to it by a weak reference until it is gone itself."""
    lent: list[weakref.ref[Array]] = []
    refusals: list[str] = []
    done = threading.Event()

    def double(x: Array) -> Array:
        lent[:] = [weakref.ref(x)]
        return 2 * x

    def read() -> None:
        while not done.is_set():
            for reference in lent:
                array = reference()
                if array is not None:
                    assert array.shape == SHAPE
                    _ = float(array.sum())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(20):
            with zl.load(chain("Double"), custom_ops=[zl.custom_op("Double")(double)]) as model:
                for _ in range(ROUNDS // 10):
                    try:
                        np.testing.assert_array_equal(model(X), 2 * X)
                    except zl.Error as error:
                        refusals.append(str(error))
    finally:
        done.set()
        reader.join()
    assert all("it kept its input" in refusal for refusal in refusals)


def test_one_model_for_each_thread() -> None:
    """Models share the runtime's environment, packed kernels and NumPy's types."""
    names = ("dense_2layer", "small_cnn", "small_mobilenet_int8_float_io", "string_passthrough")

    def work(index: int) -> bool:
        entry = zoo.load_manifest()[names[index % len(names)]]
        with zl.load(entry.path) as model:
            inputs = [
                np.full(tensor.shape, b"x", object) if tensor.dtype == object else np.ones(tensor.shape, tensor.dtype)
                for tensor in model.inputs.values()
            ]
            first = model(*inputs)
            return all(np.array_equal(model(*inputs), first) for _ in range(ROUNDS))

    assert all(in_threads(work, 2 * THREADS))
