"""Scales and zero points are those of the reference, and are there when and only when a tensor is quantized."""

from __future__ import annotations

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry
from tests.support.reference_model import ReferenceModel


@pytest.mark.parametrize("entry", zoo.models(), ids=str)
def test_parameters_of_the_reference(entry: ModelEntry) -> None:
    reference = ReferenceModel(entry.path)
    with zl.load(entry.path) as model:
        for key, signature in model.signatures.items():
            for tensors, details in (
                (signature.inputs, reference.inputs(key, list(signature.inputs))),
                (signature.outputs, reference.outputs(key, list(signature.outputs))),
            ):
                for name, tensor in tensors.items():
                    expected = details[name]["quantization_parameters"]
                    if len(expected["scales"]) == 0:
                        assert tensor.quantization is None
                        continue
                    quantization = tensor.quantization
                    assert isinstance(quantization, zl.Quantization)
                    np.testing.assert_array_equal(quantization.scales, expected["scales"])
                    np.testing.assert_array_equal(quantization.zero_points, expected["zero_points"])
                    assert quantization.axis == expected["quantized_dimension"]
                    assert quantization.scales.dtype == np.float32
                    assert quantization.zero_points.dtype == np.int64
                    assert quantization.scales.shape == quantization.zero_points.shape


def test_which_models_are_quantized_at_their_ends() -> None:
    for entry in zoo.models("quantized"):
        with zl.load(entry.path) as model:
            tensors = [*model.inputs.values(), *model.outputs.values()]
            assert any(tensor.quantization is not None for tensor in tensors), entry.name
    for name in ("dense_2layer", "dense_2layer_int8_float_io", "dense_2layer_dynamic_range", "int4_weights"):
        with zl.load(zoo.model_path(name)) as model:
            assert model.inputs[0].quantization is None
            assert model.outputs[0].quantization is None


def test_per_channel() -> None:
    with zl.load(zoo.model_path("per_channel_input")) as model:
        quantization = model.inputs[0].quantization
        assert quantization is not None
        assert quantization.scales.shape == quantization.zero_points.shape == (3,)
        assert model.inputs[0].shape[quantization.axis] == 3
        assert "3 scales along axis" in repr(model.inputs[0])


def test_repr_tells_scale_and_zero_point() -> None:
    with zl.load(zoo.model_path("dense_2layer_int8")) as model:
        quantization = model.inputs[0].quantization
        assert quantization is not None
        text = repr(model.inputs[0])
        assert f"scale={quantization.scales[0]:.6g}" in text
        assert f"zero_point={quantization.zero_points[0]}" in text


def test_the_formula() -> None:
    """real = scale * (stored - zero_point): quantizing the input by it gives the float model's answer, nearly."""
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, (1, 64)).astype(np.float32)
    with (
        zl.load(zoo.model_path("dense_2layer_int8")) as quantized,
        zl.load(zoo.model_path("dense_2layer_int8_float_io")) as same_with_float_ends,
    ):
        scale, zero_point = (field[0] for field in quantized.inputs[0].quantization[:2])  # type: ignore[index]
        stored = np.clip(np.round(values / scale) + zero_point, -128, 127).astype(np.int8)
        scale, zero_point = (field[0] for field in quantized.outputs[0].quantization[:2])  # type: ignore[index]
        real = scale * (quantized(stored).astype(np.float32) - zero_point)
        np.testing.assert_allclose(real, same_with_float_ends(values), atol=scale)


def test_results_may_be_changed_without_changing_the_model() -> None:
    with zl.load(zoo.model_path("dense_2layer_int8")) as model:
        first = model.inputs[0].quantization
        assert first is not None
        kept = first.scales.copy()
        first.scales[...] = 0
        second = model.inputs[0].quantization
        assert second is not None
        np.testing.assert_array_equal(second.scales, kept)
