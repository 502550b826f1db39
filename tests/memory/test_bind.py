"""Binding the caller's memory: what is taken, what is refused and why, and for how long it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import as_tensor_dtype, assert_same_bits
from tests.support.model_zoo import ModelEntry

ALIGNMENT = 64
PADDING = 16
DENSE = zoo.model_path("dense_2layer")
TWO = zoo.model_path("two_inputs_three_outputs")
# The shapes of their outputs are known, and those of tensors before them are not.
DYNAMIC_INSIDE = {"dynamic_intermediate", "rnn_unrolled", "topk"}
ALLOCATED_ANEW = "can't be bound: the runtime allocates the outputs of this model anew in each run"
BINDABLE = zoo.models(without=["string", "dynamic_shape", "packed"])


@pytest.fixture(params=["before the first run", "before a direct run"])
def dense(request: pytest.FixtureRequest) -> Iterator[zl.CompiledModel]:
    with zl.load(DENSE) as model:
        if request.param == "before a direct run":
            for _ in range(3):
                model.run()
            assert model.dispatch == "direct"
        yield model


def expected_of(values: np.ndarray) -> np.ndarray:
    return zoo.reference_run(DENSE, [values])[0]


def aligned(size: int, *, slack: int, offset: int = 0) -> np.ndarray:
    """Memory of NumPy's own, at an aligned address, with `slack` bytes behind it."""
    memory = np.zeros(size + slack + ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % ALIGNMENT + offset
    return memory[start : start + size + slack][:size]


def test_results_land_in_the_bound_memory(dense: zl.CompiledModel) -> None:
    features, scores = zl.empty((1, 64)), zl.empty((1, 10))
    dense.bind(features=features, output_0=scores)
    assert np.shares_memory(dense.inputs[0].array, features)
    assert np.shares_memory(dense.outputs[0].array, scores)
    for scale in (1, -2, 3):
        features[...] = np.linspace(-scale, scale, 64)
        scores[...] = np.nan
        dense.run()
        assert_same_bits(scores, expected_of(features))


def test_binding_survives_calls(dense: zl.CompiledModel) -> None:
    features, scores = zl.empty((1, 64)), zl.empty((1, 10))
    dense.bind({"features": features, "output_0": scores})
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    for _ in range(3):
        answer = dense(values)
        assert_same_bits(answer, expected_of(values))
        assert not np.shares_memory(answer, scores)
        assert_same_bits(features, values)
        assert_same_bits(scores, answer)


def test_none_goes_back_to_the_models_memory(dense: zl.CompiledModel) -> None:
    features, scores = zl.empty((1, 64)), zl.empty((1, 10))
    dense.bind(features=features, output_0=scores)
    dense.run()
    kept = scores.copy()
    dense.bind(features=None, output_0=None)
    assert not np.shares_memory(dense.inputs[0].array, features)
    values = np.full((1, 64), 2, np.float32)
    for _ in range(3):
        assert_same_bits(dense(values), expected_of(values))
    assert_same_bits(scores, kept)
    assert not features.any()
    dense.bind(features=None)  # nothing was bound: nothing happens


def test_rebinding(dense: zl.CompiledModel) -> None:
    arrays = [zl.empty((1, 64)) for _ in range(3)]
    for index, array in enumerate(arrays):
        array[...] = index + 1
    for array in (*arrays, *reversed(arrays)):
        dense.bind(features=array)
        dense.run()
        assert_same_bits(dense.outputs[0].array, expected_of(array))


def test_through_the_tensor(dense: zl.CompiledModel) -> None:
    features = zl.empty((1, 64))
    dense.inputs["features"].bind(features)
    assert np.shares_memory(dense.inputs[0].array, features)
    dense.inputs["features"].unbind()
    assert not np.shares_memory(dense.inputs[0].array, features)


@pytest.mark.parametrize("entry", BINDABLE, ids=str)
def test_every_model_with_all_its_memory_bound(entry: ModelEntry) -> None:
    reference = zoo.reference_interpreter(entry.path)
    with zl.load(entry.path) as model, zl.load(entry.path) as other:
        for tensor in model.inputs.values():
            tensor.bind(zl.empty(tensor.shape, tensor.dtype))
        for name, tensor in model.outputs.items():
            if "passthrough" in entry.tags and name == "same":
                continue  # the input's own tensor
            if entry.name == "same_output_twice" and name == "second":
                continue
            if entry.name in DYNAMIC_INSIDE:
                with pytest.raises(ValueError, match=f"'{name}' {ALLOCATED_ANEW}"):
                    tensor.bind(zl.empty(tensor.shape, tensor.dtype))
                continue
            tensor.bind(zl.empty(tensor.shape, tensor.dtype))
        memory = [tensor.array for tensor in (*model.inputs.values(), *model.outputs.values())]
        details = reference.get_input_details()
        if reference.get_signature_list():
            named = reference.get_signature_runner(model.key).get_input_details()
            details = [named[name] for name in model.inputs]
        rng = np.random.default_rng(0)
        for _ in range(3):
            inputs = zoo.random_inputs(
                details, rng, ranges=dict(entry.input_ranges) | by_tensor_names(entry, model, details)
            )
            for tensor, values in zip(model.inputs.values(), inputs, strict=True):
                tensor.array[...] = as_tensor_dtype(values, tensor.dtype)
            model.run()
            answer = other(*(tensor.array for tensor in model.inputs.values()))
            for name, tensor in model.outputs.items():
                assert_same_bits(tensor.array, answer[name] if isinstance(answer, dict) else answer, name)
        for before, tensor in zip(memory, (*model.inputs.values(), *model.outputs.values()), strict=True):
            assert before.ctypes.data == tensor.array.ctypes.data


def by_tensor_names(entry: ModelEntry, model: zl.CompiledModel, details: list[Any]) -> dict[str, tuple[float, float]]:
    """The manifest's ranges under the names of the tensors."""
    return {
        detail["name"]: entry.input_ranges[name]
        for name, detail in zip(model.inputs, details, strict=True)
        if name in entry.input_ranges
    }


def test_views_of_larger_arrays_with_room_behind_them(dense: zl.CompiledModel) -> None:
    batch = zl.empty((8, 64))
    batch[...] = np.random.default_rng(0).standard_normal((8, 64))
    for index in range(8):
        dense.bind(features=batch[index : index + 1])
        dense.run()
        assert_same_bits(dense.outputs[0].array, expected_of(batch[index : index + 1]))
    dense.bind(features=zl.empty(1000)[64:128].reshape(1, 64))
    dense.bind(features=zl.empty((1, 64), np.int32).view(np.float32))


def test_numpys_own_memory_with_room_behind_it(dense: zl.CompiledModel) -> None:
    for slack in (PADDING, 1000):
        dense.bind(features=aligned(256, slack=slack).view(np.float32).reshape(1, 64))
    dense.bind(output_0=aligned(40, slack=0).view(np.float32).reshape(1, 10))


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "another dtype": (zl.empty((1, 64), np.float64), TypeError, "'features'.*float64.*float32"),
    "big-endian": (zl.empty((1, 64), ">f4"), TypeError, "'features'.*>f4.*float32"),
    "another shape": (zl.empty(64), ValueError, r"'features'.*\(64,\).*\(1, 64\)"),
    "another batch": (zl.empty((2, 64)), ValueError, r"'features'.*\(2, 64\).*\(1, 64\)"),
    "non-contiguous": (zl.empty((1, 128))[:, ::2], ValueError, "'features'.*non-contiguous.*zl.empty"),
    "read-only": (np.broadcast_to(zl.empty((1, 64)), (1, 64)), ValueError, "'features'.*read-only.*zl.empty"),
    "unaligned": (zl.empty(100)[1:65].reshape(1, 64), ValueError, "'features'.*64-byte aligned.*zl.empty"),
    "list": ([[0.0] * 64], TypeError, "'features'.*NumPy array.*list.*zl.empty"),
    "number": (1.0, TypeError, "'features'.*NumPy array.*float"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(dense: zl.CompiledModel, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    array, error, message = REFUSED[kind]
    mine = zl.empty((1, 64))
    mine[...] = 1
    dense.bind(features=mine)
    with pytest.raises(error, match=message):
        dense.bind(features=array)
    # The earlier binding is still there.
    assert np.shares_memory(dense.inputs[0].array, mine)
    dense.run()
    assert_same_bits(dense.outputs[0].array, expected_of(mine))
    assert capfd.readouterr() == ("", "")


def test_memory_that_ends_with_the_array_is_refused_for_inputs(dense: zl.CompiledModel) -> None:
    """Kernels may read 16 bytes on, which could be another page."""
    for slack in (0, PADDING - 1):
        array = aligned(256, slack=0).view(np.float32).reshape(1, 64)
        memory = np.zeros(256 + slack + ALIGNMENT, np.uint8)
        start = -memory.__array_interface__["data"][0] % ALIGNMENT
        array = memory[: start + 256 + slack][start : start + 256].view(np.float32).reshape(1, 64)
        if start + 256 + PADDING <= memory.size:
            dense.bind(features=array)
            continue
        with pytest.raises(ValueError, match=r"'features'.*16 bytes past its end.*zl.empty"):
            dense.bind(features=array)
    mapped = np.frombuffer(bytearray(4096), np.float32)[:64].reshape(1, 64)
    with pytest.raises(ValueError, match=r"zl.empty"):
        dense.bind(features=mapped)


def test_unknown_names(dense: zl.CompiledModel) -> None:
    with pytest.raises(zl.ArgumentError, match=r"no input or output 'x'.*'features', 'output_0'"):
        dense.bind(x=zl.empty(1))
    with pytest.raises(zl.ArgumentError, match="no input or output ''"):
        dense.bind({"": zl.empty(1)})
    dense.bind()
    dense.bind({})


def test_overlapping_inputs_and_outputs_are_refused(dense: zl.CompiledModel) -> None:
    memory = zl.empty(64 + 16)
    features = memory[:64].reshape(1, 64)
    dense.bind(features=features)
    for start in (0, 16, 48):
        with pytest.raises(ValueError, match=r"'output_0'.*input 'features' uses too"):
            dense.bind(output_0=memory[start : start + 10].reshape(1, 10))
    dense.bind(output_0=memory[64:74].reshape(1, 10))
    dense.run()
    assert_same_bits(memory[64:74].reshape(1, 10), expected_of(features))


def test_input_over_an_outputs_memory_is_refused() -> None:
    with zl.load(zoo.model_path("delegated_chain")) as model:
        with pytest.raises(ValueError, match=r"'x'.*output 'y' uses too"):
            model.bind(x=model.outputs[0].array)
        memory = zl.empty((2, 8))
        model.bind(y=memory[:1])
        with pytest.raises(ValueError, match=r"'x'.*output 'y' uses too"):
            model.bind(x=memory[:1])


def test_overlapping_outputs_are_refused() -> None:
    with zl.load(TWO) as model:
        memory = zl.empty((1, 4))
        model.bind(sum=memory)
        with pytest.raises(ValueError, match=r"'difference'.*output 'sum' uses too"):
            model.bind(difference=memory)


def test_one_array_for_two_inputs() -> None:
    """Inputs are only read."""
    with zl.load(TWO) as model:
        memory = zl.empty((1, 4))
        memory[...] = [1, 2, 3, 4]
        model.bind(left=memory, right=memory)
        for _ in range(3):
            model.run()
            np.testing.assert_array_equal(model.outputs["sum"].array, 2 * memory)


def test_what_does_not_lie_in_memory_as_numpy_keeps_it_is_refused() -> None:
    with zl.load(zoo.model_path("string_passthrough")) as model, pytest.raises(TypeError, match=r"'x'.*string"):
        model.bind(x=np.full((2, 3), b"a", object))
    with zl.load(zoo.model_path("dtype_int4_input")) as model, pytest.raises(TypeError, match=r"'x'.*int4"):
        model.bind(x=zl.empty(8, ml_dtypes.int4))


def test_outputs_of_unknown_shape_are_refused() -> None:
    with zl.load(zoo.model_path("where")) as model:
        model(np.ones(6, np.float32))
        with pytest.raises(ValueError, match=f"'indices' {ALLOCATED_ANEW}"):
            model.bind(indices=zl.empty((6, 1), np.int64))
        values = zl.empty(6)
        model.bind(x=values)
        for hits in range(7):
            values[...] = 0
            values[:hits] = 1
            model.run()
            np.testing.assert_array_equal(model.outputs[0].array.ravel(), np.arange(hits))


def test_resize_drops_the_binding(dense: zl.CompiledModel) -> None:
    features, scores = zl.empty((1, 64)), zl.empty((1, 10))
    dense.bind(features=features, output_0=scores)
    dense.run()
    dense.resize(features=(2, 64))
    assert not np.shares_memory(dense.inputs[0].array, features)
    assert not np.shares_memory(dense.outputs[0].array, scores)
    scores[...] = 7
    dense.inputs[0].array[...] = 1
    dense.run()
    assert (scores == 7).all()
    dense.bind(features=zl.empty((2, 64)), output_0=zl.empty((2, 10)))
    dense.run()


def test_input_of_a_call_may_overlap_the_bound_memory() -> None:
    """The values are those that the argument had when the call began."""
    with zl.load(zoo.model_path("normalize_uint8")) as model:
        model.resize(image=(4000, 4, 4, 3))
        size = 4000 * 48
        memory = zl.empty(size + 1024, np.uint8)
        memory[...] = np.random.default_rng(0).integers(256, size=memory.size)
        for _ in range(3):
            values = memory[64 : 64 + size].reshape(4000, 4, 4, 3)
            expected = model(values.copy())
            model.bind(image=memory[:size].reshape(4000, 4, 4, 3))
            np.testing.assert_array_equal(model(values), expected)
            model.bind(image=None)
