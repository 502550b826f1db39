"""Networks of Keras with random weights convert in every usual way, and answer like the reference on the same file.

By default that is MobileNetV2. The others take some minutes each: ZEROLITE_TEST_APPLICATIONS=all runs them, and
a list of names, with commas, those.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import Array
from tests.support.python_process import run_python
from zerolite.conversion import ConversionResult, Quantize

pytestmark = pytest.mark.slow

# Name -> height and width of the input: the smallest that the network takes, or nearly so.
SIZES = {
    "MobileNetV2": 32,
    "ResNet50": 32,
    "DenseNet121": 32,
    "InceptionV3": 75,
    "NASNetMobile": 32,
    "EfficientNetB0": 32,
}
ASKED_FOR = os.environ.get("ZEROLITE_TEST_APPLICATIONS", "MobileNetV2")
CHOSEN = list(SIZES) if ASKED_FOR == "all" else ASKED_FOR.split(",")

QUANTIZATIONS: tuple[Quantize, ...] = ("none", "fp16", "dynamic", "int8")

EXPORT = """
import sys
import tensorflow as tf
tf.keras.utils.set_random_seed(0)
size = int(sys.argv[2])
network = getattr(tf.keras.applications, sys.argv[1])(weights=None, input_shape=(size, size, 3), classes=10)
network.export(sys.argv[3], verbose=False)
"""


@pytest.fixture(scope="module", params=CHOSEN)
def application(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A name, and the network's SavedModel, which all conversions start from."""
    pytest.importorskip("tensorflow", reason="conversion needs the extra convert")
    folder = tmp_path_factory.mktemp(request.param)
    made = run_python(EXPORT, request.param, str(SIZES[request.param]), str(folder), timeout=600)
    assert made.returncode == 0, made.stderr
    return request.param, folder


@pytest.fixture(scope="module")
def conversions(application: tuple[str, Path]) -> Iterator[dict[str, Future[ConversionResult]]]:
    """All conversions, two at a time: each is a process of its own."""
    name, source = application
    with ThreadPoolExecutor(2) as executor:
        yield {
            quantize: executor.submit(zl.convert, source, quantize=quantize, representative_data=images_for(name))
            for quantize in QUANTIZATIONS
        }


def images_for(name: str) -> Array:
    size = SIZES[name]
    return np.random.default_rng(1).uniform(-1, 1, (4, size, size, 3)).astype(np.float32)


@pytest.mark.parametrize("quantize", QUANTIZATIONS)
def test_answers_are_the_reference_s(
    application: tuple[str, Path], conversions: dict[str, Future[ConversionResult]], quantize: str
) -> None:
    images = images_for(application[0])
    result = conversions[quantize].result()
    assert result.operators["CONV_2D"] > 10
    assert result.verification is not None
    # Probabilities of ten classes; int8 resolves 1/256 of one.
    assert result.verification.max_abs < {"none": 1e-4, "fp16": 1e-2, "dynamic": 0.1, "int8": 0.2}[quantize]
    with zl.load(result.content) as model:
        for image in images:
            batch = image[np.newaxis]
            if quantize == "int8":
                batch = np.round(batch * 127).astype(np.int8)
            (expected,) = zoo.reference_run(result.content, [batch])
            answer = np.asarray(model(batch))
            if quantize == "int8":
                np.testing.assert_array_equal(answer, expected)
            else:
                np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-7)
