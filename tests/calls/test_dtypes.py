"""Every element type has its dtype, and values travel unchanged."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import as_tensor_dtype, assert_same_bits
from tests.support.python_process import answer_of

# The model's name, its input's dtype, and its output's.
DTYPES: dict[str, tuple[Any, Any]] = {
    "dtype_bool": (np.bool_, np.bool_),
    "dtype_int8": (np.int8, np.int8),
    "dtype_int16": (np.int16, np.int16),
    "dtype_int32": (np.int32, np.int32),
    "dtype_int64": (np.int64, np.int64),
    "dtype_uint8": (np.uint8, np.uint8),
    "dtype_uint16": (np.uint16, np.uint16),
    "dtype_uint32": (np.uint32, np.uint32),
    "dtype_uint64": (np.uint64, np.uint64),
    "dtype_float16": (np.float16, np.float16),
    "dtype_float64": (np.float64, np.float64),
    "dtype_complex64": (np.complex64, np.complex64),
    "dtype_complex128": (np.complex128, np.complex128),
    "dtype_complex64_parts": (np.complex64, np.float32),
    "dtype_complex128_parts": (np.complex128, np.float64),
    "dtype_bfloat16": (ml_dtypes.bfloat16, ml_dtypes.bfloat16),
    "dtype_float8_e4m3fn": (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fn),
    "dtype_float8_e5m2": (ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2),
    "dtype_int4_input": (ml_dtypes.int4, np.float32),
    "dtype_int4_odd_input": (ml_dtypes.int4, np.float32),
    "dtype_int4_output": (np.float32, ml_dtypes.int4),
    "dtype_int4_odd_output": (np.float32, ml_dtypes.int4),
    "dtype_uint4_input": (ml_dtypes.uint4, np.float32),
    "dtype_uint4_output": (np.float32, ml_dtypes.uint4),
    "dtype_int2_input": (ml_dtypes.int2, np.float32),
    "dtype_int2_output": (np.float32, ml_dtypes.int2),
}
PACKED = {"int4": 4, "uint4": 4, "int2": 2}
PACKED_INPUTS = [entry.name for entry in zoo.models("packed_input", runs=None)]
PACKED_OUTPUTS = [entry.name for entry in zoo.models("packed_output", runs=None)]


def limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    info: Any = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call]
    return int(info.min), int(info.max)


def packed_bytes(values: np.ndarray, bits: int) -> list[int]:
    """Elements in bytes, the first one in the lowest bits."""
    per_byte = 8 // bits
    codes = [int(value) & ((1 << bits) - 1) for value in values]
    codes += [0] * (-len(codes) % per_byte)
    return [
        sum(code << (bits * place) for place, code in enumerate(codes[start : start + per_byte]))
        for start in range(0, len(codes), per_byte)
    ]


def test_every_model_of_a_dtype_is_here() -> None:
    assert {entry.name for entry in zoo.models("dtype", runs=None)} == set(DTYPES)


@pytest.mark.parametrize("name", DTYPES)
def test_dtype(name: str) -> None:
    of_inputs, of_outputs = DTYPES[name]
    with zl.load(zoo.model_path(name)) as model:
        assert {tensor.dtype for tensor in model.inputs.values()} == {np.dtype(of_inputs)}
        assert {tensor.dtype for tensor in model.outputs.values()} == {np.dtype(of_outputs)}
        for tensors in (model.inputs, model.outputs):
            for tensor in tensors.values():
                assert tensor.dtype.isnative
                if tensor.dtype.name in PACKED:
                    per_byte = 8 // PACKED[tensor.dtype.name]
                    assert tensor.array.dtype == np.uint8
                    assert tensor.array.shape == (-(-int(np.prod(tensor.shape)) // per_byte),)
                else:
                    assert tensor.array.dtype == tensor.dtype
                    assert tensor.array.shape == tensor.shape


@pytest.mark.parametrize("name", [name for name, dtypes in DTYPES.items() if dtypes[0] == dtypes[1]])
@given(data=st.data())
def test_copied_values_keep_their_bits(name: str, data: st.DataObject) -> None:
    dtype = np.dtype(DTYPES[name][0])
    content = data.draw(st.binary(min_size=8 * dtype.itemsize, max_size=8 * dtype.itemsize))
    if dtype.kind == "b":
        content = bytes(byte & 1 for byte in content)
    values = np.frombuffer(content, np.uint8).view(dtype).reshape(2, 4)
    with zl.load(zoo.model_path(name)) as model:
        for _ in range(2):
            answer = model(dict.fromkeys(model.inputs, values))
            same = answer["same"] if isinstance(answer, dict) else answer
            assert same.dtype == dtype
            assert same.tobytes() == values.tobytes()


@pytest.mark.parametrize("name", [name for name, dtypes in DTYPES.items() if dtypes[0] != dtypes[1]])
def test_another_dtype_is_refused(name: str) -> None:
    with zl.load(zoo.model_path(name)) as model:
        for dtype in (np.float16, np.int8, np.uint8, ml_dtypes.float8_e5m2):
            tensor = model.inputs[0]
            with pytest.raises(TypeError, match=f"{tensor.name}.*{np.dtype(dtype).name}.*{tensor.dtype.name}"):
                model(np.zeros(tensor.shape, dtype))


def test_types_of_one_size_are_not_mistaken_for_each_other() -> None:
    """ml_dtypes' types are all of one kind to NumPy."""
    with zl.load(zoo.model_path("dtype_float8_e4m3fn")) as model:
        for dtype in (ml_dtypes.float8_e5m2, np.int8, np.uint8, ml_dtypes.int4, "V1"):
            with pytest.raises(TypeError, match="float8_e4m3fn is expected"):
                model(np.zeros((2, 4), dtype))


