"""`Pool.map`, and what becomes of state, interruptions and errors in replicas."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import MODELS, Items, as_argument, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import ModelEntry
from tests.support.pools import PATIENCE, answers, make_pool, rows
from tests.support.python_process import answer_after_interrupt

# Map


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize(
    "name", ["dense_2layer", "small_cnn_int8", "argmax", "rank_0", "topk", "string_passthrough", "fixed_batch"]
)
def test_map(name: str, workers: int) -> None:
    entry = zoo.load_manifest()[name]
    items = Items(entry, "serving_default")
    with make_pool(entry.path, workers=workers) as pool, zl.load(entry.path) as model:
        for count in (0, 1, 3, 50):
            batch = items.batch(model, count * items.per_run, seed=count)
            expected = items.expected(batch)
            for chunk in (None, 1, 4):
                size = chunk if items.resizable else None
                answer = outputs_by_name(model, pool.map(as_argument(batch), chunk=size))
                for output, array in expected.items():
                    assert_same_bits(answer[output], array, output)


@pytest.mark.slow
@pytest.mark.parametrize("entry", [entry for entry in MODELS if not {"stateful", "no_inputs"} & entry.tags], ids=str)
def test_imap_of_every_model(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model, make_pool(entry.path, workers=2) as pool:
        items = Items(entry, model.key)
        signature = model.signatures[model.key]
        batch = items.batch(model, 6 * items.per_run, seed=0)
        runs = items.one_by_one(signature, batch)
        arguments = [
            tuple(
                array[start : start + items.per_run] if items.along_leading_axis else array[start]
                for array in batch.values()
            )
            for start in range(0, 6 * items.per_run, items.per_run)
        ]
        for answer, expected in zip(pool.imap(arguments), runs, strict=True):
            for output, array in outputs_by_name(model, answer).items():
                assert_same_bits(array, expected[output], output)


def test_map_options(pool: Any) -> None:
    batch = rows(500)[:, 0]
    expected = answers(batch[:, np.newaxis])[:, 0]
    out = np.empty((500, 10), np.float32)
    steps: list[tuple[int, int]] = []
    assert pool.map(batch, out=out, chunk=7, progress=lambda done, total: steps.append((done, total))) is out
    assert_same_bits(out, expected)
    assert steps[-1] == (500, 500)
    assert steps == sorted(set(steps))
    with pytest.raises(ValueError, match="chunk is 0"):
        pool.map(batch, chunk=0)
    with pytest.raises(TypeError, match="float64"):
        pool.map(batch.astype(np.float64))
    with pytest.raises(KeyError, match="mine"):
        pool.map(batch, progress=lambda *_: dict[str, int]()["mine"])
    assert_same_bits(pool.map(batch), expected)


def test_map_says_which_item_failed() -> None:
    with make_pool(zoo.model_path("gather"), workers=3) as pool, zl.load(zoo.model_path("gather")) as model:
        items = Items(zoo.load_manifest()["gather"], "serving_default")
        batch = items.batch(model, 30, seed=0)
        expected = items.expected(batch)
        index = next(name for name, array in batch.items() if array.dtype == np.int64)
        bad = {**batch, index: batch[index].copy()}
        bad[index][17] = 10
        for _ in range(3):
            with pytest.raises(zl.Error, match=r"^item 17: "):
                pool.map(bad)
            answer = outputs_by_name(model, pool.map(batch))
            for output, array in expected.items():
                assert_same_bits(answer[output], array, output)


def test_maps_from_several_threads(pool: Any) -> None:
    batch = rows(40)[:, 0]
    expected = answers(batch[:, np.newaxis])[:, 0]
    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(pool.map, batch, chunk=chunk) for chunk in (None, 1, 3, 8) * 5]:
            assert_same_bits(future.result(PATIENCE), expected)


# Interruption

LONG_MAP = """
import sys
import numpy as np
import zerolite as zl
from tests.support.python_process import begun_once
batch = np.broadcast_to(np.zeros((1, 16, 16, 3), np.float32), (10**8, 16, 16, 3))
out = np.empty((10**8, 5), np.float32)
with zl.Pool(sys.argv[1], workers=2, delegates=zl.XNNPack(kernels="reference")) as pool:
    try:
        pool.map(batch, out=out, chunk=1, progress=begun_once())
    except KeyboardInterrupt:
        print("interrupted", pool.map(batch[:3]).shape, flush=True)
"""


def test_keyboard_interrupt() -> None:
    answer = answer_after_interrupt(LONG_MAP, str(zoo.model_path("small_mobilenet")), timeout=PATIENCE)
    assert answer == "interrupted (3, 5)\n"


# Errors


@pytest.mark.parametrize(
    "cause", [ValueError("wrong"), TypeError("wrong"), zl.Error("wrong"), zl.InvalidModelError("wrong"), MemoryError()]
)
def test_item_errors_are_pickled(cause: Exception) -> None:
    error = zl.ItemError(3, cause)
    assert isinstance(error, zl.Error)
    for _ in range(3):
        error = pickle.loads(pickle.dumps(error))
        assert isinstance(error, zl.ItemError)
        assert error.index == 3
        assert str(error) == f"item 3: {str(cause) or type(cause).__name__}"
        assert type(error.__cause__) is type(error.cause) is type(cause)
        assert error.cause.args == cause.args


def test_item_errors_of_a_pool_are_pickled(pool: Any) -> None:
    with pytest.raises(zl.ItemError) as caught:
        next(pool.imap([np.ones((1, 63), np.float32)]))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert isinstance(copy.__cause__, ValueError)
