"""Calls and batches that bring their shapes along: `resize="auto"`."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from zerolite._inference.prepared_shapes import PreparedShapes

DENSE = zoo.model_path("dense_2layer")


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, 64)).astype(np.float32)


def expected(values: np.ndarray) -> np.ndarray:
    with zl.load(DENSE) as model:
        model.resize(features=values.shape)
        result: np.ndarray = model(values)
        return result


def running_length() -> bytes:
    """A sum along an axis that is open, as is that of the items: (n, length, 3) to (n, 3)."""
    graph = GraphBuilder()
    x = graph.tensor("x", (1, 5, 3), shape_signature=(-1, -1, 3))
    y = graph.tensor("y", (1, 3), shape_signature=(-1, 3))
    axis = graph.constant("axis", np.array([1], np.int32))
    graph.operator(Op.SUM, [x, axis], [y], options=schema.ReducerOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def items(lengths: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(-9, 9, (length, 3)).astype(np.float32) for length in lengths]


def test_by_default_a_call_says_how_to_resize() -> None:
    with zl.load(DENSE) as model, pytest.raises(ValueError, match=r"or call resize\(features=\(3, 64\)\) first"):
        model(rows(3))


def test_a_call_brings_its_shape_along() -> None:
    with zl.load(DENSE, resize="auto") as model:
        view = model.inputs[0].array
        for count in (1, 3, 2, 3, 1, 7, 2, 11, 12, 13, 3):
            values = rows(count)
            assert_same_bits(model(values), expected(values))
            assert_same_bits(model(features=values), expected(values))
            out = np.empty((count, 10), np.float32)
            assert model({"features": values}, out=out) is out
            assert_same_bits(out, expected(values))
        # The model's own tensors are left alone.
        assert model.inputs[0].shape == (1, 64)
        assert np.shares_memory(view, model.inputs[0].array)


def test_lists_and_other_signatures() -> None:
    with zl.load(DENSE, resize="auto") as model:
        values = rows(4)
        signature = model.signatures["serving_default"]
        assert_same_bits(signature(values.tolist()), expected(values))
        assert_same_bits(signature(values, timeout=60), expected(values))


@pytest.mark.parametrize("values", [np.zeros((3, 65), np.float32), np.zeros((64,), np.float32)], ids=str)
def test_what_the_model_fixes_is_refused(values: np.ndarray) -> None:
    with zl.load(DENSE, resize="auto") as model, pytest.raises(ValueError, match="'features'"):
        model(values)


def test_a_wrong_dtype_is_refused_in_every_shape() -> None:
    with zl.load(DENSE, resize="auto") as model:
        for count in (1, 2):
            with pytest.raises(TypeError, match=r"'features'.*float64"):
                model(np.zeros((count, 64)))


def test_no_more_are_kept_than_stated() -> None:
    with zl.load(DENSE, resize="auto") as model:
        for count in range(1, 20):
            model(rows(count))
        prepared: Any = model._prepared
        kept = [shapes for _, shapes in prepared._known]
        assert kept == [((count, 64),) for count in range(20 - PreparedShapes.MOST, 20)]
        model(rows(16))  # used again, so that the oldest goes
        model(rows(30))
        assert [shapes[0][0] for _, shapes in prepared._known] == [18, 19, 16, 30]


def test_known_shapes_are_not_prepared_again() -> None:
    with zl.load(DENSE, resize="auto") as model:
        model(rows(2)), model(rows(3))
        prepared: Any = model._prepared
        before = dict(prepared._known)
        for _ in range(3):
            model(rows(2)), model(rows(3)), model(rows(1))
        assert dict(prepared._known) == before


def test_threads_with_shapes_of_their_own() -> None:
    wanted = {count: expected(rows(count)) for count in range(1, 8)}
    with zl.load(DENSE, resize="auto") as model, ThreadPoolExecutor(4) as threads:
        counts = [*wanted] * 6
        for count, result in zip(counts, threads.map(lambda count: model(rows(count)), counts), strict=True):
            assert_same_bits(result, wanted[count])


def test_a_model_with_state_is_one_stream() -> None:
    path = zoo.model_path("counter")
    with zl.load(path, resize="auto") as model, zl.load(path) as other:
        for _ in range(3):
            values = np.ones(3, np.float32)
            assert_same_bits(model(values), other(values))
        with pytest.raises(ValueError, match="'x'"):
            model(np.ones(4, np.float32))


def test_real_numbers() -> None:
    path = zoo.model_path("dense_2layer_int8")
    with zl.load(path, resize="auto") as model, zl.load(path) as other:
        values = np.clip(rows(5), -1, 1)
        other.resize(features=(5, 64))
        assert_same_bits(model.real(values), other.real(values))


def test_batches() -> None:
    content = running_length()
    with zl.load(content, resize="auto") as model:
        same = np.stack(items([7] * 6))
        np.testing.assert_array_equal(model.map(same), same.sum(axis=1))
        out = np.empty((6, 3), np.float32)
        assert model.map(same, out=out) is out
        lengths = [5, 2, 7, 2, 5, 9, 2]
        seen: list[tuple[int, int]] = []
        results: Any = model.map(items(lengths), progress=lambda done, total: seen.append((done, total)))
        assert isinstance(results, list)
        np.testing.assert_array_equal(results, [item.sum(axis=0) for item in items(lengths)])
        assert seen[-1] == (7, 7)
        assert sorted(seen) == seen
        with pytest.raises(ValueError, match="leave out out"):
            model.map(items([1, 2]), out=out)
        with pytest.raises(ValueError, match=r"expected; reshape it|'x'"):
            model.map([np.zeros((2, 4), np.float32), np.zeros((3, 4), np.float32)])
        with pytest.raises(zl.RunTimeoutError):
            model.map(items(lengths), timeout=0)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_pool_serves_lengths_that_vary(workers: int) -> None:
    content = running_length()
    lengths = [5, 2, 7, 2, 5, 9, 2, 1, 30]
    wanted = [item.sum(axis=0) for item in items(lengths)]
    with zl.Pool(content, workers=workers, resize="auto") as pool:
        np.testing.assert_array_equal(pool.map(items(lengths)), wanted)
        futures = [pool.submit(item[None]) for item in items(lengths)]
        np.testing.assert_array_equal([np.asarray(future.result())[0] for future in futures], wanted)
        results = list(pool.imap(item[None] for item in items(lengths)))
        np.testing.assert_array_equal([np.asarray(result)[0] for result in results], wanted)
        assert pool.inputs[0].shape == (1, 5, 3)


def test_a_pool_of_one_shape_refuses_lists_of_others() -> None:
    with zl.Pool(running_length(), workers=1) as pool, pytest.raises(ValueError):  # noqa: PT011 - NumPy's, of a list
        pool.map(items([1, 2]))


def test_copies_and_pickles_do_it_too() -> None:
    with zl.load(DENSE, resize="auto") as model:
        restored: zl.CompiledModel = pickle.loads(pickle.dumps(model))
        for other in (copy.copy(model), restored):
            with other:
                assert_same_bits(other(rows(2)), expected(rows(2)))


def test_a_closed_model_runs_no_shape() -> None:
    model = zl.load(DENSE, resize="auto")
    model(rows(2))
    model.close()
    for count in (1, 2, 3):
        with pytest.raises(zl.Error, match="closed"):
            model(rows(count))


@pytest.mark.parametrize("make", [zl.load, zl.Pool], ids=["load", "Pool"])
def test_an_unknown_rule_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="resize is 'always', and must be 'strict' or 'auto'"):
        make(DENSE, resize="always")
