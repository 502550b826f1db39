"""How a pool is made and ends, with all of its threads."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import Items, as_argument, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.pools import DENSE, PATIENCE, Gate, answers, make_pool, rows
from tests.support.python_process import answer_of, run_python

# Making and closing


@pytest.mark.parametrize(
    ("workers", "error", "message"),
    [
        (0, ValueError, "workers is 0.*1 to 1024"),
        (-1, ValueError, "workers is -1.*1 to 1024"),
        (1025, ValueError, "workers is 1025.*1 to 1024"),
        (10**30, ValueError, "workers is 10+.*1 to 1024"),
        ("2", TypeError, "workers is '2'.*None"),
        (1.5, TypeError, "workers is 1.5"),
    ],
)
def test_workers_that_are_refused(workers: Any, error: type[Exception], message: str) -> None:
    before = threading.enumerate()
    with pytest.raises(error, match=message):
        make_pool(DENSE, workers=workers)
    assert threading.enumerate() == before


@pytest.mark.parametrize("workers", [1, 3, True, np.int64(2)])
def test_workers(workers: int) -> None:
    with make_pool(DENSE, workers=workers) as pool:
        assert pool.workers == int(workers)
        assert pool.map(rows(3)[:, 0]).shape == (3, 10)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't take cores from a process")
def test_a_worker_for_each_usable_core() -> None:
    program = """
import os
import sys

import zerolite as zl

with zl.Pool(sys.argv[1]) as pool, zl.Pool(sys.argv[1], workers=None) as same:
    print(pool.workers == same.workers == len(os.sched_getaffinity(0)))
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
with zl.Pool(sys.argv[1]) as pool:
    print(pool.workers)
"""
    assert answer_of(program, str(DENSE)).split() == ["True", "1"]


def test_sources(tmp_path: Path) -> None:
    content = DENSE.read_bytes()
    for source in (DENSE, str(DENSE), content, bytearray(content), memoryview(content)):
        with make_pool(source, workers=2) as pool:
            assert_same_bits(np.stack(list(pool.imap(rows(5)))), answers(rows(5)))
    with pytest.raises(FileNotFoundError):
        zl.Pool(tmp_path / "nobody.tflite", workers=2)
    with pytest.raises(zl.InvalidModelError):
        zl.Pool(b"no model", workers=2)
    with pytest.raises(TypeError, match="loaded from a path or from bytes"):
        zl.Pool(3, workers=2)  # type: ignore[arg-type]


def test_signature() -> None:
    path = zoo.model_path("two_signatures_one_subgraph")
    one, two = np.ones((1, 4), np.float32), np.full((1, 4), 2, np.float32)
    with make_pool(path, workers=2, signature="second") as pool:
        assert (pool.submit(left=one, right=two).result(PATIENCE) == 3).all()
        assert (pool.map({"left": np.repeat(one, 5, 0), "right": np.repeat(two, 5, 0)}) == 3).all()
        assert all((answer == 3).all() for answer in pool.imap([{"left": one, "right": two}] * 5))
    with pytest.raises(ValueError, match=r"no signature 'third'.*'first', 'second'"):
        make_pool(path, workers=2, signature="third")


@pytest.mark.parametrize("kernels", ["delegate", "builtin", "reference"])
@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn_int8", "mixed_chain", "dense_2layer_dynamic_range"])
def test_delegate(name: str, kernels: Any) -> None:
    entry = zoo.load_manifest()[name]
    items = Items(entry, "serving_default")
    delegate = zl.XNNPack(kernels=kernels)
    with make_pool(entry.path, workers=3, delegates=delegate) as pool, zl.load(entry.path, delegates=delegate) as model:
        batch = items.batch(model, 9, seed=0)
        runs = items.one_by_one(model.signatures["serving_default"], batch)
        answer = outputs_by_name(model, pool.map(as_argument(batch), chunk=1))
        for output, array in answer.items():
            assert_same_bits(array, items.join([run[output] for run in runs]), output)


def test_no_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    gc.collect()  # what other tests left
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        with make_pool(DENSE, workers=2) as pool:
            pool.map(rows(5)[:, 0])
    assert list(tmp_path.iterdir()) == []
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_pool_that_fails_leaves_nothing_open() -> None:
    gc.collect()  # what other tests left
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        with pytest.raises(ValueError, match="no signature"):
            make_pool(DENSE, workers=2, signature="nobody")
        with pytest.raises(zl.InvalidModelError):
            zl.Pool(b"no model", workers=2)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_close() -> None:
    pool = make_pool(DENSE, workers=2)
    pool.map(rows(4)[:, 0])
    assert repr(pool) == f"Pool({str(DENSE)!r}, workers=2)"
    for _ in range(3):
        pool.close()
    assert repr(pool) == f"Pool({str(DENSE)!r}, workers=2, closed)"
    uses: list[Callable[[], Any]] = [
        lambda: pool.map(rows(4)[:, 0]),
        lambda: pool.submit(rows(1)[0]),
        lambda: pool.imap([]),
        lambda: asyncio.run(pool.run_async(rows(1)[0])),
    ]
    for use in uses:
        with pytest.raises(zl.Error, match="the pool is closed"):
            use()


def test_close_in_the_middle_of_an_iteration() -> None:
    pool = make_pool(DENSE, workers=2)
    expected = answers(rows(20))
    iterator = pool.imap(rows(20))
    assert_same_bits(next(iterator), expected[0])
    pool.close()

    def compare_the_rest() -> None:
        for index in range(1, 20):
            assert_same_bits(next(iterator), expected[index])

    with pytest.raises(zl.Error, match="the pool is closed"):
        compare_the_rest()


def test_close_while_items_are_queued() -> None:
    pool = make_pool(DENSE, workers=1)
    gate = Gate()
    running = pool.submit(gate)
    gate.wait_until_entered()
    queued = [pool.submit(rows(1)[0]) for _ in range(10)]
    with ThreadPoolExecutor(1) as other:
        closing = other.submit(pool.close)
        # The last one is cancelled when all before it are.
        with pytest.raises(CancelledError):
            queued[-1].result(PATIENCE)
        gate.opened.set()
        closing.result(PATIENCE)
    assert_same_bits(running.result(0), answers(np.ones((1, 1, 64), np.float32))[0])
    assert all(future.cancelled() for future in queued)


def test_close_from_several_threads() -> None:
    for _ in range(10):
        pool = make_pool(DENSE, workers=2)
        futures = [pool.submit(row) for row in rows(20)]
        with ThreadPoolExecutor(4) as others:
            for closing in [others.submit(pool.close) for _ in range(4)]:
                closing.result(PATIENCE)
        assert all(future.done() for future in futures)


def test_close_while_others_submit() -> None:
    expected = answers(rows(1))[0]
    for _ in range(10):
        pool: Any = make_pool(DENSE, workers=2)
        begun = threading.Semaphore(0)

        def use(index: int, pool: Any = pool, begun: threading.Semaphore = begun) -> str:
            while True:
                try:
                    if index == 0:
                        future = pool.submit(rows(1)[0])
                        begun.release()
                        assert_same_bits(future.result(PATIENCE), expected)
                    else:
                        answer = pool.map(rows(1)[:, 0])
                        begun.release()
                        assert_same_bits(answer, expected)
                except CancelledError:
                    continue
                except zl.Error as error:
                    return str(error)

        with ThreadPoolExecutor(2) as others:
            users = [others.submit(use, index) for index in range(2)]
            for _ in range(6):
                assert begun.acquire(timeout=PATIENCE)
            pool.close()
            assert all("closed" in user.result(PATIENCE) for user in users)


def test_a_with_statement_that_fails() -> None:
    before = threading.active_count()
    pool = make_pool(DENSE, workers=2)

    def fail() -> None:
        with pool:
            pool.submit(rows(1)[0])
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    with pytest.raises(zl.Error, match="closed"):
        pool.submit(rows(1)[0])
    assert threading.active_count() == before


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def becomes_true(condition: Callable[[], bool]) -> bool:
    """Whether it does before the patience ends: the system ends a thread a little after Python has seen it off."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        os.sched_yield()
    return True


