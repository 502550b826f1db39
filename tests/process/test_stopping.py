"""Runs that are stopped: by a timeout, by a cancelled task, by a cancelled future."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits

LOOP = zoo.model_path("while_loop")
DENSE = zoo.model_path("dense_2layer")
X = np.ones((3, 2), np.float32)
FOR_EVER = np.array(2**31 - 1, np.int32)  # minutes, operator by operator
THREE = np.array(3, np.int32)
SHORT = 0.05


@pytest.fixture
def loop() -> Iterator[Any]:
    with zl.load(LOOP) as model:
        yield model


def test_a_call(loop: Any) -> None:
    expected = loop(x=X, count=THREE)
    for _ in range(2):
        with pytest.raises(zl.RunTimeoutError, match=r"stopped after 0\.05 s, its timeout"):
            loop(x=X, count=FOR_EVER, timeout=SHORT)
        assert_same_bits(loop(x=X, count=THREE), expected)
        assert_same_bits(loop({"x": X, "count": THREE}, timeout=60), expected)
        assert_same_bits(loop({"x": X, "count": THREE}, timeout=None), expected)


def test_run(loop: Any) -> None:
    expected = loop(x=X, count=THREE)
    loop.inputs["x"].array[...] = X
    loop.inputs["count"].array[...] = FOR_EVER
    with pytest.raises(zl.RunTimeoutError):
        loop.run(timeout=SHORT)
    loop.inputs["count"].array[...] = THREE
    loop.run(timeout=60)
    assert_same_bits(loop.outputs[0].array, expected)
    loop.run()
    assert_same_bits(loop.outputs[0].array, expected)


def test_real_numbers(loop: Any) -> None:
    with pytest.raises(zl.RunTimeoutError):
        loop.real(x=X, count=FOR_EVER, timeout=SHORT)


def test_nothing_runs_when_there_is_no_time() -> None:
    with zl.load(DENSE) as model:
        rows = np.ones((1, 64), np.float32)
        expected = model(rows)
        for _ in range(3):
            with pytest.raises(zl.RunTimeoutError):
                model(rows, timeout=0)
            with pytest.raises(zl.RunTimeoutError):
                model.run(timeout=0)
            assert_same_bits(model(rows, timeout=60), expected)


def test_a_batch() -> None:
    rows = np.ones((5, 64), np.float32)
    with zl.load(DENSE) as model:
        expected = np.asarray(model.map(rows))
        assert_same_bits(np.asarray(model.map(rows, timeout=60)), expected)
        big = np.ones((400_000, 64), np.float32)
        with pytest.raises(zl.RunTimeoutError):
            model.map(big, chunk=1, timeout=0.001)
        assert_same_bits(np.asarray(model.map(rows)), expected)
    with zl.Pool(DENSE, workers=2) as pool:
        with pytest.raises(zl.RunTimeoutError):
            pool.map(big, chunk=1, timeout=0.001)
        assert_same_bits(np.asarray(pool.map(rows)), expected)


def test_a_batch_of_strings() -> None:
    with zl.load(zoo.model_path("string_passthrough")) as model:
        name = next(iter(model.inputs))
        words = np.full((4, *model.inputs[0].shape), b"word", object)
        with pytest.raises(zl.RunTimeoutError):
            model.map({name: words}, timeout=0)


@pytest.mark.parametrize("timeout", ["long", [1], -1, float("nan")])
def test_what_is_no_time(loop: Any, timeout: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"timeout is .*, and must be a number of seconds"):
        loop(x=X, count=THREE, timeout=timeout)
    with pytest.raises((TypeError, ValueError), match=r"timeout is .*, and must be a number of seconds"):
        loop.run(timeout=timeout)


def test_run_takes_nothing_else(loop: Any) -> None:
    with pytest.raises(TypeError, match="run takes no inputs"):
        loop.run(X)
    with pytest.raises(TypeError, match="run takes timeout, and got"):
        loop.run(until=3)


def test_the_error() -> None:
    error = zl.RunTimeoutError("late")
    assert isinstance(error, TimeoutError)
    assert isinstance(error, zl.Error)
    assert repr(pickle.loads(pickle.dumps(error))) == repr(error)


# asyncio


@pytest.mark.parametrize("where", ["model", "pool"])
def test_a_cancelled_task_stops_its_run(where: str) -> None:
    source: Any = zl.load(LOOP) if where == "model" else zl.Pool(LOOP, workers=1)

    async def program() -> np.ndarray:
        task = asyncio.create_task(source.run_async(x=X, count=FOR_EVER))
        await asyncio.wait([task], timeout=SHORT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(zl.RunTimeoutError):
            await source.run_async(x=X, count=FOR_EVER, timeout=SHORT)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(source.run_async(x=X, count=FOR_EVER), SHORT)
        answer: np.ndarray = await source.run_async(x=X, count=THREE)  # which would wait for minutes
        return answer

    with source, zl.load(LOOP) as other:
        assert_same_bits(asyncio.run(program()), other(x=X, count=THREE))


# Futures


def test_cancelling_a_future_stops_its_run() -> None:
    pool: Any
    with zl.Pool(LOOP, workers=1) as pool, zl.load(LOOP) as model:
        running = pool.submit(x=X, count=FOR_EVER)
        waiting = pool.submit(x=X, count=FOR_EVER)
        next_one = pool.submit(x=X, count=THREE)
        while not running.running():
            threading.Event().wait(0.001)
        assert waiting.cancel()
        assert not running.cancel()
        with pytest.raises(CancelledError):
            running.result(timeout=60)
        assert waiting.cancelled()
        assert_same_bits(next_one.result(timeout=60), model(x=X, count=THREE))
        with pytest.raises(zl.RunTimeoutError):
            pool.submit(x=X, count=FOR_EVER, timeout=SHORT).result(timeout=60)
        assert not next_one.cancel()  # it is done
        assert_same_bits(next_one.result(), model(x=X, count=THREE))
