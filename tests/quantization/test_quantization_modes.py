"""Weights in blocks, different types of inputs and outputs, and ranges that a model was trained with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.real_answers import input_and_output, real_answers
from zerolite.conversion import ConversionError

pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

DENSE = zoo.model_path("dense_2layer")
ROWS = np.random.default_rng(6).normal(size=(12, 64)).astype(np.float32)


def block_sizes(content: bytes) -> dict[str, int]:
    """The size of the blocks of each tensor that is stored in blocks."""
    (graph,) = schema.ModelT.InitFromPackedBuf(bytearray(content)).subgraphs
    return {
        tensor.name.decode(): tensor.quantization.details.blockSize
        for tensor in graph.tensors
        if tensor.quantization is not None and isinstance(tensor.quantization.details, schema.BlockwiseQuantizationT)
    }


def test_int4_weights_in_blocks() -> None:
    whole, blocks = (
        zl.convert(DENSE, quantize="dynamic-int4", block_size=size, representative_data=ROWS) for size in (None, 32)
    )
    assert block_sizes(whole.content) == {}
    assert list(block_sizes(blocks.content).values()) == [32, 32]
    exact = real_answers(DENSE, ROWS)
    for one in (whole, blocks):
        error = np.abs(real_answers(one.content, ROWS) - exact).mean()
        assert 0 < error < 0.1 * np.abs(exact).max()
        assert one.size < 0.35 * DENSE.stat().st_size
        assert one.verification is not None
        assert one.verification.mean_abs == pytest.approx(error, rel=0.02)


def test_blocks_that_rows_are_no_multiple_of() -> None:
    with pytest.raises(ConversionError, match="litert-quantizer refused"):
        zl.convert(DENSE, quantize="dynamic-int4", block_size=128)


@pytest.mark.parametrize(
    ("quantize", "pair"),
    [("int8", ("uint8", "float32")), ("int8", ("float32", "int8")), ("int16x8", ("int16", "float32"))],
)
def test_inputs_and_outputs_of_two_types(quantize: Any, pair: Any) -> None:
    result = zl.convert(DENSE, quantize=quantize, io_dtype=pair, representative_data=ROWS)
    source, target = input_and_output(result.content)
    assert (np.dtype(source["dtype"]).name, np.dtype(target["dtype"]).name) == pair
    np.testing.assert_allclose(real_answers(result.content, ROWS), real_answers(DENSE, ROWS), atol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "dynamic", "block_size": 32}, "goes with quantize='dynamic-int4'"),
        ({"quantize": "dynamic-int4", "block_size": 16}, "block_size is 32 or 64 or 128 or 256"),
        ({"quantize": "int8", "io_dtype": ("int8",), "representative_data": ROWS}, "io_dtype is one type, or a pair"),
        (
            {"quantize": "int8", "io_dtype": ("int8", "int16"), "representative_data": ROWS},
            "io_dtype='int16' goes with quantize='int16x8'",
        ),
        ({"quantize": "int16x8", "quantization_aware": True}, "quantization_aware goes with quantize='int8' and"),
        ({"quantize": "int8", "quantization_aware": True}, r"give the model itself and no \.tflite file"),
    ],
)
def test_wrong_use(options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "")  # whoever starts a process now fails
    with pytest.raises(ValueError, match=message):
        zl.convert(DENSE, **options)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_ranges_of_training() -> None:
    """No data: int8 takes the ranges of the FakeQuant operators, -4 to 4 for the input."""
    tf = pytest.importorskip("tensorflow", reason="conversion needs the extra convert")
    weights = tf.constant(np.random.default_rng(1).uniform(-1, 1, (64, 10)).astype(np.float32))

    def trained(x: Any) -> Any:
        x = tf.quantization.fake_quant_with_min_max_vars(x, -4, 4)
        kernel = tf.quantization.fake_quant_with_min_max_vars(weights, -1, 1, narrow_range=True)
        return {"scores": tf.quantization.fake_quant_with_min_max_vars(tf.matmul(x, kernel), -30, 30)}

    def untrained(x: Any) -> Any:
        return {"scores": tf.matmul(x, weights)}

    def graph_of(function: Any) -> Any:
        return tf.function(function).get_concrete_function(tf.TensorSpec((1, 64), tf.float32, name="x"))

    result = zl.convert(
        graph_of(trained), quantize="int8", io_dtype=("uint8", "float32"), quantization_aware=True, verify=False
    )
    source, target = input_and_output(result.content)
    assert (source["dtype"], target["dtype"]) == (np.uint8, np.float32)
    assert source["quantization"][0] == pytest.approx(8 / 255, rel=0.01)
    rows = np.clip(ROWS, -4, 4)
    np.testing.assert_allclose(real_answers(result.content, rows), rows @ weights.numpy(), atol=0.5)
    with pytest.raises(ConversionError, match="has no FakeQuant operators"):
        zl.convert(graph_of(untrained), quantize="int8", quantization_aware=True, verify=False)
