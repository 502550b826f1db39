"""Views are the tensors' own memory, which stays where it is and does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import ModelEntry
from tests.support.process_memory import growth, needs_proc

ALIGNMENT = 64
MEBIBYTE = 2**20
STATIC = zoo.models(without=["string", "dynamic_shape", "packed"])


def views(model: zl.CompiledModel) -> list[np.ndarray]:
    return [tensor.array for tensor in (*model.inputs.values(), *model.outputs.values())]


def address(array: np.ndarray) -> int:
    pointer: int = array.__array_interface__["data"][0]
    return pointer


@pytest.fixture
def dense() -> Any:
    with zl.load(zoo.model_path("dense_2layer")) as model:
        yield model


@pytest.mark.parametrize("entry", STATIC, ids=str)
def test_views_have_the_tensors_shape_and_dtype(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        for tensors in (model.inputs, model.outputs):
            for tensor in tensors.values():
                view = tensor.array
                assert view.shape == tensor.shape
                assert view.dtype == tensor.dtype
                assert view.flags.writeable
                assert view.flags.c_contiguous
                assert not view.flags.owndata
                assert address(view) % ALIGNMENT == 0


@pytest.mark.parametrize("entry", STATIC, ids=str)
def test_views_of_a_tensor_share_its_memory(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        for first, second in zip(views(model), views(model), strict=True):
            assert address(first) == address(second)
            assert first.size == 0 or np.shares_memory(first, second)


@pytest.mark.parametrize("entry", STATIC, ids=str)
def test_memory_stays_where_it_is(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        before = [address(view) for view in views(model)]
        inputs = [np.ones(tensor.shape, tensor.dtype) for tensor in model.inputs.values()]
        for _ in range(3):
            model(*inputs)
            model.run()
        assert [address(view) for view in views(model)] == before


@pytest.mark.parametrize("name", ["dense_2layer", "small_mobilenet_int8", "mixed_chain", "counter", "conditional"])
def test_pointers_are_stable_over_10000_runs(name: str) -> None:
    with zl.load(zoo.model_path(name)) as model:
        held = views(model)
        before = [address(view) for view in held]
        for _ in range(10_000):
            model.run()
        assert [address(view) for view in views(model)] == before
        assert all(np.shares_memory(first, second) for first, second in zip(held, views(model), strict=True))


@pytest.mark.parametrize("name", ["dense_2layer", "two_inputs_three_outputs", "mixed_chain", "rank_9", "counter"])
def test_writing_to_the_view_changes_the_next_result(name: str) -> None:
    rng = np.random.default_rng(0)
    with zl.load(zoo.model_path(name)) as model, zl.load(zoo.model_path(name)) as other:
        inputs = [tensor.array for tensor in model.inputs.values()]
        outputs = {key: tensor.array for key, tensor in model.outputs.items()}
        for _ in range(4):
            for view in inputs:
                view[...] = rng.standard_normal(view.shape)
            model.run()
            answer = other(*inputs)
            for key, view in outputs.items():
                assert_same_bits(view, answer[key] if isinstance(answer, dict) else answer, key)


def test_result_of_a_call_is_the_callers_own(dense: zl.CompiledModel) -> None:
    values = np.ones((1, 64), np.float32)
    answer = dense(values)
    kept = answer.copy()
    assert not np.shares_memory(answer, dense.outputs[0].array)
    dense(values * 2)
    dense.outputs[0].array[...] = 7
    np.testing.assert_array_equal(answer, kept)


def test_call_leaves_its_input_alone_and_shows_in_the_views(dense: zl.CompiledModel) -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    kept = values.copy()
    answer = dense(values)
    np.testing.assert_array_equal(values, kept)
    np.testing.assert_array_equal(dense.inputs[0].array, values)
    np.testing.assert_array_equal(dense.outputs[0].array, answer)


def test_own_views_may_be_passed_in_a_call(dense: zl.CompiledModel) -> None:
    view = dense.inputs[0].array
    view[...] = np.linspace(-1, 1, 64)
    expected = dense(view.copy())
    np.testing.assert_array_equal(dense(view), expected)
    np.testing.assert_array_equal(dense(view, out=dense.outputs[0].array), expected)


def test_memory_starts_as_zeros(dense: zl.CompiledModel) -> None:
    assert not dense.inputs[0].array.any()
    assert not dense.outputs[0].array.any()


def test_one_models_output_feeds_another_without_a_copy() -> None:
    with zl.load(zoo.model_path("mixed_chain")) as first, zl.load(zoo.model_path("mixed_chain")) as second:
        second.bind(x=first.outputs[0].array)
        first.inputs[0].array[...] = np.linspace(-1, 1, 8)
        first.run()
        second.run()
        with zl.load(zoo.model_path("mixed_chain")) as third:
            np.testing.assert_array_equal(second.outputs[0].array, third(third(first.inputs[0].array)))


@needs_proc
@pytest.mark.parametrize("name", ["dense_2layer", "small_mobilenet_int8_float_io", "counter", "string_passthrough"])
def test_memory_does_not_grow_over_runs_and_calls(name: str) -> None:
    with zl.load(zoo.model_path(name)) as model:
        inputs = [
            np.full(tensor.shape, b"x" * 40 if tensor.dtype == object else 1, tensor.dtype)
            for tensor in model.inputs.values()
        ]
        target = None if model.outputs[0].dtype == object else np.empty_like(model(*inputs))

        def use() -> None:
            model.run()
            model(*inputs)
            model(**dict(zip(model.inputs, inputs, strict=True)))
            model(*inputs, out=target)

        assert growth(use, warm_up=500, times=20_000) < MEBIBYTE


@needs_proc
def test_memory_does_not_grow_over_views_and_tensors(dense: zl.CompiledModel) -> None:
    def use() -> None:
        _ = (dense.inputs[0].array, dense.outputs["output_0"].quantization, dense.signatures, dense.dispatch, dense.key)

    assert growth(use, warm_up=500, times=20_000) < MEBIBYTE


@needs_proc
def test_memory_does_not_grow_over_dynamic_outputs() -> None:
    with zl.load(zoo.model_path("growing_loop")) as model:

        def use() -> None:
            for count in (20, 0, 7):
                model(np.int32(count))

        assert growth(use, warm_up=300, times=2_000) < MEBIBYTE


@needs_proc
def test_memory_does_not_grow_over_refused_calls(dense: zl.CompiledModel) -> None:
    def use() -> None:
        for wrong in (np.ones((1, 64)), np.ones(3, np.float32), "text", None):
            with pytest.raises((TypeError, ValueError)):
                dense(wrong)

    assert growth(use, warm_up=300, times=3_000) < MEBIBYTE


def test_empty_is_aligned_zeroed_and_writable() -> None:
    kinds: list[tuple[int | tuple[int, ...], Any]] = [
        ((3, 5), np.float32),
        ((), np.int64),
        ((0, 4), np.int8),
        (7, bool),
        ((2, 3), np.complex128),
    ]
    for shape, dtype in kinds:
        array = zl.empty(shape, dtype)
        assert array.shape == (shape if isinstance(shape, tuple) else (shape,))
        assert array.dtype == dtype
        assert address(array) % ALIGNMENT == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not array.any()
    assert zl.empty(3).dtype == np.float32
    assert zl.empty((2, 2), "int8").nbytes == 4


def test_empty_refuses_what_can_not_be() -> None:
    with pytest.raises(ValueError, match="negative dimension"):
        zl.empty((2, -1))
    with pytest.raises(TypeError, match="objects"):
        zl.empty(3, object)
    with pytest.raises(TypeError, match="objects"):
        zl.empty(3, [("count", "i4"), ("name", "O")])
    with pytest.raises(MemoryError):
        zl.empty((2**40, 2**40))
    with pytest.raises(TypeError):
        zl.empty("a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dimension"):
        zl.empty((1,) * 70)