@pytest.mark.parametrize("threads", [1, 2])
def test_no_thread_outlives_the_pool(threads: int) -> None:
    with zl.load(DENSE) as model:
        model(rows(1)[0])  # whatever the runtime starts once, it has started now
    before, native = threading.enumerate(), native_threads()
    for _ in range(3):
        with make_pool(DENSE, workers=3, delegates=zl.XNNPack(threads=threads)) as pool:
            list(pool.imap(rows(10)))
            pool.map(rows(10)[:, 0])
            assert len(threading.enumerate()) > len(before)
        assert threading.enumerate() == before
        assert becomes_true(lambda: native_threads() <= native)


def test_a_pool_that_is_forgotten() -> None:
    """Its threads end when they are told, which nobody waits for: so the process is asked that ends after them."""
    program = """
import gc, os, threading
import numpy as np
import zerolite as zl
pool = zl.Pool({path!r}, workers=3)
future = pool.submit(np.ones((1, 64), np.float32))
print(future.result().shape)
threads = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
assert threads
del pool, future
gc.collect()
for thread in threads:
    thread.join(60)
    assert not thread.is_alive()
assert threading.enumerate() == [threading.main_thread()]
assert not [fd for fd in os.listdir("/proc/self/fd") if "zerolite" in os.path.realpath("/proc/self/fd/" + fd)]
"""
    assert answer_of(program.format(path=str(DENSE))) == "(1, 10)\n"


@pytest.mark.parametrize(
    "last",
    [
        "",
        "futures = [pool.submit(item) for _ in range(2000)]",
        "iterator = pool.imap(item for _ in range(10**9)); next(iterator)",
        "import asyncio; asyncio.run(pool.run_async(item))",
        "model = zl.load(path); import asyncio; asyncio.run(model.run_async(item))",
        "kept = [pool]; kept.append(kept)",
    ],
)
def test_exit_with_an_open_pool(last: str) -> None:
    program = f"""
import numpy as np
import zerolite as zl
path = {str(DENSE)!r}
item = np.ones((1, 64), np.float32)
pool = zl.Pool(path, workers=3)
print(pool.submit(item).result().shape)
{last}
"""
    assert answer_of(program) == "(1, 10)\n"


def test_exit_by_an_exception() -> None:
    program = f"""
import zerolite as zl
pool = zl.Pool({str(DENSE)!r}, workers=2)
raise SystemExit(7)
"""
    process = run_python(program, timeout=PATIENCE)
    assert (process.returncode, process.stdout, process.stderr) == (7, "", "")
