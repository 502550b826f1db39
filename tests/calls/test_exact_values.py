"""Lists and numbers keep their values, exactly, or are refused by the input's name: in every way in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.support import model_zoo as zoo

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float64", "bfloat16"]

# Each gives the model one item, which is a list, and returns the output that is the input.
Way = Callable[[zl.CompiledModel, Any], Any]
WAYS: dict[str, Way] = {
    "call": lambda model, item: model(item),
    "call by name": lambda model, item: model(**{model.inputs[0].name: item}),
    "map": lambda model, item: model.map([item, item]),
    "submit": lambda model, item: in_pool(model, lambda pool: pool.submit(item).result()),
    "imap": lambda model, item: in_pool(model, lambda pool: list(pool.imap([item]))),
    "Pool.map": lambda model, item: in_pool(model, lambda pool: pool.map([item])),
    "run_async": lambda model, item: asyncio.run(model.run_async(item)),
}


def in_pool(model: zl.CompiledModel, use: Callable[[zl.Pool], Any]) -> Any:
    with zl.Pool(model, workers=1) as pool:
        try:
            return use(pool)
        except zl.ItemError as error:
            raise error.cause from None


def same(result: Any) -> Any:
    return result["same"] if isinstance(result, dict) else result


def small_cnn() -> zl.CompiledModel:
    return zl.load(zoo.model_path("small_cnn_int8"))


@pytest.mark.parametrize("way", WAYS)
def test_pictures_as_a_decoder_gives_them_do_not_wrap(way: str) -> None:
    with small_cnn() as model:
        picture = model.inputs[0].shape[1:]
        # The item of a batch is a picture; of everything else it is a batch of one.
        item_of = (lambda array: array) if way in {"map", "Pool.map"} else (lambda array: [array])
        with pytest.raises(
            ValueError, match="'image' was given 200, which int8 can't hold; pass numbers from -128 to 127"
        ):
            WAYS[way](model, item_of(np.full(picture, 200, np.uint8)))
        WAYS[way](model, item_of(np.full(picture, 100, np.uint8)))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_kept_or_refused(dtype: str) -> None:
    limits = np.iinfo(dtype)
    with zl.load(zoo.model_path(f"dtype_{dtype}")) as model:
        shape = model.inputs[0].shape
        zeros = np.zeros(shape, dtype)
        for value in {0, 1, int(limits.min), int(limits.max), int(limits.max) // 2}:
            given_values = np.full(shape, value, object).tolist()
            assert (model(given_values, zeros)["same"] == np.array(value, dtype)).all()
        for value in (int(limits.min) - 1, int(limits.max) + 1):
            given_values = np.full(shape, value, object).tolist()
            with pytest.raises((TypeError, ValueError), match="input 'x' was given"):
                model(given_values, zeros)


@pytest.mark.parametrize("dtype", FLOATS)
def test_real_numbers_are_rounded_and_never_infinite(dtype: str) -> None:
    with zl.load(zoo.model_path(f"dtype_{dtype}")) as model:
        shape = model.inputs[0].shape
        wide = np.dtype(dtype)
        rest = [np.zeros(shape, wide)] * (len(model.inputs) - 1)
        for value in (0.1, -3.0, np.inf, -np.inf, np.nan):
            (answer,) = set(np.unique(same(model(np.full(shape, value).tolist(), *rest)).astype(np.float64)))
            np.testing.assert_equal(answer, np.float64(np.array(value).astype(wide)))
        if dtype != "float64":
            with pytest.raises(ValueError, match=rf"input 'x' was given 1e\+300, which {dtype} can't hold"):
                model(np.full(shape, 1e300).tolist(), *rest)
        exact = {"float16": 2**11, "bfloat16": 2**8, "float64": 2**53}[dtype]
        assert (same(model(np.full(shape, exact).tolist(), *rest)).astype(np.float64) == exact).all()
        with pytest.raises(ValueError, match=rf"input 'x' was given {exact + 1}, which {dtype} can't hold"):
            model(np.full(shape, exact + 1).tolist(), *rest)


@given(
    value=st.integers(-(2**63), 2**64 - 1) | st.integers(-300, 300),
    source=st.sampled_from(INTEGERS),
    target=st.sampled_from(INTEGERS),
)
def test_any_integer_of_any_type(value: int, source: str, target: str) -> None:
    limits = np.iinfo(source)
    number = np.dtype(source).type(min(max(value, int(limits.min)), int(limits.max)))
    with zl.load(zoo.model_path(f"dtype_{target}")) as model:
        shape = model.inputs[0].shape
        zeros = np.zeros(shape, target)
        items = [np.full(shape[1:], number)] * shape[0]
        if np.iinfo(target).min <= int(number) <= np.iinfo(target).max:
            assert {int(one) for one in model(items, zeros)["same"].ravel()} == {int(number)}
        else:
            with pytest.raises(ValueError, match="input 'x' was given"):
                model(items, zeros)


def test_a_number_of_a_wider_type() -> None:
    with zl.load(zoo.model_path("runtime_range")) as model:
        with pytest.raises(ValueError, match="input 'limit' was given 1099511627779, which int32 can't hold"):
            model(np.int64(2**40 + 3))
        assert model(np.int64(3)).tolist() == [0, 1, 2]


def test_real_numbers_for_a_quantized_input_show_how_it_stores_them() -> None:
    with small_cnn() as model, zl.load(zoo.model_path("small_cnn")) as truth:
        tensor = model.inputs[0]
        quantization = tensor.quantization
        assert quantization is not None
        scale, zero_point = f"{quantization.scales[0]:.6g}", quantization.zero_points[0]
        x = np.random.default_rng(0).random(tensor.shape, np.float32)
        refusal = rf"scale {scale} and zero point {zero_point}; pass"
        with pytest.raises(TypeError, match=refusal):
            model(x.tolist())
        with pytest.raises(TypeError, match=refusal) as caught:
            model(x)
        advice, _, another = str(caught.value).split("; pass ")[1].partition(", or the real numbers themselves to the ")
        assert advice == "inputs['image'].quantization.quantize(values)"
        stored = eval(f"model.{advice}", {"model": model, "values": x})  # the advice, word for word
        answer = model(stored)
        assert another == "model's .real(values)"
        reading = model.outputs[0].quantization
        assert reading is not None
        np.testing.assert_array_equal(model.real(x), reading.dequantize(answer))
        np.testing.assert_allclose(reading.dequantize(answer), truth(x), atol=0.05)
        with pytest.raises(TypeError, match=r"the batch for input 'image'.*quantization.quantize"):
            model.map(x)


def test_an_output_of_another_dtype_is_made_anew() -> None:
    with zl.load(zoo.model_path("dense_2layer")) as model:
        x = np.zeros((1, 64), np.float32)
        with pytest.raises(TypeError, match=r'make it with zl.empty\(shape, "float32"\)'):
            model(x, out=np.zeros((1, 10)))
        out = zl.empty((1, 10), "float32")
        assert model(x, out=out) is out


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", -11), ("uint8", 93), ("int16", 0)])
def test_quantizing_is_what_the_reference_kernel_does(dtype: str, zero_point: int) -> None:
    scale, shape = 0.037, [2040]
    builder = GraphBuilder()
    x, y = builder.tensor("x", shape), builder.tensor("y", shape, dtype, quantized=quantization([scale], [zero_point]))
    builder.operator(Op.QUANTIZE, [x], [y], version=2 if dtype == "int16" else 1)
    builder.interface([x], [y])
    content = builder.finish()
    halves = (np.arange(-20, 20, dtype=np.float32) + np.float32(0.5)) * np.float32(scale)
    values = np.concatenate([np.random.default_rng(7).normal(0, 3, 2000).astype(np.float32), halves])
    expected = reference_kernel(content, values)
    with zl.load(content) as model:
        stored = model.outputs[0].quantization
        assert stored is not None
        assert stored.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(stored.quantize(values), expected)
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        assert stored.quantize(np.array([1e30, np.inf, -1e30, -np.inf])).tolist() == [most, most, least, least]
        real = np.float32(scale) * (expected.astype(np.int64) - zero_point)
        np.testing.assert_allclose(stored.dequantize(expected), real, rtol=1e-6)
        with pytest.raises(ValueError, match="NaN"):
            stored.quantize([np.nan])


def reference_kernel(content: bytes, values: np.ndarray) -> np.ndarray:
    interpreter = zoo.reference_interpreter(content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def test_quantizing_by_channel_and_to_four_bits() -> None:
    quantization = zl.Quantization(np.array([1.0, 2.0], np.float32), np.array([0, 1]), 1)
    quantization.dtype = np.dtype(ml_dtypes.int4)
    stored = quantization.quantize(np.array([[3.2, 3.2], [100, -100]]))
    assert stored.dtype == ml_dtypes.int4
    assert stored.astype(int).tolist() == [[3, 3], [7, -8]]
    assert quantization.dequantize(stored).tolist() == [[3, 4], [7, -18]]
    with pytest.raises(ValueError, match="2 scales along axis 1"):
        quantization.quantize(np.ones((2, 3)))
