"""Conversion with TensorFlow: what comes out runs like what went in; what goes wrong says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support.real_answers import input_and_output, real_answers
from zerolite.conversion import ConversionError, ConversionResult
from zerolite.conversion.request import ConversionRequest

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15's own, whenever it saves a variable under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

SAMPLES = np.random.default_rng(11).uniform(-1, 1, (32, 6)).astype(np.float32)


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
            # Not there when a model is not trained any more: an exported call must say so.
            layers.Dropout(0.5),
            layers.Dense(4, activation="softmax"),
        ],
        name="tiny",
    )


def convert_here(kind: str, source: Path, **options: Any) -> None:
    """The steps of a conversion without its process, which imports TensorFlow each time: for what is refused early."""
    from zerolite.conversion.child import steps as conversion_steps

    request = ConversionRequest(
        kind=kind, name=str(source), path=str(source), result=str(source.with_name("r.tflite")), **options
    )
    conversion_steps.convert_here(request, lambda _: None)


WAYS: list[tuple[Any, Any, type, float]] = [
    ("none", None, np.float32, 1e-5),
    ("fp16", None, np.float32, 2e-3),
    ("dynamic", None, np.float32, 2e-2),
    ("int8", None, np.int8, 3e-2),
    ("int8", "uint8", np.uint8, 3e-2),
    ("int8-float-io", None, np.float32, 3e-2),
    ("int16x8", None, np.float32, 2e-2),
    ("weight-only-int4", None, np.float32, 5e-2),
]


def test_a_conversion_says_nothing(network: Any, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    result = zl.convert(network, quantize="int8", representative_data=SAMPLES)
    assert capfd.readouterr() == ("", "")
    assert "Saved artifact" in result.log


@pytest.fixture(scope="module")
def conversions(
    network: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str | None], Future[ConversionResult]]]:
    """All conversions, two at a time: each is a process of its own."""
    source = tmp_path_factory.mktemp("network") / "tiny.keras"
    network.save(source)
    with ThreadPoolExecutor(2) as executor:
        yield {
            (quantize, io_dtype): executor.submit(
                zl.convert, source, quantize=quantize, representative_data=SAMPLES, io_dtype=io_dtype
            )
            for quantize, io_dtype, _, _ in WAYS
        }


@pytest.mark.parametrize(("quantize", "io_dtype", "io_type", "tolerance"), WAYS)
def test_converted_models_answer_like_keras(
    *,
    network: Any,
    conversions: dict[tuple[str, str | None], Future[ConversionResult]],
    quantize: str,
    io_dtype: str | None,
    io_type: type,
    tolerance: float,
) -> None:
    if quantize.startswith("weight-only"):
        pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    result = conversions[quantize, io_dtype].result()
    assert (result.path, result.quantize, result.unsupported) == (None, quantize, ())
    assert (result.size < 4 * network.count_params()) == (quantize != "none")
    assert result.operators["FULLY_CONNECTED"] == 2
    source, target = input_and_output(result.content)
    assert source["dtype"] == target["dtype"] == io_type
    expected, came = network(SAMPLES, training=False).numpy(), real_answers(result.content, SAMPLES)
    np.testing.assert_allclose(came, expected, atol=tolerance)
    assert result.verification is not None
    assert result.verification.data == "representative"
    distance = np.abs(came - expected)
    assert result.verification.max_abs == pytest.approx(distance.max(), rel=0.02, abs=1e-6)
    assert result.verification.mean_abs == pytest.approx(distance.mean(), rel=0.02, abs=1e-6)
    assert result.verification.top1_agreement == np.mean(came.argmax(1) == expected.argmax(1))


@pytest.mark.parametrize("kind", ["tiny.keras", "tiny.h5", "tiny.hdf5", "saved_model"])
def test_models_from_files(network: Any, tmp_path: Path, kind: str) -> None:
    source = tmp_path / kind
    if kind == "saved_model":
        network.export(source, verbose=False)
    else:
        network.save(source)
    steps: list[str] = []
    result = zl.convert(source, tmp_path / "tiny.tflite", verify=False, on_step=steps.append)
    assert steps == ["Loading TensorFlow", "Reading the model", "Converting"]
    assert (tmp_path / "tiny.tflite").read_bytes() == result.content
    expected = network(SAMPLES, training=False).numpy()
    np.testing.assert_allclose(real_answers(result.content, SAMPLES), expected, atol=1e-5)
    assert result.source_size >= sum(weight.numpy().nbytes for weight in network.weights)


def test_custom_layers_and_inputs_by_name(tf: Any) -> None:
    """What no other process could load: the model itself is exported from here."""

    class Scaled(tf.keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any, training: bool = False) -> Any:
            return x * (100.0 if training else 2.0)

    left, right = tf.keras.Input((4,), name="left"), tf.keras.Input((2,), name="right")
    joined = tf.keras.layers.Concatenate()([Scaled()(left), right])
    model = tf.keras.Model({"left": left, "right": right}, {"joined": joined, "left_again": left})
    rng = np.random.default_rng(1)
    data = {name: rng.normal(size=(5, size)).astype(np.float32) for name, size in (("left", 4), ("right", 2))}
    result = zl.convert(model, representative_data=data)
    with zl.load(result.content) as converted:
        answer = converted({name: array[:1] for name, array in data.items()})
    np.testing.assert_allclose(answer["joined"], np.hstack([2 * data["left"][:1], data["right"][:1]]), rtol=1e-6)
    assert result.verification is not None
    assert result.verification.samples == 5
    assert set(result.verification.signatures["serving_default"]) == {"joined", "left_again"}
    assert result.verification.max_abs < 1e-6


@pytest.fixture(scope="module")
def functions(tf: Any) -> Any:
    """A module, and two of its functions with fixed signatures."""

    class Gain(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.gain = tf.Variable([1.0, 2.0, 3.0, 4.0])

    holder = Gain()
    row = tf.TensorSpec((None, 4), tf.float32)
    amplify = tf.function(lambda x: {"loud": x * holder.gain, "quiet": x / holder.gain}, autograph=False)
    mix = tf.function(lambda a, b: a + b, autograph=False)
    return holder, {
        "amplify": amplify.get_concrete_function(tf.TensorSpec((None, 4), tf.float32, name="x")),
        "mix": mix.get_concrete_function(row, row),
    }


def test_concrete_functions(functions: Any) -> None:
    _, by_name = functions
    rows = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    single = zl.convert(by_name["amplify"], verify=False)
    with zl.load(single.content) as model:
        np.testing.assert_allclose(model(rows[:1])["loud"], rows[:1] * [1, 2, 3, 4], rtol=1e-6)
    data = {"amplify": {"x": rows}, "mix": {"a": rows, "b": rows}}
    both = zl.convert(by_name, quantize="int8-float-io", representative_data=data)
    assert both.verification is not None
    assert set(both.verification.signatures) == {"amplify", "mix"}
    assert 0 < both.verification.max_abs < 0.2


def test_signatures_shapes_and_outputs_are_chosen(tf: Any, functions: Any, tmp_path: Path) -> None:
    holder, by_name = functions
    tf.saved_model.save(holder, str(tmp_path), signatures=by_name)
    result = zl.convert(tmp_path, signatures=["amplify"], input_shapes={"x": (3, 4)}, outputs=["quiet"])
    with zl.load(result.content) as model:
        assert list(model.signatures) == ["amplify"]
        assert [tuple(tensor.shape_signature) for tensor in model.inputs.values()] == [(3, 4)]
        assert list(model.outputs) == ["quiet"]
    assert result.verification is not None
    assert result.verification.max_abs < 1e-6
    for options, message in (
        ({"signatures": ["absent"]}, "has no signature 'absent'; it has amplify, mix"),
        ({"signatures": ["mix"], "outputs": ["absent"]}, "no output 'absent'; it has output_0"),
        ({"signatures": ["mix"], "inputs": {"absent": [1, 4]}}, "no input 'absent'; it has a, b"),
        ({"signatures": ["mix"], "inputs": {"a": [1, 5]}}, "does not take inputs of these shapes"),
        ({"outputs": ["quiet"]}, "are for one signature"),
    ):
        with pytest.raises(ValueError, match=message):
            convert_here("saved_model", tmp_path, quantize="none", **options)


def test_open_rank(tf: Any, tmp_path: Path) -> None:
    function = tf.function(lambda x: x + 1.0, autograph=False).get_concrete_function(tf.TensorSpec(None, name="x"))
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures={"serving_default": function})
    with pytest.raises(ValueError, match=r"input 'x' .* has no fixed rank"):
        convert_here("saved_model", tmp_path, quantize="none")
    result = zl.convert(function, input_shapes={"x": (2, 3)})
    assert result.verification is not None
    assert result.verification.max_abs == 0


def test_operators_without_a_kernel(tf: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Determinant(tf.keras.layers.Layer):  # type: ignore[misc]
        """An operator that .tflite files have no builtin for."""

        def call(self, x: Any) -> Any:
            return tf.linalg.det(x)

    model = tf.keras.Sequential([tf.keras.Input((3, 3)), Determinant()], name="determinants")
    target = tmp_path / "determinants.tflite"
    capfd.readouterr()
    with pytest.raises(
        ConversionError, match=r"refused 'determinants' .* MatrixDeterminant: .*select_tf_ops"
    ) as refusal:
        zl.convert(model, target)
    assert "MatrixDeterminant" in refusal.value.log
    assert [one.name for one in refusal.value.unsupported] == ["MatrixDeterminant"]
    assert refusal.value.__cause__ is not None
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")

    result = zl.convert(model, target, select_tf_ops=True)
    assert "FlexMatrixDeterminant" in result.operators
    assert [one.name for one in result.unsupported] == ["FlexMatrixDeterminant"]
    assert result.verification is None
    assert result.not_verified == "zerolite has no kernel for FlexMatrixDeterminant"


def test_files_that_are_no_models(tf: Any, network: Any, tmp_path: Path) -> None:
    import h5py

    network.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["model_config"] = '{"class_name": "Gone", "config": {}}'
    network.save_weights(tmp_path / "only.weights.h5")
    network.save(tmp_path / "cut.keras")
    (tmp_path / "cut.keras").write_bytes((tmp_path / "cut.keras").read_bytes()[:2000])
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"no protocol buffer")
    for name, kind, message in (
        ("old.h5", "keras_file", r"can't read .*old\.h5' \(written by Keras 2\.4\.0; .*TF_USE_LEGACY_KERAS=1"),
        ("only.weights.h5", "keras_file", "the file holds weights only"),
        ("cut.keras", "keras_file", r"can't read .*cut\.keras'"),
        ("saved", "saved_model", "is no sound SavedModel"),
    ):
        with pytest.raises(ConversionError, match=message):
            convert_here(kind, tmp_path / name, quantize="none")
    with pytest.raises(ConversionError, match=r"can't read .*cut\.keras'") as refusal:
        zl.convert(tmp_path / "cut.keras", tmp_path / "out.tflite")
    assert isinstance(refusal.value.__cause__, Exception)
    assert "Traceback" in str(refusal.value.__cause__)
    assert not (tmp_path / "out.tflite").exists()


def test_representative_data_that_does_not_fit_a_file(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "tiny.keras")
    with pytest.raises(ValueError, match=r"sample 0 .* has shape \(1, 5\) for input 'features', which takes \(\?, 6\)"):
        zl.convert(tmp_path / "tiny.keras", quantize="int8", representative_data=SAMPLES[:, :5])
    with pytest.raises(ValueError, match=r"sample 0 .* has shape \(1, 5\) for input 'features'"):
        zl.convert(network, quantize="int8", representative_data=SAMPLES[:, :5])


def test_application_that_keras_does_not_have(tf: Any, tmp_path: Path) -> None:
    application = {"name": "MobileNet2", "weights": "none", "image_size": None}
    with pytest.raises(ValueError, match=r"Keras has no application 'MobileNet2'; it has .*MobileNetV2"):
        convert_here("application", tmp_path / "MobileNet2", quantize="none", application=application)


def test_network_that_does_not_know_its_inputs(tf: Any) -> None:
    with pytest.raises(ConversionError, match="'unbuilt' can't be written as a SavedModel"):
        zl.convert(tf.keras.Sequential([tf.keras.layers.Dense(3)], name="unbuilt"))


def test_a_model_with_variables_is_verified_sample_by_sample(tf: Any, tmp_path: Path) -> None:
    module = tf.Module()
    module.total = tf.Variable([1.0, 2.0])
    add = tf.function(lambda x: {"total": module.total.assign_add(x)}, autograph=False)
    signature = add.get_concrete_function(tf.TensorSpec([2], tf.float32, "x"))
    tf.saved_model.save(module, str(tmp_path / "sum"), signatures={"serving_default": signature})
    samples = [(np.full(2, value, np.float32),) for value in range(5)]
    result = zl.convert(tmp_path / "sum", tmp_path / "sum.tflite", representative_data=samples)
    assert result.verification is not None
    assert result.verification.samples == 5
    assert result.verification.max_abs == 0
    with zl.load(tmp_path / "sum.tflite") as model:
        np.testing.assert_array_equal(model.map(np.ones(4, np.float32)), [2, 3, 2, 3])
