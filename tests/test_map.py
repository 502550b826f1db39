"""`map`: every item of a batch through one model, with the results of running the items one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests import model_zoo as zoo
from tests.batches import MODELS, Items, as_argument, outputs_by_name, signatures_with_inputs
from tests.bit_equality import assert_same_bits
from tests.model_zoo import Array, ModelEntry
from tests.python_process import answer_after_interrupt

PATIENCE = 60  # seconds after which what should have ended is called hung


def load(path: Path, **options: Any) -> Any:
    """A model whose answers are taken for what they are known to be: an array, or a mapping."""
    return zl.load(path, **options)


def dense() -> Any:
    return load(zoo.model_path("dense_2layer"))


def rows(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((count, 64)).astype(np.float32)


def loop(model: Any, batch: Array) -> Array:
    """What running the rows one by one gives."""
    return np.concatenate([model(row[np.newaxis]) for row in batch])


def assert_maps_like_the_loop(items: Items, model: zl.CompiledModel, count: int, chunk: int | None) -> None:
    signature = model.signatures[items.key]
    batch = items.batch(signature, count, seed=count)
    if count == 0 and items.dynamic:  # no run, no shape
        assert all(len(array) == 0 for array in outputs_by_name(signature, signature.map(as_argument(batch))).values())
        return
    try:
        expected = items.expected(batch)
    except ValueError:  # NumPy can't join results of different shapes, and nor can map
        with pytest.raises(ValueError, match=r"different shapes|for each item"):
            signature.map(as_argument(batch), chunk=chunk)
        return
    answer = outputs_by_name(signature, signature.map(as_argument(batch), chunk=chunk))
    assert list(answer) == list(signature.outputs)
    for name, array in expected.items():
        assert_same_bits(answer[name], array, name)


# Against the loop

# An output of theirs has a value for each pair of rows, so that chunks of several rows are impossible.
ROWS_MEET = ("two_inputs_three_outputs", "no_signature_two_inputs")


@pytest.mark.parametrize("name", ROWS_MEET)
def test_chunks_that_an_output_does_not_allow(name: str) -> None:
    entry = zoo.load_manifest()[name]
    with load(entry.path) as model:
        items = Items(entry, model.key)
        batch = items.batch(model, 7, seed=0)
        for chunk in (2, 3, 8):
            with pytest.raises((zl.Error, ValueError), match=r"for each item|chunk"):
                model.map(batch, chunk=chunk)
        answer = model.map(batch, chunk=1)
        for output, array in items.expected(batch).items():
            assert_same_bits(answer[output], array, output)


@pytest.mark.parametrize("chunk", [None, 1, 2, 3, 8, 50])
@pytest.mark.parametrize("entry", MODELS, ids=str)
def test_same_as_one_by_one(entry: ModelEntry, chunk: int | None) -> None:
    if entry.name in ROWS_MEET and chunk not in (None, 1):
        return
    with load(entry.path) as model:
        signatures = signatures_with_inputs(model)
        if not signatures:
            assert "no_inputs" in entry.tags
        for key in signatures:
            items = Items(entry, key)
            if items.resizable or chunk in (None, items.per_run):
                for count in (1, 7, 0, 20):
                    with load(entry.path) as fresh:
                        assert_maps_like_the_loop(items, fresh, count * items.per_run, chunk)


@pytest.mark.parametrize("entry", MODELS, ids=str)
def test_a_second_map_gives_the_same(entry: ModelEntry) -> None:
    if "stateful" in entry.tags:
        return  # the second one goes on where the first one left off
    with load(entry.path) as model:
        for key in signatures_with_inputs(model):
            items = Items(entry, key)
            for count in (3, 3, 8):
                assert_maps_like_the_loop(items, model, count * items.per_run, None)


@pytest.mark.parametrize("name", ["counter", "counter_two_signatures", "svdf", "sequence_lstm"])
def test_state_goes_from_item_to_item(name: str) -> None:
    entry = zoo.load_manifest()[name]
    with load(entry.path) as model, load(entry.path) as other:
        for key, signature in signatures_with_inputs(model).items():
            items = Items(entry, key)
            for seed in range(3):
                batch = items.batch(signature, 5 * items.per_run, seed)
                runs = items.one_by_one(other.signatures[key], batch)
                answer = outputs_by_name(signature, signature.map(as_argument(batch)))
                for output, array in answer.items():
                    assert_same_bits(array, items.join([run[output] for run in runs]), output)
                if not items.resizable and items.per_run == 1:
                    with pytest.raises(ValueError, match="chunk is 2"):
                        signature.map(as_argument(batch), chunk=2)


@pytest.mark.parametrize("chunk", [None, 1, 32, 300])
def test_many_rows(chunk: int | None) -> None:
    with dense() as model:
        batch = rows(1000)
        expected = loop(model, batch)
        for _ in range(3):
            assert_same_bits(model.map(batch, chunk=chunk), expected)


@given(count=st.integers(0, 70), chunk=st.none() | st.integers(1, 80), seed=st.integers(0, 5))
def test_any_number_and_any_chunk(count: int, chunk: int | None, seed: int) -> None:
    with dense() as model, load(zoo.model_path("dense_2layer")) as other:
        batch = rows(count, seed)
        expected = loop(other, batch) if count else np.empty((0, 10), np.float32)
        assert_same_bits(model.map(batch, chunk=chunk), expected)
        assert_same_bits(model.map(batch[::-1], chunk=chunk), expected[::-1])


def test_items_so_large_that_they_are_used_in_place() -> None:
    entry = zoo.load_manifest()["small_mobilenet"]
    with load(entry.path) as model:
        model.resize(image=(1, 64, 64, 3))  # 48 KiB an item
        batch = np.random.default_rng(0).standard_normal((9, 64, 64, 3)).astype(np.float32)
        expected = np.concatenate([model(item[np.newaxis]) for item in batch])
        aligned = zl.empty(batch.shape)
        aligned[...] = batch
        odd = zl.empty((10 * 64 * 64 * 3,))[1:][: batch.size].reshape(batch.shape)
        odd[...] = batch
        exact = np.frombuffer(batch.tobytes(), np.float32).reshape(batch.shape)  # nothing may be read past its end
        for array in (batch, aligned, odd, exact):
            before = array.copy()
            for chunk in (None, 1, 2, 4):
                out = zl.empty((9, 5))
                assert_same_bits(model.map(array, chunk=chunk), expected)
                assert model.map(array, chunk=chunk, out=out) is out
                assert_same_bits(out, expected)
            assert_same_bits(array, before)


def test_a_resized_model_takes_what_it_was_resized_to() -> None:
    with dense() as model:
        batch = rows(10)
        expected = loop(model, batch)
        model.resize(features=(4, 64))
        view = model.inputs[0].array
        for chunk in (None, 1, 2, 4, 5, 16):
            assert_same_bits(model.map(batch, chunk=chunk), expected)
            assert model.inputs[0].shape == (4, 64)
            assert model.outputs[0].shape == (4, 10)
            assert np.shares_memory(model.inputs[0].array, view)
        assert_same_bits(model.map(batch[:2]), expected[:2])
        assert_same_bits(model(batch[:4]), expected[:4])


@pytest.mark.parametrize("chunks", [(8, 1, 32, 1, 8), (32, 3, 8, 1, 40, 1)])
def test_sizes_change_from_map_to_map(chunks: tuple[int, ...]) -> None:
    for name in ("small_cnn", "small_cnn_int8", "small_mobilenet", "dense_2layer", "mixed_chain"):
        items = Items(zoo.load_manifest()[name], "serving_default")
        with load(zoo.model_path(name)) as model:
            batch = items.batch(model, 41, seed=1)
            expected = items.expected(batch)
            for chunk in chunks:
                answer = outputs_by_name(model, model.map(as_argument(batch), chunk=chunk))
                for output, array in expected.items():
                    assert_same_bits(answer[output], array, f"{name} {output} in chunks of {chunk}")


def test_fixed_batch() -> None:
    entry = zoo.load_manifest()["fixed_batch"]
    items = Items(entry, "serving_default")
    assert items.per_run == 2
    with load(entry.path) as model:
        batch = as_argument(items.batch(model, 6, seed=0))
        assert isinstance(batch, np.ndarray)
        expected = model.map(batch)
        assert_same_bits(model.map(batch, chunk=2), expected)
        for count in (1, 3, 5):
            with pytest.raises(ValueError, match=rf"{count} items.*2 at a time.*multiple"):
                model.map(batch[:count])
        for chunk in (1, 3, 4):
            with pytest.raises(ValueError, match=f"chunk is {chunk}.*2 at a time"):
                model.map(batch, chunk=chunk)
        assert_same_bits(model.map(batch), expected)


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


# What map leaves alone


@pytest.mark.parametrize("bound", [False, True], ids=["own", "bound"])
@pytest.mark.parametrize("chunk", [None, 1, 3])
@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn", "quantized_add_int8", "rank_0"])
class TestMemory:
    """The memory of a model's tensors, which views show, or that the caller has bound."""

    @pytest.fixture(autouse=True)
    def mapped(self, name: str, chunk: int | None, bound: bool) -> Iterator[None]:
        entry = zoo.load_manifest()[name]
        items = Items(entry, "serving_default")
        with load(entry.path) as self.model:
            self.kept = {}
            for tensor in self.tensors():
                array = zl.empty(tensor.shape, tensor.dtype) if bound else tensor.array
                if bound:
                    tensor.bind(array)
                array[...] = 7
                self.kept[tensor.name] = array
            for count in (10, 0, 3):
                batch = items.batch(self.model, count * items.per_run, seed=0)
                size = chunk if items.resizable or chunk is None else items.per_run
                self.model.map(as_argument(batch), chunk=size)
            yield

    def tensors(self) -> list[zl.Tensor]:
        return [*self.model.inputs.values(), *self.model.outputs.values()]

    def test_is_still_the_same(self) -> None:
        for tensor in self.tensors():
            assert tensor.array.shape == tensor.shape == self.kept[tensor.name].shape
            assert np.shares_memory(tensor.array, self.kept[tensor.name])

    def test_is_what_runs_use(self) -> None:
        inputs = [np.full(tensor.shape, 7, tensor.dtype) for tensor in self.model.inputs.values()]
        for tensor in self.model.inputs.values():
            self.kept[tensor.name][...] = 7
        for _ in range(2):
            self.model.run()
            with load(zoo.model_path(Path(self.model.name).stem)) as other:
                answer = outputs_by_name(other, other(*inputs))
                for output, array in answer.items():
                    assert_same_bits(self.kept[output], array, output)

    def test_is_not_written_to(self) -> None:
        for name, array in self.kept.items():
            assert (array == 7).all(), name


