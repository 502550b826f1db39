"""JAX: the converted model answers as functions do, jitted or not, under the names of their parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zerolite as zl
from zerolite.conversion import ConversionError

pytest.importorskip("tensorflow", reason="jax2tf makes TensorFlow's programs")

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
PARAMETERS: dict[str, Any] = {
    "convolution": RNG.normal(size=(3, 3, 3, 8)).astype(np.float32),
    "dense": [RNG.normal(size=(8, 4)).astype(np.float32), np.arange(4, dtype=np.float32)],
}
ZETA = RNG.normal(size=(1, 8, 8, 3)).astype(np.float32)
ALPHA = RNG.normal(size=4).astype(np.float32)


def network(zeta: Any, alpha: Any) -> dict[str, Any]:
    """Neither inputs nor outputs are in the order of the alphabet; the parameters are a tree."""
    hidden = jax.lax.conv_general_dilated(
        zeta, PARAMETERS["convolution"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    weights, bias = PARAMETERS["dense"]
    hidden = jax.nn.gelu(hidden).mean((1, 2))
    return {"probabilities": jax.nn.softmax(hidden @ weights + bias + alpha), "brightness": zeta.mean()}


@pytest.mark.parametrize("function", [network, jax.jit(network)], ids=["function", "jitted"])
def test_a_function_keeps_its_answers_and_names(function: Any) -> None:
    result = zl.convert(function, sample_inputs={"alpha": ALPHA, "zeta": ZETA})
    assert result.verification is not None
    assert result.verification.max_abs < 1e-4
    with zl.load(result.content) as model:
        assert list(model.inputs) == ["zeta", "alpha"]
        expected = network(ZETA, ALPHA)
        assert sorted(model.outputs) == sorted(expected)
        for name, array in model(ZETA, ALPHA).items():
            assert np.allclose(array, expected[name], atol=1e-4)


def test_shapes_trees_and_results_without_names() -> None:
    def pair(pictures: Any, scale: Any) -> tuple[Any, Any]:
        return pictures["left"] * scale, pictures["right"].sum()

    described: Any = jax.ShapeDtypeStruct  # it has no types
    shape = described((2, 3), jnp.float32)
    result = zl.convert(pair, sample_inputs=({"left": shape, "right": shape}, 2.0))
    with zl.load(result.content) as model:
        assert list(model.inputs) == ["pictures_left", "pictures_right", "scale"]
        assert list(model.outputs) == ["output_0", "output_1"]
        left, right = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
        answer = model(left, right, np.float32(5))
        assert np.array_equal(answer["output_0"], left * 5)
        assert answer["output_1"] == 12


def test_quantized_on_data() -> None:
    data = RNG.normal(size=(16, 8)).astype(np.float32)
    weights = RNG.normal(size=(8, 4)).astype(np.float32)
    result = zl.convert(
        jax.jit(lambda x: jnp.tanh(x @ weights)), input_shapes={"x": (1, 8)}, quantize="int8", representative_data=data
    )
    assert result.verification is not None
    assert result.verification.data == "representative"
    assert result.verification.max_abs < 0.1
    with zl.load(result.content) as model:
        assert model.inputs["x"].dtype == np.int8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "the function network has no inputs by itself; give what it is called with"),
        ({"sample_inputs": ZETA, "input_shapes": {"zeta": (1, 8, 8, 3)}}, "has no inputs by itself"),
        ({"sample_inputs": ZETA}, "the function does not take these inputs: missing a required argument: 'alpha'"),
        ({"input_shapes": {"beta": (1,)}}, "the function does not take these inputs"),
    ],
)
def test_inputs_that_do_not_fit(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zl.convert(network, **options)


def test_what_can_not_be_traced_is_one_sentence() -> None:
    def branching(x: Any) -> Any:
        return x + 1 if x.sum() > 0 else x

    with pytest.raises(ConversionError, match=r"'branching' can't be written as a program of jax\.export"):
        zl.convert(branching, sample_inputs=np.ones(3, np.float32))
