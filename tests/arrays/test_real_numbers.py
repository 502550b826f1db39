"""Real numbers in and out of quantized models: what quantizing, calling and dequantizing by hand give, bit for bit."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import ModelEntry

INT8 = zoo.model_path("dense_2layer_int8")
QUANTIZED = zoo.models("quantized", without=["string", "dynamic_shape"])


def by_hand(model: zl.CompiledModel, real: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    stored = {
        name: tensor.quantization.quantize(real[name]) if tensor.quantization is not None else real[name]
        for name, tensor in model.inputs.items()
    }
    answer = model(stored)
    answers = answer if isinstance(answer, dict) else {next(iter(model.outputs)): answer}
    return {
        name: quantization.dequantize(values)
        if (quantization := model.outputs[name].quantization) is not None
        else values
        for name, values in answers.items()
    }


def random_real(model: zl.CompiledModel, seed: int = 0) -> dict[str, np.ndarray]:
    """Numbers over what each input can hold, and beyond it."""
    rng = np.random.default_rng(seed)
    real = {}
    for name, tensor in model.inputs.items():
        if tensor.quantization is None:
            real[name] = rng.integers(0, 2, tensor.shape).astype(tensor.dtype)
            continue
        reach = 200 * float(tensor.quantization.scales.max())
        real[name] = rng.uniform(-reach, reach, tensor.shape).astype(np.float32)
    return real


@pytest.mark.parametrize("entry", QUANTIZED, ids=str)
def test_every_quantized_model(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        for seed in range(3):
            real = random_real(model, seed)
            expected = by_hand(model, real)
            answer = model.real(real)
            answers = answer if isinstance(answer, dict) else {next(iter(model.outputs)): answer}
            assert answers.keys() == expected.keys()
            for name, values in expected.items():
                assert_same_bits(answers[name], values, name)


@given(
    values=stn.arrays(
        np.float32,
        (1, 64),
        elements=st.one_of(
            st.floats(width=32, allow_nan=False), st.integers(-300, 300).map(lambda halves: np.float32(halves / 2))
        ),
    )
)
def test_every_number(values: np.ndarray) -> None:
    with zl.load(INT8) as model:
        tensor = model.inputs[0]
        assert tensor.quantization is not None
        model.real(values)
        assert_same_bits(tensor.array, tensor.quantization.quantize(values))
        # Halves between two integers, as near as float32 has them.
        halves = (values.astype(np.float64) * float(tensor.quantization.scales[0])).astype(np.float32)
        assert_same_bits(tensor._quantized(halves, "halves"), tensor.quantization.quantize(halves))


def test_a_scale_for_each_slice() -> None:
    with zl.load(zoo.model_path("per_channel_input")) as model:
        tensor = model.inputs[0]
        assert tensor.quantization is not None
        assert len(tensor.quantization.scales) > 1
        values = random_real(model)[tensor.name]
        model.real(values)
        assert_same_bits(tensor.array, tensor.quantization.quantize(values))
        batch = np.stack([values, -values])
        expected = np.stack([tensor.quantization.quantize(item) for item in batch])
        assert_same_bits(tensor._quantized(batch, "the batch"), expected)
        with pytest.raises(ValueError, match="slices along its axis"):
            tensor._quantized(np.zeros([2 * size for size in values.shape], np.float32), "the batch")


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_any_layout(order: str) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (4, 64)).astype(np.float32)
    with zl.load(INT8) as model:
        model.resize({next(iter(model.inputs)): (4, 64)})
        laid = {"C": values, "F": np.asfortranarray(values), "strided": np.repeat(values, 2, axis=1)[:, ::2]}[order]
        assert_same_bits(model.real(laid), model.real(values.copy()))


def test_out_and_names() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    with zl.load(INT8) as model:
        expected = model.real(values)
        assert expected.dtype == np.float32
        out = np.zeros_like(expected)
        name = next(iter(model.inputs))
        assert model.real({name: values}, out=out) is out
        assert_same_bits(out, expected)
        assert_same_bits(model.signatures[model.key].real(values.tolist()), expected)
        with pytest.raises(TypeError, match="int8, and float32 is expected"):
            model.real(values, out=np.zeros(out.shape, np.int8))


def test_batches_and_pools() -> None:
    batch = np.random.default_rng(0).uniform(-3, 3, (9, 64)).astype(np.float32)
    with zl.load(INT8) as model:
        expected = np.concatenate([model.real(batch[i : i + 1]) for i in range(9)])
        assert_same_bits(np.asarray(model.real.map(batch)), expected)
        assert_same_bits(np.asarray(model.real.map(batch, chunk=4)), expected)
    pool: Any
    with zl.Pool(INT8, workers=2, numbers="real") as pool:
        assert_same_bits(pool.map(batch), expected)
        assert_same_bits(pool.submit(batch[:1]).result(), expected[:1])
        for result, row in zip(pool.imap(batch[i : i + 1] for i in range(9)), expected, strict=True):
            assert_same_bits(result, row[None])
        with pytest.raises(ValueError, match="leave out out"):
            pool.map(batch, out=np.zeros_like(expected))
        with pickle.loads(pickle.dumps(pool)) as restored:
            assert_same_bits(restored.map(batch), expected)
    with pytest.raises(ValueError, match="numbers is 'float', and must be 'stored' or 'real'"):
        zl.Pool(INT8, numbers="float")  # type: ignore[arg-type]


def test_models_without_quantization_are_called_as_they_are() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    with zl.load(zoo.model_path("dense_2layer")) as model:
        assert_same_bits(model.real(values), model(values))
        assert_same_bits(np.asarray(model.real.map(values)), model(values))


def test_nan_changes_nothing() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    with zl.load(INT8) as model:
        expected = model.real(values)
        stored = model.inputs[0].array.copy()
        broken = values.copy()
        broken[0, 3] = np.nan
        with pytest.raises(ValueError, match="was given NaN, for which no integer stands; remove it"):
            model.real(broken)
        with pytest.raises(ValueError, match=r"the batch for input .* holds NaN"):
            model.real.map(broken)
        assert_same_bits(model.inputs[0].array, stored)
        assert_same_bits(model.real(values), expected)


def test_the_errors_lead_here() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
    with zl.load(INT8) as model:
        with pytest.raises(TypeError, match=r"scale .* and zero point .*quantize\(values\).*\.real\(values\)"):
            model(values)
        with pytest.raises(TypeError, match="call the model itself with what it stores"):
            model.real(model.inputs[0].array)
        with pytest.raises(TypeError, match="has the dtype float64, and float32 is expected"):
            model.real(values.astype(np.float64))
        with pytest.raises(ValueError, match="has the shape"):
            model.real(values[0])
        with pytest.raises(zl.ArgumentError, match="no input 'nothing'"):
            model.real(nothing=values)
