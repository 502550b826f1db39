"""Layers that are left out of a quantization, chosen by operator, name or pattern."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.real_answers import input_and_output, real_answers
from zerolite.cli import main

pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

SOURCE = zoo.model_path("small_cnn")
IMAGES = np.random.default_rng(5).normal(size=(12, 28, 28, 1)).astype(np.float32)
CONVOLUTIONS = [
    "small_cnn_1/conv_1_1/Relu;small_cnn_1/conv_1_1/convolution",
    "small_cnn_1/conv_2_1/Relu;small_cnn_1/conv_2_1/convolution",
]
DENSE = "small_cnn_1/probabilities_1/MatMul2"


def output_types(content: bytes) -> Mapping[str, Any]:
    """The type of each tensor by its name, as the reference interpreter reads the file."""
    return {one["name"]: one["dtype"] for one in zoo.reference_interpreter(content).get_tensor_details()}


def quantized(keep_float: list[str], quantize: Any = "int8", io_dtype: Any = None) -> Any:
    data = IMAGES if quantize.startswith("int") else None
    return zl.convert(
        SOURCE, quantize=quantize, keep_float=keep_float, io_dtype=io_dtype, representative_data=data, verify=False
    )


@pytest.mark.parametrize(
    ("keep_float", "expected"),
    [
        (["CONV_2D"], CONVOLUTIONS),
        (["conv_1_1"], CONVOLUTIONS[:1]),
        (["conv_?_1"], CONVOLUTIONS),
        (["*/conv_2*"], CONVOLUTIONS[1:]),
        # The name of its weights.
        (["small_cnn_1/probabilities_1/MatMul1"], [DENSE]),
        ([DENSE, "small_cnn_1/conv_1_1/convolution"], [CONVOLUTIONS[0], DENSE]),
    ],
)
def test_layers_go_by_operator_name_and_pattern(keep_float: list[str], expected: list[str]) -> None:
    result = quantized(keep_float)
    assert result.kept_float == tuple(expected)
    assert result.to_dict()["kept_float"] == expected
    types = output_types(result.content)
    for name in [*CONVOLUTIONS, DENSE]:
        assert types[name] == (np.float32 if name in expected else np.int8), name
    np.testing.assert_allclose(real_answers(result.content, IMAGES), real_answers(SOURCE, IMAGES), atol=5e-2)


@pytest.mark.parametrize(
    ("quantize", "io_dtype", "type_beside", "io_type"),
    [
        ("int8", "uint8", np.int8, np.uint8),
        ("int8-float-io", None, np.int8, np.float32),
        ("int16x8", "int16", np.int16, np.int16),
    ],
)
def test_the_rest_and_the_interface_stay_what_they_are(
    quantize: str, io_dtype: str | None, type_beside: type, io_type: type
) -> None:
    """Also where the layers that are kept are the first and the last."""
    result = quantized(["conv_1_1", "SOFTMAX"], quantize, io_dtype)
    source, target = input_and_output(result.content)
    assert source["dtype"] == target["dtype"] == io_type
    types = output_types(result.content)
    assert types[CONVOLUTIONS[0]] == np.float32
    assert types[CONVOLUTIONS[1]] == types[DENSE] == type_beside


@pytest.mark.parametrize("quantize", ["fp16", "dynamic", "weight-only-int8"])
def test_weights_are_kept(quantize: str) -> None:
    """The dense layer has most of the weights."""
    all_quantized, kept = quantized([], quantize), quantized(["FULLY_CONNECTED"], quantize)
    saved = SOURCE.stat().st_size - all_quantized.size
    assert kept.size - all_quantized.size > saved / 2


def test_everything_may_be_kept() -> None:
    result = quantized(["*"], "int8-float-io")
    np.testing.assert_allclose(real_answers(result.content, IMAGES), real_answers(SOURCE, IMAGES), atol=1e-6)


def test_what_means_no_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no layer of '.*small_cnn.tflite' is meant by 'conv_9_1'; near .* conv_1_1"):
        quantized(["CONV_2D", "conv_9_1"])
    with pytest.raises(ValueError, match=r"'zzz'; it has the operators CONV_2D, MAX_POOL_2D"):
        quantized(["zzz"])
    with pytest.raises(
        TypeError, match=r"keep_float must be a list of names; came one, as in keep_float=\['CONV_2D'\]"
    ):
        zl.convert(SOURCE, quantize="dynamic", keep_float="CONV_2D")
    with pytest.raises(ValueError, match="keep_float says what is not quantized: choose how the rest is"):
        zl.convert(SOURCE, keep_float=["CONV_2D"])


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    np.save(tmp_path / "images.npy", IMAGES)
    arguments = ["convert", str(SOURCE), "--quantize", "int8", "--representative-data", str(tmp_path / "images.npy")]
    target = str(tmp_path / "out.tflite")
    options = ["--keep-float", "SOFTMAX", "--keep-float", "conv_1*", "-o", target, "--no-verify"]
    assert main([*arguments, *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kept_float"] == [CONVOLUTIONS[0], "StatefulPartitionedCall_1:0"]
    assert main([*arguments, *options]) == 0
    assert "Not quantized: small_cnn_1/conv_1_1/Relu" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_keras_model(tmp_path: Path) -> None:
    """TensorFlow makes the float model, in which the layers go by their names in Keras."""
    tf = pytest.importorskip("tensorflow", reason="conversion needs the extra convert")
    layers = tf.keras.layers
    tf.keras.utils.set_random_seed(3)
    network = tf.keras.Sequential(
        [
            tf.keras.Input((6,), name="features"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(4, name="scores"),
        ]
    )
    rows = np.random.default_rng(11).uniform(-1, 1, (32, 6)).astype(np.float32)
    result = zl.convert(network, quantize="int8", keep_float=["scores*"], representative_data=rows)
    (kept,) = result.kept_float
    types = output_types(result.content)
    assert types[kept] == np.float32
    hidden = [dtype for name, dtype in types.items() if "hidden" in name and "Relu" in name and name != kept]
    assert np.int8 in hidden
    np.testing.assert_allclose(real_answers(result.content, rows), network(rows).numpy(), atol=5e-2)


@pytest.mark.parametrize("io_dtype", ["int8", "float32"])
def test_kept_layers_of_16_bits(io_dtype: Any) -> None:
    kept = ["FULLY_CONNECTED", "SOFTMAX"]
    options: dict[str, Any] = {"quantize": "int8", "io_dtype": io_dtype, "representative_data": IMAGES}
    plain = zl.convert(SOURCE, **options)
    mixed = zl.convert(SOURCE, keep_float=kept, kept_as="int16", **options)
    types = output_types(mixed.content)
    assert types[DENSE] == np.int16
    assert types[CONVOLUTIONS[0]] == np.int8
    assert plain.verification is not None
    assert mixed.verification is not None
    assert mixed.size < plain.size * 1.1
    if io_dtype == "float32":  # an output of 8 bits is as coarse as before
        assert mixed.verification.mean_abs < plain.verification.mean_abs


def test_16_bits_go_with_layers_and_8_bits() -> None:
    with pytest.raises(ValueError, match="kept_as must be 'float32' or 'int16'; came 'int4'"):
        zl.convert(SOURCE, quantize="int8", representative_data=IMAGES, keep_float=["SOFTMAX"], kept_as="int4")  # type: ignore[arg-type]
    for options in ({"quantize": "dynamic", "keep_float": ["SOFTMAX"]}, {"quantize": "int8"}):
        with pytest.raises(ValueError, match="kept_as='int16' is for the layers of keep_float or max_loss"):
            zl.convert(SOURCE, kept_as="int16", representative_data=IMAGES, **options)
