"""`Pool`: replicas of a model on threads of their own."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests import model_zoo as zoo
from tests.batches import MODELS, Items, as_argument, outputs_by_name
from tests.bit_equality import assert_same_bits
from tests.model_zoo import Array, ModelEntry
from tests.python_process import answer_after_interrupt, answer_of, run_python

PATIENCE = 60  # seconds after which what should have ended is called hung
DENSE = zoo.model_path("dense_2layer")


def rows(count: int) -> Array:
    return np.random.default_rng(0).standard_normal((count, 1, 64)).astype(np.float32)


def answers(items: Array) -> Array:
    with zl.load(DENSE) as model:
        return np.stack([model(item) for item in items])


def make_pool(source: Any, **options: Any) -> Any:
    """A pool whose answers are taken for what they are known to be: arrays, or mappings."""
    return zl.Pool(source, **options)


@pytest.fixture
def pool() -> Iterator[Any]:
    with make_pool(DENSE, workers=3) as pool:
        yield pool


class Gate:
    """An input that a worker waits for: a list whose conversion to an array takes until the gate opens.

    It keeps a replica's thread busy for as long as a test wants, without any clock.
    """

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        self.entered.release()
        assert self.opened.wait(PATIENCE)
        return np.ones((1, 64), np.float32)

    def wait_until_entered(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.entered.acquire(timeout=PATIENCE)


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


# Iterating


@pytest.mark.parametrize("ahead", [None, 1, 2, 1000])
def test_imap_keeps_the_order(pool: Any, ahead: int | None) -> None:
    items = rows(200)
    answer = list(pool.imap(items, ahead=ahead))
    assert_same_bits(np.stack(answer), answers(items))


def test_imap_of_nothing(pool: Any) -> None:
    iterator = pool.imap([])
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)


def test_imap_takes_what_calls_take() -> None:
    with make_pool(zoo.model_path("two_inputs_three_outputs"), workers=2) as pool:
        with zl.load(zoo.model_path("two_inputs_three_outputs")) as model:
            names = list(model.inputs)
            one, two = np.ones((1, 4), np.float32), np.full((1, 4), 2, np.float32)
            expected = model(one, two)
        for answer in pool.imap([(one, two), {names[0]: one, names[1]: two}, (one.tolist(), two)]):
            assert isinstance(answer, dict)
            for name, array in expected.items():
                assert_same_bits(answer[name], array, name)


@pytest.mark.parametrize("ahead", [1, 3, None])
def test_imap_fetches_only_a_few_items(pool: Any, ahead: int | None) -> None:
    fetched = 0
    item = np.ones((1, 64), np.float32)

    def endless() -> Iterator[Array]:
        nonlocal fetched
        for _ in range(1_000_000):
            fetched += 1
            yield item

    iterator = pool.imap(endless(), ahead=ahead)
    assert fetched == 0, "nothing is fetched before the first result is asked for"
    under_way = 12 if ahead is None else ahead
    for done, _ in enumerate(islice(iterator, 100)):
        assert fetched == done + under_way
    del iterator
    assert fetched == 99 + under_way


def test_imap_goes_on_after_an_item_that_fails(pool: Any) -> None:
    items: list[Any] = list(rows(10))
    expected = answers(rows(10))
    items[0] = np.ones((1, 63), np.float32)
    items[4] = "text"
    items[9] = np.ones((1, 64))
    causes: dict[int, type[BaseException]] = {}
    iterator = pool.imap(items)
    for index in range(10):
        if index in (0, 4, 9):
            with pytest.raises(zl.ItemError, match=rf"^item {index}: ") as caught:
                next(iterator)
            assert caught.value.index == index
            assert isinstance(caught.value.__cause__, BaseException)
            causes[index] = type(caught.value.__cause__)
        else:
            assert_same_bits(next(iterator), expected[index])
    assert list(causes) == [0, 4, 9]
    assert issubclass(causes[0], ValueError)
    assert issubclass(causes[9], TypeError)
    assert next(iterator, None) is None


def test_imap_of_a_kernel_that_fails() -> None:
    with make_pool(zoo.model_path("gather"), workers=2) as pool, zl.load(zoo.model_path("gather")) as model:
        names = [tensor.name for tensor in model.inputs.values()]
        table = np.arange(10, dtype=np.float32)
        items = []
        for index in (3, 10, 5):
            values = {name: table if model.inputs[name].dtype == np.float32 else np.full(3, index) for name in names}
            items.append(values)
        iterator = pool.imap(items)
        assert (next(iterator) == 3).all()
        with pytest.raises(zl.ItemError, match=r"^item 1: .*failed") as caught:
            next(iterator)
        assert isinstance(caught.value.__cause__, zl.Error)
        assert (next(iterator) == 5).all()


@pytest.mark.parametrize("failing", [0, 1, 5, 30])
def test_a_source_that_fails(pool: Any, failing: int) -> None:
    items = rows(40)
    expected = answers(items)

    def source() -> Iterator[Array]:
        yield from items[:failing]
        raise LookupError("no more")

    iterator = pool.imap(source())
    for index in range(failing):
        assert_same_bits(next(iterator), expected[index])
    with pytest.raises(LookupError, match="no more"):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_source_that_is_interrupted(pool: Any) -> None:
    items = rows(8)
    expected = answers(items)

    class Source(Iterator[Array]):
        """An iterator that is no generator goes on after an exception."""

        def __init__(self) -> None:
            self.position = 0
            self.interrupted = False

        def __next__(self) -> Array:
            if self.position == 5 and not self.interrupted:
                self.interrupted = True
                raise KeyboardInterrupt
            if self.position == len(items):
                raise StopIteration
            self.position += 1
            return items[self.position - 1]

    iterator = pool.imap(Source())
    with pytest.raises(KeyboardInterrupt):
        next(iterator)
    assert_same_bits(np.stack(list(iterator)), expected)


@pytest.mark.parametrize(
    ("ahead", "error", "message"),
    [
        (0, ValueError, "ahead is 0"),
        (-3, ValueError, "ahead is -3"),
        (1.5, TypeError, "ahead is 1.5"),
        ("2", TypeError, "ahead is '2'"),
    ],
)
def test_ahead_that_is_refused(pool: Any, ahead: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pool.imap([], ahead=ahead)


def test_what_can_not_be_iterated_over(pool: Any) -> None:
    with pytest.raises(TypeError, match="iterable"):
        pool.imap(3)


def test_iterators_side_by_side(pool: Any) -> None:
    items = rows(60)
    expected = answers(items)
    pairs = zip(pool.imap(items), pool.imap(items[::-1]), strict=True)
    for index, (forward, backward) in enumerate(pairs):
        assert_same_bits(forward, expected[index])
        assert_same_bits(backward, expected[59 - index])


def test_an_iterator_that_is_dropped_cancels_what_has_not_begun() -> None:
    with make_pool(DENSE, workers=1) as pool:
        gate = Gate()
        blocked = pool.submit(gate)
        gate.wait_until_entered()
        later = Gate()
        later.opened.set()
        iterator = pool.imap([np.ones((1, 64), np.float32), *[later] * 5], ahead=6)
        with ThreadPoolExecutor(1) as other:
            first = other.submit(next, iterator)
            gate.opened.set()
            first.result(PATIENCE)
            del first
        blocked.result(PATIENCE)
        held = Gate()
        blocked = pool.submit(held)
        held.wait_until_entered()
        queued = Gate()
        iterator = pool.imap([queued] * 3, ahead=3)
        fill: Callable[[], None] = iterator._fill
        fill()
        del iterator, fill
        gc.collect()
        held.opened.set()
        blocked.result(PATIENCE)
    assert not queued.entered.acquire(blocking=False)


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
        assert all(future.exception(PATIENCE) is None for future in running)


# Making and closing


@pytest.mark.parametrize(
    ("workers", "error", "message"),
    [
        (0, ValueError, "workers is 0.*1 to 1024"),
        (-1, ValueError, "workers is -1.*1 to 1024"),
        (1025, ValueError, "workers is 1025.*1 to 1024"),
        (10**30, ValueError, "workers is 10+.*1 to 1024"),
        ("2", TypeError, "workers is '2'"),
        (1.5, TypeError, "workers is 1.5"),
        (None, TypeError, "workers is None"),
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
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        with make_pool(DENSE, workers=2) as pool:
            pool.map(rows(5)[:, 0])
    assert list(tmp_path.iterdir()) == []
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_pool_that_fails_leaves_nothing_open() -> None:
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


# Interruption

LONG_MAP = """
import sys
import numpy as np
import zerolite as zl
batch = np.broadcast_to(np.zeros((1, 16, 16, 3), np.float32), (10**8, 16, 16, 3))
out = np.empty((10**8, 5), np.float32)
begun = False
def note(done, total):
    global begun
    if not begun:
        print("begun", flush=True)
    begun = True
