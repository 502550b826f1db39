"""What happens while `map` runs: progress, an interruption, an item that fails, other threads."""

from __future__ import annotations

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import Items, as_argument, dense, load, loop, outputs_by_name, rows
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array
from tests.support.python_process import answer_after_interrupt
from tests.support.threads import in_threads

PATIENCE = 60  # seconds after which what should have ended is called hung

# Progress


@pytest.mark.parametrize("name", ["dense_2layer", "topk", "string_passthrough", "fixed_batch"])
def test_progress(name: str) -> None:
    entry = zoo.load_manifest()[name]
    items = Items(entry, "serving_default")
    with load(entry.path) as model:
        calls: list[tuple[int, int]] = []
        batch = items.batch(model, 30 * items.per_run, seed=0)
        model.map(as_argument(batch), progress=lambda done, total: calls.append((done, total)))
        total = 30 * items.per_run
        assert calls[-1] == (total, total)
        assert {of for _, of in calls} == {total}
        steps = [done for done, _ in calls]
        assert steps == sorted(set(steps))


def test_progress_of_a_long_batch() -> None:
    """So long that no machine is done with it in one stretch of time."""
    total = 10**7
    batch = np.broadcast_to(np.zeros((1, 64), np.float32), (total, 64))
    with load(zoo.model_path("dense_2layer"), delegates=zl.XNNPack(kernels="reference")) as model:
        zeros = model(batch[:1])
        steps: list[int] = []

        def note(done: int, of: int) -> None:
            assert of == total
            steps.append(done)
            assert_same_bits(model(batch[:1]), zeros)  # the model is free meanwhile
            if len(steps) == 4:
                raise InterruptedError

        with pytest.raises(InterruptedError):
            model.map(batch, chunk=1, progress=note)
        assert steps == sorted(set(steps))
        assert steps[-1] < total


@pytest.mark.parametrize("chunk", [None, 1, 8])
@pytest.mark.parametrize("name", ["dense_2layer", "topk"])
def test_an_exception_in_progress(name: str, chunk: int | None) -> None:
    entry = zoo.load_manifest()[name]
    items = Items(entry, "serving_default")
    chunk = chunk if items.resizable else None
    with load(entry.path) as model:
        batch = items.batch(model, 20, seed=0)
        expected = items.expected(batch)
        bound = zl.empty(model.inputs[0].shape)
        model.bind({model.inputs[0].name: bound})
        for error in (KeyError("mine"), KeyboardInterrupt(), SystemExit(3)):

            def fail(done: int, total: int, error: BaseException = error) -> None:
                raise error

            with pytest.raises(type(error)) as caught:
                model.map(as_argument(batch), chunk=chunk, progress=fail)
            assert caught.value is error
            assert np.shares_memory(model.inputs[0].array, bound)
            answer = outputs_by_name(model, model.map(as_argument(batch), chunk=chunk))
            for output, array in expected.items():
                assert_same_bits(answer[output], array, output)


def test_progress_that_can_not_be_called() -> None:
    with dense() as model:
        for wrong in (3, "text"):
            with pytest.raises(TypeError, match="callable"):
                model.map(rows(3), progress=wrong)


def test_a_model_that_is_closed_in_progress() -> None:
    with load(zoo.model_path("small_mobilenet"), delegates=zl.XNNPack(kernels="reference")) as model:
        model.resize(image=(1, 64, 64, 3), strict=False)
        batch = np.broadcast_to(np.zeros((1, 64, 64, 3), np.float32), (10**7, 64, 64, 3))
        with pytest.raises(zl.Error, match="closed"):
            model.map(batch, chunk=1, progress=lambda *_: model.close())


# Interruption

LONG_MAP = """
import sys
import numpy as np
import zerolite as zl
from tests.support.python_process import begun_once
model = zl.load(sys.argv[1], delegates=zl.XNNPack(kernels="reference"))
model.resize(image=(1, 64, 64, 3), strict=False)
batch = np.broadcast_to(np.zeros((1, 64, 64, 3), np.float32), (10**7, 64, 64, 3))
out = np.empty((10**7, 5), np.float32)
try:
    model.map(batch, out=out, chunk=int(sys.argv[2]), progress=begun_once())
except KeyboardInterrupt:
    print("interrupted", model(np.zeros((1, 64, 64, 3), np.float32)).shape, flush=True)
"""


