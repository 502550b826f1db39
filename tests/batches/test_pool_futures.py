"""`Pool.submit` and `run_async`."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support.bit_equality import assert_same_bits
from tests.support.pools import DENSE, PATIENCE, Gate, answers, make_pool, rows

# Futures


def test_submit(pool: Any) -> None:
    items = rows(30)
    futures = [pool.submit(item) if index % 2 else pool.submit(features=item) for index, item in enumerate(items)]
    assert all(isinstance(future, Future) for future in futures)
    assert_same_bits(np.stack([future.result(PATIENCE) for future in futures]), answers(items))
    out = np.empty((1, 10), np.float32)
    assert pool.submit(items[0], out=out).result(PATIENCE) is out
    assert_same_bits(out, answers(items)[0])


def test_exceptions_of_futures(pool: Any) -> None:
    wrong: list[tuple[Any, type[Exception]]] = [
        (np.ones((1, 64)), TypeError),
        (np.ones((1, 63), np.float32), ValueError),
        ({"nobody": 1}, ValueError),
    ]
    for value, error in wrong * 4:
        assert isinstance(pool.submit(value).exception(PATIENCE), error)
    assert pool.submit(rows(1)[0]).exception(PATIENCE) is None


def test_futures_that_are_cancelled() -> None:
    with make_pool(DENSE, workers=2) as pool:
        gates = [Gate(), Gate()]
        running = [pool.submit(gate) for gate in gates]
        for gate in gates:
            gate.wait_until_entered()
        queued = [pool.submit(rows(1)[0]) for _ in range(5)]
        assert queued[0].cancel()
        assert queued[3].cancel()
        assert not running[0].cancel()
        for gate in gates:
            gate.opened.set()
        for index, future in enumerate(queued):
            if index in (0, 3):
                with pytest.raises(CancelledError):
                    future.result(PATIENCE)
            else:
                assert_same_bits(future.result(PATIENCE), answers(rows(1))[0])
        with pytest.raises(CancelledError):  # stopped before its first operator
            running[0].result(PATIENCE)
        assert running[1].exception(PATIENCE) is None


# Event loops


def test_run_async() -> None:
    items = rows(20)
    expected = answers(items)

    async def gather(runner: zl.Pool | zl.CompiledModel) -> list[Any]:
        return await asyncio.gather(*(runner.run_async(item) for item in items))

    with make_pool(DENSE, workers=3) as pool, zl.load(DENSE) as model:
        for runner in (pool, model):
            for _ in range(2):
                assert_same_bits(np.stack(asyncio.run(gather(runner))), expected)


@pytest.mark.parametrize("kind", ["pool", "model"])
def test_run_async_fails_as_a_call_does(kind: str) -> None:
    with make_pool(DENSE, workers=2) as pool, zl.load(DENSE) as model:
        runner: Any = pool if kind == "pool" else model
        with pytest.raises(ValueError, match="'features'"):
            asyncio.run(runner.run_async(np.ones((1, 63), np.float32)))
        with pytest.raises(TypeError, match="float64"):
            asyncio.run(runner.run_async(features=np.ones((1, 64))))
        assert asyncio.run(runner.run_async(features=rows(1)[0])).shape == (1, 10)


@pytest.mark.parametrize("kind", ["pool", "model"])
def test_a_task_that_is_cancelled(kind: str) -> None:
    gate = Gate()

    async def cancel(runner: zl.Pool | zl.CompiledModel) -> Any:
        running = asyncio.ensure_future(runner.run_async(gate))
        queued = asyncio.ensure_future(runner.run_async(rows(1)[0]))
        await asyncio.to_thread(gate.wait_until_entered)
        for task in (running, queued):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.opened.set()
        return await runner.run_async(rows(1)[0])

    with make_pool(DENSE, workers=1) as pool, zl.load(DENSE) as model:
        assert_same_bits(asyncio.run(cancel(pool if kind == "pool" else model)), answers(rows(1))[0])


def test_a_model_that_is_closed_after_run_async() -> None:
    model = zl.load(DENSE)
    before = threading.active_count()
    asyncio.run(model.run_async(rows(1)[0]))
    assert threading.active_count() == before + 1
    model.close()
    assert threading.active_count() == before
    with pytest.raises(zl.Error, match="closed"):
        asyncio.run(model.run_async(rows(1)[0]))