with zl.Pool(sys.argv[1], workers=2, delegates=zl.XNNPack(kernels="reference")) as pool:
    try:
        pool.map(batch, out=out, chunk=1, progress=note)
    except KeyboardInterrupt:
        print("interrupted", pool.map(batch[:3]).shape, flush=True)
"""


def test_keyboard_interrupt() -> None:
    answer = answer_after_interrupt(LONG_MAP, str(zoo.model_path("small_mobilenet")), timeout=PATIENCE)
    assert answer == "interrupted (3, 5)\n"


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


# State and errors


@pytest.mark.parametrize("entry", zoo.models("stateful", without=["random"]), ids=str)
def test_one_worker_keeps_its_state(entry: ModelEntry) -> None:
    if entry not in MODELS:
        pytest.skip("the model has no inputs")
    with zl.load(entry.path) as model:
        key = next(key for key, signature in model.signatures.items() if len(signature.inputs) > 0)
        items = Items(entry, key)
        batch = items.batch(model.signatures[key], 8 * items.per_run, seed=0)
        expected = items.expected(batch)
    with make_pool(entry.path, workers=1, signature=key) as pool:
        answer = pool.map(as_argument(batch))
        for output, array in expected.items():
            assert_same_bits(answer[output] if isinstance(answer, dict) else answer, array, output)


def test_each_worker_has_its_own_state() -> None:
    with make_pool(zoo.model_path("counter"), workers=2) as pool:
        answers = [pool.submit(np.ones(3, np.float32)).result(PATIENCE)[0] for _ in range(10)]
    # Each replica counts by itself, in ones: how the items fall to them is the threads' affair.
    counts = sorted(answers)
    alone = [count for count in range(11) if counts == sorted([*range(1, count + 1), *range(1, 11 - count)])]
    assert alone


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