@pytest.mark.parametrize("chunk", [None, 1, 4])
def test_shapes_and_memory_stay(chunk: int | None) -> None:
    with load(zoo.model_path("small_cnn")) as model:
        batch = np.random.default_rng(0).standard_normal((9, 28, 28, 1)).astype(np.float32)
        bound = zl.empty((1, 28, 28, 1))
        model.bind(image=bound)
        result = model.outputs[0].array
        model.map(batch, chunk=chunk)
        assert np.shares_memory(model.inputs[0].array, bound)
        assert np.shares_memory(model.outputs[0].array, result)
        bound[...] = batch[:1]
        model.run()
        once = result.copy()
        model.map(batch[::-1], chunk=chunk)
        bound[...] = batch[:1]
        model.run()
        assert_same_bits(result, once)
        assert_same_bits(model(batch[:1]), once)


def test_the_answer_does_not_change_later() -> None:
    with dense() as model:
        first = model.map(rows(40))
        kept = first.copy()
        model.map(rows(40, seed=1))
        model(rows(1, seed=2))
        assert_same_bits(first, kept)
    assert_same_bits(first, kept)
    assert first.flags.writeable
    assert first.flags.owndata


def test_after_close() -> None:
    model = dense()
    model.close()
    with pytest.raises(zl.Error, match="closed"):
        model.map(rows(3))


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
        model.resize(image=(1, 64, 64, 3))
        batch = np.broadcast_to(np.zeros((1, 64, 64, 3), np.float32), (10**7, 64, 64, 3))
        with pytest.raises(zl.Error, match="closed"):
            model.map(batch, chunk=1, progress=lambda *_: model.close())


# Interruption

LONG_MAP = """
import sys
import numpy as np
import zerolite as zl
model = zl.load(sys.argv[1], delegates=zl.XNNPack(kernels="reference"))
model.resize(image=(1, 64, 64, 3))
batch = np.broadcast_to(np.zeros((1, 64, 64, 3), np.float32), (10**7, 64, 64, 3))
begun = False
def note(done, total):
    global begun
    if not begun:
        print("begun", flush=True)
    begun = True
out = np.empty((10**7, 5), np.float32)
try:
    model.map(batch, out=out, chunk=int(sys.argv[2]), progress=note)
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


def in_threads(work: Callable[[int], Any], count: int = 4) -> list[Any]:
    barrier = threading.Barrier(count)

    def at_once(index: int) -> Any:
        barrier.wait(PATIENCE)
        return work(index)

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(at_once, index) for index in range(count)]
        return [future.result(timeout=PATIENCE) for future in futures]


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

        in_threads(work)


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

        in_threads(work)
