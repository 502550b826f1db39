"""Conversion: what comes out runs like what went in; what goes wrong says so and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import model_zoo
from zerolite.conversion import ConversionError, convert
from zerolite.evaluation import evaluate

# Keras 3.15's own, whenever it saves a variable under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SAMPLES = np.random.default_rng(11).uniform(-1, 1, (64, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def tf() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return pytest.importorskip("tensorflow", reason="conversion needs the extra convert")


@pytest.fixture(scope="module")
def network(tf: Any) -> Any:
    """Wide enough for quantized weights to save space, and in a range that int8 resolves."""
    tf.keras.utils.set_random_seed(3)
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input((6,), name="features"),
            layers.Dense(256, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ],
        name="tiny",
    )


def input_and_output(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    interpreter = model_zoo.reference_interpreter(content)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    return source, target


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantize", "io_dtype", "input_type", "tolerance"),
    [
        ("none", None, np.float32, 1e-5),
        ("fp16", None, np.float32, 2e-3),
        ("dynamic", None, np.float32, 2e-2),
        ("int8", None, np.int8, 3e-2),
        ("int8", "int8", np.int8, 3e-2),
        ("int8", "uint8", np.uint8, 3e-2),
        ("int8-float-io", None, np.float32, 3e-2),
    ],
)
def test_converted_models_answer_like_keras(
    *,
    network: Any,
    quantize: Any,
    io_dtype: Any,
    input_type: type,
    tolerance: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = SAMPLES if quantize.startswith("int8") else None
    capfd.readouterr()
    result = convert(network, quantize=quantize, representative_data=data, io_dtype=io_dtype)
    assert capfd.readouterr() == ("", "")
    assert "Saved artifact" in result.log
    assert result.path is None
    assert result.quantize == quantize
    assert result.size == len(result.content)
    source, target = input_and_output(result.content)
    assert source["dtype"] == target["dtype"] == input_type
    expected = network(SAMPLES, training=False).numpy()
    np.testing.assert_allclose(evaluate(result.content, SAMPLES).outputs, expected, atol=tolerance)


@pytest.mark.slow
def test_quantization_saves_space(network: Any) -> None:
    plain = convert(network)
    assert convert(network, quantize="fp16").size < plain.size
    assert convert(network, quantize="dynamic").size < plain.size
    assert convert(network, quantize="int8", representative_data=SAMPLES).size < plain.size


@pytest.mark.slow
def test_file_is_written_as_a_whole(network: Any, tmp_path: Path) -> None:
    target = tmp_path / "tiny.tflite"
    target.write_bytes(b"an older one")
    result = convert(network, target)
    assert result.path == target
    assert target.read_bytes() == result.content
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tiny.keras", "tiny.h5", "saved_model"])
def test_models_from_files(network: Any, tmp_path: Path, kind: str) -> None:
    source = tmp_path / kind
    if kind == "saved_model":
        network.export(source, verbose=False)
    else:
        network.save(source)
    expected = network(SAMPLES, training=False).numpy()
    for named in (source, str(source)):
        outputs = evaluate(convert(named).content, SAMPLES).outputs
        np.testing.assert_allclose(outputs, expected, atol=1e-5)


def samples_one_by_one() -> Iterator[np.ndarray]:
    yield from (SAMPLES[index : index + 1] for index in range(len(SAMPLES)))


@pytest.mark.slow
def test_representative_data_in_every_form(network: Any) -> None:
    forms: list[Any] = [
        SAMPLES,
        SAMPLES.astype(np.float64),
        samples_one_by_one(),
        [[sample] for sample in samples_one_by_one()],
        [{"features": sample} for sample in samples_one_by_one()],
    ]
    contents = [input_and_output(convert(network, quantize="int8", representative_data=form).content) for form in forms]
    first_source, first_target = contents[0]
    for source, target in contents[1:]:
        assert source["quantization"] == first_source["quantization"]
        assert target["quantization"] == first_target["quantization"]


@pytest.mark.slow
def test_representative_data_sets_the_range(network: Any) -> None:
    for span in (1.0, 8.0):
        content = convert(network, quantize="int8", representative_data=SAMPLES * span).content
        scale, _ = input_and_output(content)[0]["quantization"]
        assert scale == pytest.approx((SAMPLES.max() - SAMPLES.min()) * span / 255, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 6), np.float32), "representative_data is empty"),
        ([], "representative_data is empty"),
        (np.full((3, 6), np.nan, np.float32), "sample 0 of representative_data holds NaN"),
        ([SAMPLES[:1], SAMPLES[:1] * np.inf], "sample 1 of representative_data holds NaN or infinite"),
    ],
)
def test_unusable_representative_data(
    network: Any, tmp_path: Path, data: Any, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "tiny.tflite"
    with pytest.raises(ValueError, match=message):
        convert(network, target, quantize="int8", representative_data=data)
    assert not target.exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_refused_models_say_why(tf: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Determinant(tf.keras.layers.Layer):  # type: ignore[misc]
        """An operator that .tflite files have no builtin for."""

        def call(self, x: Any) -> Any:
            return tf.linalg.det(x)

    model = tf.keras.Sequential([tf.keras.Input((3, 3)), Determinant()], name="determinants")
    target = tmp_path / "determinants.tflite"
    with pytest.raises(ConversionError, match="refused 'determinants' with quantize='none'") as refusal:
        convert(model, target)
    assert "MatrixDeterminant" in refusal.value.log
    assert refusal.value.__cause__ is not None
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


# What follows is refused before TensorFlow is looked for.


class KerasLike:
    """Has what a Keras model is recognized by; never converted."""

    inputs = outputs = ()

    def export(self) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"quantize": "int4"},
            "quantize must be one of none, fp16, dynamic, int8, int8-float-io, int16x8, weight-only-int8, "
            "weight-only-int4; came 'int4'",
        ),
        ({"quantize": "int8"}, "quantize='int8' needs representative_data"),
        ({"quantize": "int8-float-io"}, "quantize='int8-float-io' needs representative_data"),
        ({"quantize": "int16x8"}, "quantize='int16x8' needs representative_data"),
        (
            {"quantize": "fp16", "representative_data": SAMPLES, "verify": False},
            "without verification makes no use of representative_data",
        ),
        ({"quantize": "dynamic", "io_dtype": "int8"}, "io_dtype='int8' goes with quantize='int8'; came"),
        (
            {"quantize": "int8", "representative_data": SAMPLES, "io_dtype": "int16"},
            "io_dtype='int16' goes with quantize='int16x8'; came quantize='int8'",
        ),
        (
            {"quantize": "int8", "representative_data": SAMPLES, "io_dtype": "bfloat16"},
            "io_dtype must be one of float32, int8, uint8, int16; came 'bfloat16'",
        ),
        ({"preprocess": "mobilenet_v2"}, "preprocess goes with representative_data that is a folder of images"),
        ({"bad_images": "ignore"}, "bad_images must be 'fail' or 'skip'; came 'ignore'"),
    ],
)
def test_options_that_contradict(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert(KerasLike(), **options)


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="can't convert a list"):
        convert([])
    with pytest.raises(FileNotFoundError, match=r"no model at .*absent"):
        convert(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="no SavedModel"):
        convert(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(TypeError, match=r"can't convert .*model\.onnx"):
        convert(tmp_path / "model.onnx")


def test_targets_are_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent does not exist"):
        convert(KerasLike(), tmp_path / "absent" / "model.tflite")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        convert(KerasLike(), tmp_path)


def test_missing_tensorflow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"zerolite\[convert\]"):
        convert(KerasLike())


def test_importing_convert_does_not_import_tensorflow() -> None:
    program = "import sys, zerolite.conversion, zerolite.evaluation; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
