"""ONNX: the converted model answers as ONNX Runtime does, under the names of the file, in its order."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from zerolite.cli import main
from zerolite.conversion import ConversionError

onnx: Any = pytest.importorskip("onnx", reason="needs the extra onnx")
onnxruntime: Any = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
if shutil.which(os.environ.get("ZEROLITE_ONNX2TF") or "onnx2tf") is None:
    pytest.skip("needs the command onnx2tf, which is installed by itself", allow_module_level=True)

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
ZETA = RNG.normal(size=(1, 3, 8, 8)).astype(np.float32)
ALPHA = RNG.normal(size=4).astype(np.float32)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two inputs and three outputs, none in the order of the alphabet, of which one has channels."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    weights = RNG.normal(size=(8, 3, 3, 3)).astype(np.float32)
    dense = RNG.normal(size=(8, 4)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["zeta", "weights"], ["convolved"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["convolved"], ["map"]),
            helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "dense"], ["product"]),
            helper.make_node("Add", ["product", "alpha"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["classes"], axis=1),
        ],
        "network",
        [
            helper.make_tensor_value_info("zeta", floats, ["batch", 3, 8, 8]),
            helper.make_tensor_value_info("alpha", floats, [4]),
        ],
        [
            helper.make_tensor_value_info("map", floats, ["batch", 8, 8, 8]),
            helper.make_tensor_value_info("classes", floats, ["batch", 4]),
            helper.make_tensor_value_info("logits", floats, ["batch", 4]),
        ],
        [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(dense, "dense")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "network.onnx")
    return tmp_path / "network.onnx"


def expected(file: Path, zeta: Any = ZETA) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(file)
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {"zeta": zeta, "alpha": ALPHA}), strict=True))


def test_a_file_keeps_its_answers_names_and_order(network: Path, tmp_path: Path) -> None:
    target = tmp_path / "network.tflite"
    assert main(["convert", str(network), "--input", "zeta=1,3,8,8", "-o", str(target)]) == 0
    with zl.load(target) as model:
        assert list(model.inputs) == ["zeta", "alpha"]
        assert list(model.outputs) == ["map", "classes", "logits"]
        assert model.inputs["zeta"].shape == (1, 3, 8, 8)
        for name, array in model(ZETA, ALPHA).items():
            np.testing.assert_allclose(array, expected(network)[name], atol=1e-5, err_msg=name)


def test_channels_last(network: Path) -> None:
    result = zl.convert(network, input_shapes={"zeta": (2, 3, 8, 8)}, layout="nhwc")
    assert result.layout == "nhwc"
    assert result.verification is not None
    assert result.verification.max_abs < 1e-5
    twice = np.concatenate([ZETA, 2 * ZETA])
    with zl.load(result.content) as model:
        answer = model(np.ascontiguousarray(twice.transpose(0, 2, 3, 1)), ALPHA)
        wanted = expected(network, twice)
        np.testing.assert_allclose(answer["map"], wanted["map"].transpose(0, 2, 3, 1), atol=1e-5)
        np.testing.assert_allclose(answer["logits"], wanted["logits"], atol=1e-5)


def test_quantized_with_fewer_outputs(network: Path) -> None:
    data = [{"zeta": RNG.normal(size=(1, 3, 8, 8)).astype(np.float32), "alpha": ALPHA} for _ in range(8)]
    result = zl.convert(
        network,
        input_shapes={"zeta": (1, 3, 8, 8)},
        outputs=["logits"],
        quantize="int8",
        representative_data=data,
        keep_float=["BATCH_MATMUL"],
    )
    assert result.kept_float
    assert result.verification is not None
    assert result.verification.max_abs < 0.2
    with zl.load(result.content) as model:
        assert list(model.outputs) == ["logits"]
        assert model.inputs["zeta"].dtype == np.int8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input_shapes": {"beta": (1,)}}, "the model has no input 'beta'; it has zeta, alpha"),
        ({"input_shapes": {"zeta": (1, 3, 8)}}, r"input 'zeta' is \(\?, 3, 8, 8\), and \(1, 3, 8\) is asked for"),
        ({"outputs": ["heat"]}, "the model has no output 'heat'; it has map, classes, logits"),
        ({"signatures": ["main"]}, r"signatures is for models that TensorFlow converts, and '.*' is an ONNX file"),
        ({"layout": "nchw"}, "layout must be 'source' or 'nhwc'; came 'nchw'"),
    ],
)
def test_options_that_do_not_fit(network: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zl.convert(network, **options)


def test_what_can_not_be_converted_is_one_sentence(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"not a model")
    with pytest.raises(ConversionError, match=r"'.*damaged\.onnx' is no sound ONNX file"):
        zl.convert(tmp_path / "damaged.onnx")
    model = onnx.load(network)
    model.graph.node[1].op_type = "Unheard"
    model.graph.node[1].domain = "somewhere"
    model.opset_import.append(onnx.helper.make_opsetid("somewhere", 1))
    onnx.save(model, tmp_path / "unheard.onnx")
    with pytest.raises(ConversionError, match=r"ONNX Runtime .* can't run '.*unheard\.onnx'"):
        zl.convert(tmp_path / "unheard.onnx")
    failing = tmp_path / "onnx2tf"
    failing.write_text("#!/bin/sh\necho 'ERROR: no such operator'\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv("ZEROLITE_ONNX2TF", str(failing))
    with pytest.raises(ConversionError, match=r"onnx2tf refused '.*' \(exit code 3\): ERROR: no such operator"):
        zl.convert(network)
    monkeypatch.setenv("ZEROLITE_ONNX2TF", str(tmp_path / "absent"))
    with pytest.raises(ImportError, match="uv tool install onnx2tf"):
        zl.convert(network)
