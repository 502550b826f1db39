"""Batches of models that keep something from one run to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo

#: State in variable tensors, and in resources of the runtime.
STATEFUL = ["svdf", "sequence_lstm", "counter"]
KERNELS = ["delegate", "builtin"]


def runs_of(model: zl.CompiledModel | zl.Pool, count: int = 12) -> list[np.ndarray]:
    """What a call takes, so many times; joined along the leading axis it is a batch."""
    rng = np.random.default_rng(2)
    return [rng.standard_normal(model.inputs[0].shape).astype(np.float32) for _ in range(count)]


def fresh_answers(name: str, runs: list[np.ndarray]) -> list[np.ndarray]:
    """Each through a model just loaded."""
    answers = []
    for run in runs:
        with zl.load(model_zoo.model_path(name)) as model:
            answers.append(model(run))
    return answers


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", STATEFUL)
def test_items_of_map_do_not_depend_on_one_another(name: str, kernels: Any) -> None:
    with zl.load(model_zoo.model_path(name), delegates=zl.XNNPack(kernels=kernels)) as model:
        runs = runs_of(model)
        expected = fresh_answers(name, runs)
        model(runs[0])
        for _ in range(2):
            np.testing.assert_array_equal(model.map(np.concatenate(runs)), np.concatenate(expected))
        # What runs next begins anew, too.
        np.testing.assert_array_equal(model(runs[0]), expected[0])


@pytest.mark.parametrize("name", STATEFUL)
def test_a_batch_that_is_a_stream(name: str) -> None:
    path = model_zoo.model_path(name)
    with zl.load(path) as model, zl.load(path) as other:
        runs = runs_of(model)
        stream = np.concatenate([other(run) for run in runs])
        parts: list[Any] = [model.map(np.concatenate(part), reset="never") for part in (runs[:5], runs[5:])]
        np.testing.assert_array_equal(np.concatenate(parts), stream)


@pytest.mark.parametrize("kernels", KERNELS)
def test_map_leaves_bound_memory_alone(kernels: Any) -> None:
    with zl.load(model_zoo.model_path("counter"), delegates=zl.XNNPack(kernels=kernels)) as model:
        x = zl.empty((3,), np.float32)
        model.bind(x=x)
        x[...] = 7
        model.map(np.concatenate(runs_of(model)))
        np.testing.assert_array_equal(x, [7, 7, 7])
        model.run()
        np.testing.assert_array_equal(model.outputs[0].array, [7, 7, 7])


@pytest.mark.parametrize("name", STATEFUL)
def test_every_way_through_a_pool(name: str) -> None:
    with zl.Pool(model_zoo.model_path(name), workers=2) as pool:
        items = runs_of(pool)
        expected = fresh_answers(name, items)

        async def gather() -> list[Any]:
            return await asyncio.gather(*(pool.run_async(item) for item in items))

        ways: dict[str, Callable[[], Any]] = {
            "map": lambda: np.split(np.asarray(pool.map(np.concatenate(items))), len(items)),
            "imap": lambda: list(pool.imap(items)),
            "submit": lambda: [future.result() for future in [pool.submit(item) for item in items]],
            "run_async": lambda: asyncio.run(gather()),
        }
        for way, run in ways.items():
            np.testing.assert_array_equal(run(), expected, err_msg=way)


def test_a_stream_through_a_pool_of_one() -> None:
    path = model_zoo.model_path("svdf")
    with zl.load(path) as model, zl.Pool(path, workers=1) as pool:
        runs = runs_of(pool)
        stream = [model(run) for run in runs]
        np.testing.assert_array_equal(list(pool.imap(runs, reset="never")), stream)
        pool.reset()
        np.testing.assert_array_equal(pool.map(np.concatenate(runs), reset="never"), np.concatenate(stream))


def test_models_without_state_take_any_rule() -> None:
    with zl.load(model_zoo.model_path("dense_2layer")) as model:
        batch = np.concatenate(runs_of(model))
        np.testing.assert_array_equal(model.map(batch, reset="never"), model.map(batch, reset="item"))


def test_another_rule_is_refused() -> None:
    rule: Any = "always"
    path = model_zoo.model_path("svdf")
    with zl.load(path) as model, zl.Pool(path, workers=1) as pool:
        batch = np.concatenate(runs_of(model))
        for run in (model.map, pool.map, pool.imap):
            with pytest.raises(ValueError, match="reset is 'always', and must be 'item' or 'never'"):
                run(batch, reset=rule)
