"""Tensors of PyTorch and JAX and columns of Arrow, in and out: the values of NumPy's arrays, where those lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.python_process import answer_of

DENSE = zoo.model_path("dense_2layer")
BFLOAT16 = zoo.model_path("dtype_bfloat16")
ROWS = np.random.default_rng(0).uniform(-1, 1, (7, 64)).astype(np.float32)


def of_torch(values: np.ndarray) -> Any:
    torch = pytest.importorskip("torch", reason="needs PyTorch, whose package takes gigabytes: pip install torch")
    if values.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(values.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(values.copy())


def jax_numpy() -> Any:
    """JAX's arrays. Importing it sets TensorFlow's level of logging, which processes of later tests would inherit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
        return pytest.importorskip("jax.numpy", reason="needs JAX")


def of_jax(values: np.ndarray) -> Any:
    return jax_numpy().asarray(values)


def tensor_of_arrow(values: np.ndarray) -> Any:
    arrow = pytest.importorskip("pyarrow", reason="needs PyArrow")
    return arrow.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(values))


def list_of_arrow(values: np.ndarray) -> Any:
    arrow = pytest.importorskip("pyarrow", reason="needs PyArrow")
    column = arrow.array(np.ascontiguousarray(values).ravel())
    for size in reversed(values.shape[1:]):
        column = arrow.FixedSizeListArray.from_arrays(column, size)
    return column


MAKERS = [of_torch, of_jax, tensor_of_arrow, list_of_arrow]
TENSORS = [of_torch, of_jax]


@pytest.fixture
def dense() -> Iterator[Any]:
    with zl.load(DENSE) as model:
        yield model


@pytest.mark.parametrize("make", MAKERS)
def test_inputs_of_calls(dense: Any, make: Callable[[np.ndarray], Any]) -> None:
    for row in (ROWS[:1], ROWS[3:4]):
        expected = dense(row)
        for _ in range(3):  # by the runtime's call and directly
            assert_same_bits(dense(make(row)), expected)
            assert_same_bits(dense(features=make(row)), expected)
            assert_same_bits(dense({"features": make(row)}), expected)


@pytest.mark.parametrize("make", MAKERS)
def test_batches_and_pools(dense: Any, make: Callable[[np.ndarray], Any]) -> None:
    expected = dense.map(ROWS)
    assert_same_bits(dense.map(make(ROWS)), expected)
    assert_same_bits(dense.map({"features": make(ROWS)}, chunk=2), expected)
    pool: Any
    with zl.Pool(DENSE, workers=2) as pool:
        assert_same_bits(pool.map(make(ROWS)), expected)
        assert_same_bits(pool.submit(make(ROWS[:1])).result(), expected[:1])
        for result, row in zip(pool.imap(make(ROWS[i : i + 1]) for i in range(7)), expected, strict=True):
            assert_same_bits(result, row[None])


@pytest.mark.parametrize("make", TENSORS)
def test_several_inputs_of_different_libraries(make: Callable[[np.ndarray], Any]) -> None:
    with zl.load(zoo.model_path("two_inputs_three_outputs")) as model:
        arrays = {
            name: np.random.default_rng(1).uniform(-1, 1, tensor.shape).astype(tensor.dtype)
            for name, tensor in model.inputs.items()
        }
        expected = model(arrays)
        first, second = arrays
        for _ in range(3):
            answer = model({first: make(arrays[first]), second: arrays[second]})
            for name, values in expected.items():
                assert_same_bits(answer[name], values, name)


@pytest.mark.parametrize("make", TENSORS)
def test_bfloat16(make: Callable[[np.ndarray], Any]) -> None:
    with zl.load(BFLOAT16) as model:
        shape = model.inputs[0].shape
        values = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape).astype(ml_dtypes.bfloat16)
        inputs = [values] * len(model.inputs)
        expected = model(dict(zip(model.inputs, inputs, strict=True)))
        answer = model({name: make(values) for name in model.inputs})
        for name, array in expected.items() if isinstance(expected, dict) else [("", expected)]:
            assert_same_bits(answer[name] if isinstance(answer, dict) else answer, array, name)


def test_non_contiguous_tensors(dense: Any) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch, whose package takes gigabytes: pip install torch")
    wide = torch.arange(128, dtype=torch.float32).reshape(1, 128) / 128
    tall = torch.arange(64, dtype=torch.float32).reshape(64, 1)
    for _ in range(3):
        assert_same_bits(dense(wide[:, ::2]), dense(np.ascontiguousarray(wide.numpy()[:, ::2])))
        assert_same_bits(dense(tall.T), dense(np.ascontiguousarray(tall.numpy().T)))


def test_columns_with_an_offset(dense: Any) -> None:
    expected = dense.map(ROWS[2:5])
    for make in (tensor_of_arrow, list_of_arrow):
        assert_same_bits(dense.map(make(ROWS)[2:5]), expected)


def test_tensors_of_arrow_with_their_axes_in_another_order() -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs PyArrow")
    values = np.asfortranarray(ROWS[:, :6].reshape(7, 2, 3))
    column = arrow.FixedShapeTensorArray.from_numpy_ndarray(values.transpose(0, 2, 1).copy().transpose(0, 2, 1))
    array = zl._native.array_over_memory(column, "the column")
    assert array is not None
    np.testing.assert_array_equal(array, values)


