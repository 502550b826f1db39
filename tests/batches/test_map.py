"""`map`: every item of a batch through one model, with the results of running the items one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import (
    MODELS,
    Items,
    as_argument,
    assert_maps_like_the_loop,
    dense,
    load,
    loop,
    outputs_by_name,
    rows,
    signatures_with_inputs,
)
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import ModelEntry

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
                runs = items.one_by_one(other.signatures[key], batch, reset=False)
                answer = outputs_by_name(signature, signature.map(as_argument(batch), reset="never"))
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
        model.resize(image=(1, 64, 64, 3), strict=False)  # 48 KiB an item
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
