"""Networks as they are built today, from Keras and from PyTorch: the converted model answers as its source does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.conversion.networks.keras_networks import KERAS_NETWORKS
from tests.conversion.networks.pytorch_networks import PYTORCH_NETWORKS

pytestmark = pytest.mark.slow

# Of the largest answer: with random weights, those of some networks are tiny.
_TOLERANCE = 1e-4


def compare(content: bytes, sample: Any, expected: Any) -> None:
    with zl.load(content) as model:
        answer = np.asarray(model(sample.astype(model.inputs[0].dtype)))
    np.testing.assert_allclose(answer, expected, rtol=0, atol=_TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("name", KERAS_NETWORKS)
def test_networks_of_keras(name: str) -> None:
    tf = pytest.importorskip("tensorflow", reason="needs the extra convert")
    tf.keras.utils.set_random_seed(0)
    network = KERAS_NETWORKS[name](tf.keras)
    shape = (1, *network.input_shape[1:])
    rng = np.random.default_rng(0)
    sample = rng.integers(50, size=shape) if name == "encoder" else rng.normal(size=shape).astype(np.float32)
    compare(zl.convert(network, verify=False).content, sample, network(sample).numpy())


@pytest.mark.parametrize("layout", ["source", "nhwc"])
@pytest.mark.parametrize("name", PYTORCH_NETWORKS)
def test_networks_of_pytorch(name: str, layout: Any) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch takes gigabytes")
    pytest.importorskip("litert_torch", reason="needs the extra torch, which takes gigabytes")
    torch.manual_seed(0)
    network, sample = PYTORCH_NETWORKS[name](torch)
    if layout == "nhwc" and sample.dim() != 4:
        pytest.skip("it has no image")
    result = zl.convert(network, sample_inputs=sample, layout=layout)
    assert result.verification is not None
    assert result.verification.max_abs < _TOLERANCE
    array = sample.numpy()
    with torch.no_grad():
        expected = network.eval()(sample).numpy()
    compare(result.content, np.ascontiguousarray(array.transpose(0, 2, 3, 1)) if layout == "nhwc" else array, expected)
