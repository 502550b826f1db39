"""How batches are given to `map`, what it puts its results into, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import Items, as_argument, dense, load, loop, outputs_by_name, rows
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array

# How batches are given


@pytest.mark.parametrize(
    "name", ["two_inputs_three_outputs", "no_signature_two_inputs", "rank_0", "signature_order_differs"]
)
def test_several_inputs_by_name_and_by_position(name: str) -> None:
    with load(zoo.model_path(name)) as model:
        key = model.key
        items = Items(zoo.load_manifest()[name], key)
        batch = items.batch(model, 5, seed=3)
        expected = items.expected(batch)
        ways: list[Any] = [batch, dict(reversed(batch.items())), list(batch.values()), tuple(batch.values())]
        for way in ways:
            answer = outputs_by_name(model, model.map(way))
            assert list(answer) == list(model.outputs)
            for output, array in expected.items():
                assert_same_bits(answer[output], array, output)


def arrangements(batch: Array) -> dict[str, Array]:
    """The same values, laid out differently."""
    count = len(batch)
    apart = np.full((3 * count, *batch.shape[1:]), 9, batch.dtype)
    apart[::3] = batch
    inside = np.full((count, *batch.shape[1:-1], 2 * batch.shape[-1]), 9, batch.dtype)
    inside[..., ::2] = batch
    read_only = batch.copy()
    read_only.flags.writeable = False
    odd = np.empty(batch.nbytes + 1, np.uint8)[1:].view(batch.dtype).reshape(batch.shape)
    odd[...] = batch
    return {
        "strided": apart[::3],
        "reversed": np.ascontiguousarray(batch[::-1])[::-1],
        "fortran": np.asfortranarray(batch),
        "inside": inside[..., ::2],
        "mirrored": np.ascontiguousarray(batch[..., ::-1])[..., ::-1],
        "read-only": read_only,
        "odd address": odd,
        "one row, repeated": np.broadcast_to(batch[:1], batch.shape),
    }


@pytest.mark.parametrize("chunk", [None, 1, 4])
@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn", "dense_2layer_int8", "embedding", "topk"])
def test_arrangements_in_memory(name: str, chunk: int | None) -> None:
    with load(zoo.model_path(name)) as model:
        items = Items(zoo.load_manifest()[name], "serving_default")
        chunk = chunk if items.resizable else None
        (batch,) = items.batch(model, 10, seed=0).values()
        for what, array in arrangements(batch).items():
            expected = items.expected({"": np.ascontiguousarray(array)})
            before = array.copy()
            answer = outputs_by_name(model, model.map(array, chunk=chunk))
            for output, values in expected.items():
                assert_same_bits(answer[output], values, f"{what}: {output}")
            assert_same_bits(array, before, what)


def test_lists_and_numbers() -> None:
    with dense() as model:
        batch = rows(3)
        expected = model.map(batch)
        assert_same_bits(model.map(batch.tolist()), expected)
        assert_same_bits(model.map(tuple(batch)), expected)
        assert_same_bits(model.map({"features": batch.tolist()}), expected)
        ones = model.map([[1] * 64])
        assert_same_bits(ones, model.map(np.ones((1, 64), np.float32)))
    with load(zoo.model_path("rank_0")) as model:
        names = list(model.inputs)
        answer = model.map({names[0]: [1, 2, 3], names[1]: [4.0, 5.0, 6.0]})
        same = model.map([np.array([1, 2, 3], np.float32), np.array([4, 5, 6], np.float32)])
        for output in model.outputs:
            assert answer[output].shape == (3,)
            assert_same_bits(answer[output], same[output])


# Results


def test_out() -> None:
    with dense() as model:
        batch = rows(20)
        expected = model.map(batch)
        backing = np.zeros((60, 10), np.float32)
        wide = np.zeros((20, 20), np.float32)
        outs = [
            np.empty((20, 10), np.float32),
            zl.empty((20, 10)),
            backing[::3],
            np.empty((20, 10), np.float32)[::-1],
            wide[:, ::2],
            np.empty((10, 20), np.float32).T,
            np.frombuffer(bytearray(801), np.float32, 200, offset=0).reshape(20, 10),
        ]
        for out in outs:
            for chunk in (None, 1, 3, 20):
                for given_out in (out, {"output_0": out}):
                    out[...] = np.nan
                    assert model.map(batch, out=given_out, chunk=chunk) is out
                    assert_same_bits(np.ascontiguousarray(out), expected)
        assert not backing[1::3].any(), "between the rows of a strided result nothing is written"
        assert not wide[:, 1::2].any()


def test_out_of_several_outputs() -> None:
    with load(zoo.model_path("argmax")) as model:
        batch = np.random.default_rng(0).standard_normal((9, 7)).astype(np.float32)
        expected = model.map(batch)
        first, second = list(model.outputs)
        out = {first: np.empty(9, model.outputs[first].dtype), second: np.empty(18, model.outputs[second].dtype)[::2]}
        answer = model.map(batch, out=out)
        assert answer[first] is out[first]
        assert answer[second] is out[second]
        for name in expected:
            assert_same_bits(np.ascontiguousarray(out[name]), expected[name], name)
        partly = model.map(batch, out={second: out[second]})
        assert partly[second] is out[second]
        assert_same_bits(partly[first], expected[first])
        with pytest.raises(TypeError, match=r"2 outputs.*mapping"):
            model.map(batch, out=out[first])


def refusals_of_out(batch: Array) -> list[tuple[Any, type[Exception], str]]:
    read_only = np.empty((4, 10), np.float32)
    read_only.flags.writeable = False
    return [
        (np.empty((4, 9), np.float32), ValueError, r"'output_0'.*\(4, 9\).*\(4, 10\)"),
        (np.empty((3, 10), np.float32), ValueError, r"'output_0'.*\(3, 10\).*\(4, 10\)"),
        (np.empty((40,), np.float32), ValueError, r"'output_0'.*\(40,\).*\(4, 10\)"),
        (np.empty((4, 10), np.float64), TypeError, "'output_0'.*float64.*float32"),
        (np.empty((4, 10), ">f4"), TypeError, "'output_0'.*>f4.*float32"),
        (read_only, ValueError, "'output_0'.*read-only"),
        ([[0.0] * 10] * 4, TypeError, "'output_0'.*list"),
        ({"nobody": np.empty((4, 10), np.float32)}, ValueError, "'nobody'.*'output_0'"),
        (batch.reshape(-1)[:40].reshape(4, 10), ValueError, "'output_0'.*shares memory"),
        (batch.reshape(-1)[-40:].reshape(4, 10), ValueError, "'output_0'.*shares memory"),
    ]


@pytest.mark.parametrize("case", range(10))
def test_out_that_is_refused(case: int) -> None:
    batch = rows(4)
    before = batch.copy()
    out, error, message = refusals_of_out(batch)[case]
    with dense() as model:
        expected = model.map(before)
        with pytest.raises(error, match=message):
            model.map(batch, out=out)
        assert_same_bits(batch, before)
        assert_same_bits(model.map(batch), expected)


@pytest.mark.parametrize("name", ["topk", "string_passthrough", "dtype_int4_output"])
def test_out_of_models_that_run_in_python(name: str) -> None:
    entry = zoo.load_manifest()[name]
    with load(entry.path) as model:
        items = Items(entry, model.key)
        batch = items.batch(model, 3 * items.per_run, seed=0)
        expected = items.expected(batch)
        out = {output: np.empty_like(array) for output, array in expected.items()}
        answer = outputs_by_name(model, model.map(as_argument(batch), out=out))
        for output, array in expected.items():
            assert answer[output] is out[output]
            assert_same_bits(out[output], array, output)
        wrong = {output: np.empty((1, *array.shape), array.dtype) for output, array in expected.items()}
        with pytest.raises(ValueError, match=next(iter(expected))):
            model.map(as_argument(batch), out=wrong)
        read_only = {output: np.empty_like(array) for output, array in expected.items()}
        for array in read_only.values():
            array.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            model.map(as_argument(batch), out=read_only)
        with pytest.raises(ValueError, match="'nobody'"):
            model.map(as_argument(batch), out={"nobody": next(iter(expected.values()))})
        other = {output: np.empty(array.shape, np.uint64) for output, array in expected.items()}
        with pytest.raises(TypeError, match="uint64"):
            model.map(as_argument(batch), out=other)


# What is refused


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (np.zeros((3, 63), np.float32), ValueError, r"'features'.*\(3, 63\).*\(items, 64\)"),
        (np.zeros((64,), np.float32), ValueError, r"'features'.*\(64,\).*\(items, 64\)"),
        (np.zeros((3, 1, 64), np.float32), ValueError, r"'features'.*\(3, 1, 64\).*\(items, 64\)"),
        (np.float32(1), ValueError, r"'features'.*\(\).*\(items, 64\)"),
        ([], ValueError, r"'features'.*\(0,\).*\(items, 64\)"),
        (np.zeros((3, 64)), TypeError, "'features'.*float64.*float32.*astype"),
        (np.zeros((3, 64), np.int32), TypeError, "'features'.*int32.*float32"),
        (np.zeros((3, 64), ">f4"), TypeError, "'features'.*>f4.*float32"),
        (np.zeros((3, 64), object), TypeError, "'features'.*object.*float32"),
        ([["a"] * 64], TypeError, "'features'.*float32"),
        ([[1j] * 64], TypeError, "'features'.*complex128.*float32"),
        ([[0.0] * 64, [0.0] * 63], ValueError, "inhomogeneous|'features'"),
        (None, TypeError, "'features'.*object.*float32"),
        ({}, ValueError, "missing: features"),
        ({"wrong": np.zeros((3, 64), np.float32)}, ValueError, "'features'.*unknown: 'wrong'"),
        ({"features": np.zeros((3, 64), np.float32), "more": 1}, ValueError, "unknown: 'more'"),
    ],
)
def test_batches_that_are_refused(batch: Any, error: type[Exception], message: str) -> None:
    with dense() as model:
        expected = model.map(rows(3))
        with pytest.raises(error, match=message):
            model.map(batch)
        assert_same_bits(model.map(rows(3)), expected)


def test_several_inputs_that_are_refused() -> None:
    with load(zoo.model_path("two_inputs_three_outputs")) as model:
        first, second = list(model.inputs)
        ones = np.ones((3, 4), np.float32)
        for batch, message in (
            ({first: ones}, f"missing: {second}"),
            ({first: ones, second: ones[:2]}, f"different numbers of items.*'{first}': 3.*'{second}': 2"),
            ([ones], "2 inputs.*mapping"),
            ([ones, ones, ones], "2 inputs.*mapping"),
            (ones, "2 inputs.*mapping"),
            (np.ones((2, 3, 4), np.float32), "2 inputs.*mapping"),
        ):
            with pytest.raises(ValueError, match=message):
                model.map(batch)


def test_a_signature_without_inputs() -> None:
    with load(zoo.model_path("no_inputs")) as model:
        batches: list[Any] = [{}, [], ()]
        for batch in batches:
            with pytest.raises(ValueError, match=r"no inputs.*call"):
                model.map(batch)


@pytest.mark.parametrize("count", [0, 5])
@pytest.mark.parametrize(
    ("chunk", "error", "message"),
    [
        (0, ValueError, "chunk is 0.*at least 1"),
        (-1, ValueError, "chunk is -1.*at least 1"),
        (-(2**80), ValueError, "chunk.*at least 1"),
        (1.5, TypeError, "chunk is 1.5"),
        ("2", TypeError, "chunk is '2'"),
    ],
)
def test_chunks_that_are_refused(chunk: Any, error: type[Exception], message: str, count: int) -> None:
    with dense() as model:
        with pytest.raises(error, match=message):
            model.map(rows(count), chunk=chunk)
        assert_same_bits(model.map(rows(3)), loop(model, rows(3)))


@pytest.mark.parametrize("chunk", [10**6, 2**31, 2**63, 2**64, 10**30])
def test_chunks_beyond_the_batch(chunk: int) -> None:
    with dense() as model:
        assert_same_bits(model.map(rows(5), chunk=chunk), loop(model, rows(5)))


def test_a_chunk_of_a_model_that_runs_in_python() -> None:
    for name in ("where", "string_passthrough", "hashtable", "dtype_int4_input"):
        with load(zoo.model_path(name)) as model:
            items = Items(zoo.load_manifest()[name], model.key)
            batch = as_argument(items.batch(model, 4 * items.per_run, seed=0))
            with pytest.raises(ValueError, match=f"chunk is {3 * items.per_run}.*{items.per_run} at a time"):
                model.map(batch, chunk=3 * items.per_run)
