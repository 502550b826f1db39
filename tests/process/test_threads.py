"""Models are used from several threads: they take turns, and the GIL is free meanwhile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.threads import PATIENCE, in_threads

THREADS = 8


@pytest.fixture
def impatient_interpreter() -> Iterator[None]:
    """Python changes threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def expected_outputs(name: str, inputs: np.ndarray) -> list[np.ndarray]:
    return [zoo.reference_run(zoo.model_path(name), [value])[0] for value in inputs]


@pytest.mark.usefixtures("impatient_interpreter")
@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn", "mixed_chain", "lstm", "hashtable", "growing_loop"])
def test_threads_get_their_own_answers(name: str) -> None:
    entry = zoo.load_manifest()[name]
    rng = np.random.default_rng(0)
    details = zoo.reference_interpreter(entry.path).get_input_details()
    inputs = [
        zoo.random_inputs(details, rng, ranges=entry.input_ranges, choices=entry.input_choices) for _ in range(THREADS)
    ]
    expected = [zoo.reference_run(entry.path, values)[0] for values in inputs]
    with zl.load(entry.path) as model:

        def work(index: int) -> bool:
            return all(np.array_equal(model(*inputs[index]), expected[index]) for _ in range(200))

        assert all(in_threads(work, THREADS))


@pytest.mark.usefixtures("impatient_interpreter")
def test_threads_in_different_signatures() -> None:
    with zl.load(zoo.model_path("two_signatures_one_subgraph")) as model:
        first, second = model.signatures["first"], model.signatures["second"]

        def work(index: int) -> bool:
            left, right = np.full((1, 4), index, np.float32), np.full((1, 4), 100, np.float32)
            if index % 2:
                return all(np.array_equal(first(left, right), first(x=left, y=right)) for _ in range(100))
            return all(np.array_equal(second(left=left, right=right), left + right) for _ in range(100))

        assert all(in_threads(work, THREADS))


def test_run_on_another_thread_than_the_loader() -> None:
    values = np.ones((1, 64), np.float32)
    (expected,) = expected_outputs("dense_2layer", values[np.newaxis])
    model = in_threads(lambda _: zl.load(zoo.model_path("dense_2layer")), 1)[0]
    view = model.inputs[0].array
    view[...] = values

    def work(_: int) -> np.ndarray:
        model.run()
        return model.outputs[0].array

    for _ in range(3):
        np.testing.assert_array_equal(in_threads(work, 1)[0], expected)
        np.testing.assert_array_equal(model(values), expected)
    in_threads(lambda _: model.close(), 1)
    assert model.closed


def test_loading_at_once() -> None:
    entries = [zoo.load_manifest()[name] for name in ("dense_2layer", "small_mobilenet", "small_cnn_int8", "rank_0")]

    def work(index: int) -> bool:
        entry = entries[index % len(entries)]
        for _ in range(10):
            with zl.load(entry.path) as model:
                inputs = [np.ones(tensor.shape, tensor.dtype) for tensor in model.inputs.values()]
                model(*inputs)
                model.run()
        with pytest.raises(zl.InvalidModelError):
            zl.load(b"no model")
        return True

    assert all(in_threads(work, THREADS))


@pytest.mark.usefixtures("impatient_interpreter")
def test_close_while_others_call() -> None:
    values = np.ones((1, 64), np.float32)
    (expected,) = expected_outputs("dense_2layer", values[np.newaxis])
    for _ in range(20):
        model = zl.load(zoo.model_path("dense_2layer"))
        busy = threading.Semaphore(0)

        def work(index: int, model: zl.CompiledModel = model, busy: threading.Semaphore = busy) -> str:
            if index == 0:
                for _ in range(3 * (THREADS - 1)):
                    assert busy.acquire(timeout=PATIENCE)
                model.close()
                return "closed"
            while True:
                try:
                    if index % 2:
                        np.testing.assert_array_equal(model(values), expected)
                    else:
                        model.run()
                        _ = model.outputs[0].array
                except zl.Error as error:
                    return str(error)
                finally:
                    busy.release()

        answers = in_threads(work, THREADS)
        assert answers.pop(0) == "closed"
        assert all("is closed" in answer for answer in answers)


@pytest.mark.usefixtures("impatient_interpreter")
def test_resize_while_others_call() -> None:
    inputs = {size: np.ones((size, 64), np.float32) for size in (1, 2)}
    with zl.load(zoo.model_path("dense_2layer")) as model:
        expected = model(inputs[1])
        tried, done = threading.Semaphore(0), threading.Event()
        refusals: list[str] = []

        def work(index: int) -> int:
            if index == 0:
                for round_ in range(100):
                    assert tried.acquire(timeout=PATIENCE)
                    model.resize(features=(1 + round_ % 2, 64))
                done.set()
                return 0
            size = 1 + index % 2
            answers = 0
            while True:
                last = done.is_set()  # and so this call finds the last shape, which is of size 2
                tried.release()
                try:
                    answer = model(inputs[size])
                except ValueError as error:
                    refusals.append(str(error))
                else:
                    answers += 1
                    np.testing.assert_array_equal(answer, np.repeat(expected, size, axis=0))
                if last:
                    return answers

        resizer, *callers = in_threads(work, 4)
        assert resizer == 0
        assert callers[0] > 0
        assert callers[2] > 0
        assert refusals
        assert all("resize" in refusal for refusal in refusals)


@pytest.mark.usefixtures("impatient_interpreter")
def test_bind_while_others_run() -> None:
    with zl.load(zoo.model_path("dense_2layer")) as model:
        arrays = [zl.empty((1, 64)) for _ in range(2)]
        for array in arrays:
            array[...] = 1
        model.bind(features=arrays[0])
        model.run()
        expected = model.outputs[0].array.copy()
        ran, done = threading.Semaphore(0), threading.Event()

        def work(index: int) -> bool:
            if index == 0:
                for round_ in range(300):
                    assert ran.acquire(timeout=PATIENCE)
                    model.bind(features=arrays[round_ % 2])
                done.set()
                return True
            while not done.is_set():
                ran.release()
                model.run()
                np.testing.assert_array_equal(model.outputs[0].array, expected)
            return True

        assert all(in_threads(work, 4))


@pytest.mark.parametrize("way", ["run", "call", "load"])
def test_python_goes_on_during_a_long_run(way: str) -> None:
    """Python changes threads only when one gives the GIL away: the other thread can only come in within the run."""
    model = zl.load(zoo.model_path("small_mobilenet"), delegates=zl.XNNPack(kernels="reference"))
    model.resize(image=(8192, 16, 16, 3))
    values = np.ones((8192, 16, 16, 3), np.float32)
    content = zoo.model_path("names_long").read_bytes()
    actions: dict[str, Callable[[], object]] = {
        "run": model.run,
        "call": lambda: model(values),
        "load": lambda: [zl.load(content) for _ in range(100)],
    }
    for _ in range(2):
        model.run()  # the runs that follow are direct ones
    begun, finished, came_in = threading.Event(), threading.Event(), threading.Event()

    def other_thread() -> None:
        begun.wait(PATIENCE)
        if not finished.is_set():
            came_in.set()

    thread = threading.Thread(target=other_thread)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        thread.start()
        begun.set()
        actions[way]()
        finished.set()
    finally:
        sys.setswitchinterval(interval)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert came_in.is_set()
    model.close()