@pytest.mark.parametrize(("name", "c_types"), [("dtype_int64", "lq"), ("dtype_uint64", "LQ")])
def test_two_c_types_of_one_size_are_the_same_dtype(name: str, c_types: str) -> None:
    """NumPy numbers C's long and long long apart, though they are one type to it."""
    values = np.arange(8).reshape(2, 4)
    with zl.load(zoo.model_path(name)) as model:
        for c_type in c_types:
            typed = values.astype(c_type)
            targets = {key: np.zeros(tensor.shape, c_type) for key, tensor in model.outputs.items()}
            for _ in range(3):
                model(typed, typed, out=targets)
                np.testing.assert_array_equal(targets["same"], values.ravel())
                np.testing.assert_array_equal(targets["computed"], 2 * values)
            bound = zl.empty((2, 4), c_type)
            bound[...] = values + 1
            model.bind(x=bound)
            model.run()
            np.testing.assert_array_equal(model.outputs["computed"].array, values + 1 + values)
            model.bind(x=None)


# Packed integers


@pytest.mark.parametrize("name", PACKED_INPUTS)
@given(data=st.data())
def test_packed_inputs(name: str, data: st.DataObject) -> None:
    with zl.load(zoo.model_path(name)) as model:
        tensor = model.inputs[0]
        low, high = limits(tensor.dtype)
        numbers = data.draw(stn.arrays(np.int32, tensor.shape, elements=st.integers(low, high)))
        values = numbers.astype(tensor.dtype)
        expected = numbers.astype(np.float32)
        assert_same_bits(model(values), expected)
        assert model.inputs[0].array.tolist() == packed_bytes(numbers, PACKED[tensor.dtype.name])
        assert_same_bits(model(values[::-1]), expected[::-1])
        # Through the bytes
        model.inputs[0].array[...] = packed_bytes(numbers, PACKED[tensor.dtype.name])
        model.run()
        assert_same_bits(model.outputs[0].array, expected)


@pytest.mark.parametrize("name", PACKED_OUTPUTS)
@given(data=st.data())
def test_packed_outputs(name: str, data: st.DataObject) -> None:
    with zl.load(zoo.model_path(name)) as model:
        tensor = model.outputs[0]
        low, high = limits(tensor.dtype)
        numbers = data.draw(stn.arrays(np.int32, tensor.shape, elements=st.integers(low, high)))
        answer = model(numbers.astype(np.float32))
        assert answer.dtype == tensor.dtype
        np.testing.assert_array_equal(answer.astype(np.int32), numbers)
        assert tensor.array.tolist() == packed_bytes(numbers, PACKED[tensor.dtype.name])
        target = np.zeros(tensor.shape, tensor.dtype)
        assert model(numbers.astype(np.float32), out=target) is target
        np.testing.assert_array_equal(target.astype(np.int32), numbers)


def test_packed_outputs_of_the_reference() -> None:
    rng = np.random.default_rng(0)
    for entry in zoo.models("packed_output"):
        details = zoo.reference_interpreter(entry.path).get_input_details()
        with zl.load(entry.path) as model:
            for _ in range(5):
                inputs = zoo.random_inputs(details, rng, ranges=entry.input_ranges)
                assert_same_bits(model(*inputs), zoo.reference_run(entry.path, inputs)[0], entry.name)


def test_packed_inputs_of_the_reference() -> None:
    rng = np.random.default_rng(0)
    for entry in zoo.models("packed_input"):
        details = zoo.reference_interpreter(entry.path).get_input_details()
        with zl.load(entry.path) as model:
            for _ in range(5):
                inputs = zoo.random_inputs(details, rng, ranges=entry.input_ranges)
                values = as_tensor_dtype(inputs[0], model.inputs[0].dtype)
                assert_same_bits(model(values), zoo.reference_run(entry.path, inputs)[0], entry.name)


def test_lists_become_packed_integers() -> None:
    with zl.load(zoo.model_path("dtype_int4_input")) as model:
        assert model(np.arange(-4, 4).astype(ml_dtypes.int4)).tolist() == list(range(-4, 4))


def test_ml_dtypes_are_imported_only_for_models_that_need_them() -> None:
    program = """
import sys
import zerolite as zl

zl.load(sys.argv[1]).inputs[0].dtype
print("ml_dtypes" in sys.modules)
zl.load(sys.argv[2]).inputs[0].dtype
print("ml_dtypes" in sys.modules)
"""
    paths = [str(zoo.model_path(name)) for name in ("dense_2layer", "dtype_bfloat16")]
    assert answer_of(program, *paths) == "False\nTrue\n"