@pytest.mark.parametrize("chunk", [1, 4])
def test_keyboard_interrupt(chunk: int) -> None:
    answer = answer_after_interrupt(LONG_MAP, str(zoo.model_path("small_mobilenet")), str(chunk), timeout=PATIENCE)
    assert answer == "interrupted (1, 5)\n"


# Failure


@pytest.mark.parametrize("failing", [0, 1, 5, 9])
def test_an_item_that_fails(failing: int) -> None:
    with load(zoo.model_path("gather")) as model:
        items = Items(zoo.load_manifest()["gather"], "serving_default")
        batch = items.batch(model, 10, seed=0)
        expected = items.expected(batch)
        index = next(name for name, array in batch.items() if array.dtype == np.int64)
        bad = {name: array.copy() for name, array in batch.items()}
        bad[index][failing, 1] = 10
        for _ in range(2):
            with pytest.raises(zl.Error, match=f"^item {failing}: .*serving_default.*failed"):
                model.map(bad)
            (name,) = expected
            assert_same_bits(outputs_by_name(model, model.map(batch))[name], expected[name])


def test_several_items_that_fail() -> None:
    with load(zoo.model_path("integer_division")) as model:
        left = np.full((20, 4), 12, np.int32)
        right = np.full((20, 4), 3, np.int32)
        right[[7, 3, 15]] = 0
        names = sorted(model.inputs)
        values: dict[str, Array] = {names[0]: left, names[1]: right}
        items = Items(zoo.load_manifest()["integer_division"], "serving_default")
        if items.along_leading_axis:
            values = {name: array.reshape(-1) for name, array in values.items()}
        failing = 3 * items.per_run
        for _ in range(2):
            with pytest.raises(zl.Error, match=rf"^items? {failing}\b"):
                model.map(values)
        right[...] = 4
        answer = outputs_by_name(model, model.map(values))
        assert all((array == 3).all() for array in answer.values())


def test_a_dynamic_item_that_fails() -> None:
    with load(zoo.model_path("runtime_reshape")) as model:
        x = np.arange(60, dtype=np.float32).reshape(5, 2, 6)
        counts = np.array([3, 3, 5, 3, 3], np.int32)
        for _ in range(2):
            with pytest.raises(zl.Error, match=r"^item 2: .*failed"):
                model.map({"x": x, "rows": counts})
            counts[2] = 3
            assert_same_bits(model.map({"x": x, "rows": counts}), x.reshape(5, 3, 4))
            counts[2] = 5


def test_an_input_that_is_wrong_in_one_item_only() -> None:
    with load(zoo.model_path("string_passthrough")) as model:
        words = np.full((4, 2, 3), b"word", object)
        words[2, 0, 1] = 3
        with pytest.raises(TypeError, match="strings"):
            model.map(words)
        words[2, 0, 1] = "word"
        assert (model.map(words) == b"word").all()


# Threads


@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn", "topk", "lstm"])
def test_threads_map_one_model(name: str) -> None:
    entry = zoo.load_manifest()[name]
    items = Items(entry, "serving_default")
    with load(entry.path) as model:
        batches = [items.batch(model, 12 * items.per_run, seed) for seed in range(4)]
        expected = [items.expected(batch) for batch in batches]

        def work(index: int) -> None:
            for chunk in (None, 1, 5, None, 3):
                size = chunk if items.resizable else None
                answer = outputs_by_name(model, model.map(as_argument(batches[index]), chunk=size))
                for output, array in expected[index].items():
                    assert_same_bits(answer[output], array, output)

        in_threads(work, 4)


def test_others_use_the_model_meanwhile() -> None:
    with dense() as model, dense() as other:
        batch = rows(3000)
        expected = loop(other, batch)

        def work(index: int) -> None:
            if index == 0:
                for chunk in (1, 7, None):
                    assert_same_bits(model.map(batch, chunk=chunk), expected)
                return
            for row in range(300):
                assert_same_bits(model(batch[row : row + 1]), expected[row : row + 1])

        in_threads(work, 4)