def test_nulls_are_refused(dense: Any) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs PyArrow")
    lists = arrow.list_(arrow.float32(), 64)
    for column in (arrow.array([None], lists), arrow.array([[None, *ROWS[0].tolist()[1:]]], lists)):
        with pytest.raises(ValueError, match=r"'features' was given a column of Arrow with nulls.*fill_null"):
            dense(column)
    whole = arrow.array([None, ROWS[0].tolist()], lists)
    assert_same_bits(dense(whole[1:]), dense(ROWS[:1]))  # the null is not in the slice


def test_other_columns_of_arrow_are_refused(dense: Any) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs PyArrow")
    for column in (arrow.array(["a"]), arrow.array([[1.0], [1.0, 2.0]]), arrow.array([True])):
        with pytest.raises((TypeError, ValueError), match="features"):
            dense(column)


@pytest.mark.parametrize("make", TENSORS)
def test_another_dtype_or_shape_is_refused(dense: Any, make: Callable[[np.ndarray], Any]) -> None:
    with pytest.raises(TypeError, match=r"'features' has the dtype int32, and float32 is expected; convert it in its"):
        dense(make(np.ones((1, 64), np.int32)))
    with pytest.raises(ValueError, match=r"'features' has the shape \(64,\), and \(1, 64\) is expected"):
        dense(make(np.ones(64, np.float32)))
    with (
        zl.load(zoo.model_path("dense_2layer_int8")) as quantized,
        pytest.raises(TypeError, match=r"quantize\(values\)"),
    ):
        quantized(make(ROWS[:1]))


def test_tensors_that_are_more_than_their_memory(dense: Any) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch, whose package takes gigabytes: pip install torch")
    row = torch.from_numpy(ROWS[:1].copy())
    trained = row.clone().requires_grad_()
    negated = torch.complex(row, row).conj().imag
    for tensor, mend in ((trained, "detach"), (negated, "resolve_neg")):
        with pytest.raises(ValueError, match=rf"'features' was given a torch.Tensor that .*; pass its \.{mend}\(\)"):
            dense(tensor)
        plain = getattr(tensor, mend)()
        assert_same_bits(dense(plain), dense(plain.numpy().copy()))
    with zl.load(zoo.model_path("dtype_complex64")) as model:
        values = torch.complex(torch.ones(model.inputs[0].shape), torch.ones(model.inputs[0].shape))
        with pytest.raises(ValueError, match=r"resolve_conj\(\)"):
            model({name: values.conj() for name in model.inputs})
    with pytest.raises(TypeError, match=r"'features' can't be read from this .*Tensor"):
        dense(row.to_sparse())


def test_results_into_tensors(dense: Any) -> None:
    expected = dense.map(ROWS)
    out = of_torch(np.zeros((1, 10), np.float32))
    for _ in range(3):
        assert dense(of_torch(ROWS[:1]), out=out) is out
        assert_same_bits(out.numpy(), expected[:1])
        out.zero_()
    everything = of_torch(np.zeros((7, 10), np.float32))
    assert dense.map(ROWS, out=everything) is everything
    assert_same_bits(everything.numpy(), expected)


def test_immutable_tensors_take_no_results(dense: Any) -> None:
    with pytest.raises(ValueError, match="'output_0' is read-only"):
        dense(ROWS[:1], out=of_jax(np.zeros((1, 10), np.float32)))
    with pytest.raises(ValueError, match="'output_0' is read-only"):
        dense.map(ROWS, out=of_jax(np.zeros((7, 10), np.float32)))


def test_binding_tensors(dense: Any) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch, whose package takes gigabytes: pip install torch")
    scores = torch.from_dlpack(zl.empty((1, 10)))
    dense.bind(output_0=scores)
    dense.inputs[0].array[...] = ROWS[:1]
    dense.run()
    assert_same_bits(scores.numpy(), dense(ROWS[:1]))
    with pytest.raises(ValueError, match="16 bytes past its end"):
        dense.bind(features=torch.from_numpy(ROWS[:1].copy()))


def test_torch_sees_a_tensors_memory(dense: Any) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch, whose package takes gigabytes: pip install torch")
    features = torch.from_dlpack(dense.inputs[0])
    features.copy_(torch.from_numpy(ROWS[:1].copy()))
    dense.run()
    assert_same_bits(torch.from_dlpack(dense.outputs[0]).numpy(), dense(ROWS[:1]))
    with zl.load(BFLOAT16) as model:
        view = torch.from_dlpack(model.inputs[0])
        assert view.dtype == torch.bfloat16
        view.fill_(1.5)
        assert np.all(model.inputs[0].array == ml_dtypes.bfloat16(1.5))


def test_jax_reads_a_tensors_memory(dense: Any) -> None:
    expected = dense(ROWS[:1])
    assert_same_bits(np.asarray(jax_numpy().from_dlpack(dense.outputs[0], copy=True)), expected)


def test_no_library_is_imported_for_it() -> None:
    program = """
import sys
import numpy as np
import zerolite as zl

model = zl.load(sys.argv[1])
model(np.zeros((1, 64), np.float32)), model([[0.0] * 64]), np.from_dlpack(model.inputs[0])
print(sorted({"torch", "jax", "pyarrow", "ml_dtypes"} & set(sys.modules)))
"""
    assert answer_of(program, str(DENSE)) == "[]\n"
