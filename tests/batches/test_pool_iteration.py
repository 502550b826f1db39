"""`Pool.imap`: any iterable, in order, and only a few items ahead."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array
from tests.support.pools import DENSE, PATIENCE, Gate, answers, make_pool, rows

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
