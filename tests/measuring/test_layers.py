"""`zl.compare_layers` and `zerolite layers`: the errors are those of the reference interpreter's tensors."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from hypothesis import given, settings
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import Array
from zerolite._instrumentation import TracedTensor
from zerolite.cli import main
from zerolite.layers import LayerComparison
from zerolite.layers.layer_error import ErrorSum
from zerolite.layers.plot import short_name

FLOAT = zoo.model_path("small_cnn")
INT8 = zoo.model_path("small_cnn_int8")
RATIO_OF_ROUNDING = 1 / math.sqrt(12)


@pytest.fixture(scope="module")
def items() -> Array:
    with zl.load(FLOAT) as model:
        values: Array = np.random.default_rng(0).uniform(0, 1, (5, *model.inputs[0].shape[1:])).astype(np.float32)
    return values


@pytest.fixture(scope="module")
def comparison(items: Array) -> LayerComparison:
    return zl.compare_layers(FLOAT, INT8, items)


def reference_tensors(path: Path, item: Array) -> dict[str, Array]:
    """The real values of every tensor that the reference computes, by name."""
    interpreter = litert.Interpreter(
        model_path=str(path),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (source,) = interpreter.get_input_details()
    scale, zero_point = source["quantization"]
    if scale:
        item = np.clip(np.rint(item / np.float64(scale)) + zero_point, -128, 127).astype(np.int8)
    interpreter.set_tensor(source["index"], item)
    interpreter.invoke()
    computed = {index for operator in interpreter._get_ops_details() for index in operator["outputs"].tolist()}
    tensors = {}
    for details in interpreter.get_tensor_details():
        if details["index"] in computed and details["dtype"] in (np.float32, np.int8):
            scale, zero_point = details["quantization"]
            stored = interpreter.get_tensor(details["index"])
            tensors[details["name"]] = (stored.astype(np.float64) - zero_point) * scale if scale else stored
    return tensors


def test_errors_are_those_of_the_reference(items: Array, comparison: LayerComparison) -> None:
    exact = [reference_tensors(FLOAT, item[None]) for item in items]
    other = [reference_tensors(INT8, item[None]) for item in items]
    assert comparison.items == len(items)
    assert {layer.name for layer in comparison.layers} == set(exact[0]) & set(other[0])
    assert len(comparison.layers) == 6
    for layer in comparison.layers:
        errors = np.concatenate(
            [theirs[layer.name] - right[layer.name] for theirs, right in zip(other, exact, strict=True)]
        )
        assert layer.elements == other[0][layer.name].size
        assert layer.mean_error == pytest.approx(errors.mean(), rel=1e-4, abs=1e-8)
        assert layer.standard_deviation == pytest.approx(errors.std(), rel=1e-4)
        assert layer.max_abs_error == pytest.approx(np.abs(errors).max(), rel=1e-4)
        assert layer.mean_squared_error == pytest.approx(np.square(errors).mean(), rel=1e-4)
        values = np.concatenate([right[layer.name] for right in exact])
        relative = math.sqrt(np.square(errors).mean()) / math.sqrt(np.square(values).mean())
        assert layer.relative_error == pytest.approx(relative, rel=1e-4)


def test_what_the_quantized_model_is_like(comparison: LayerComparison) -> None:
    for layer in comparison.layers:
        assert layer.dtype == "int8"
        assert layer.scale is not None
        assert layer.zero_point is not None
        assert layer.rmse_per_scale == pytest.approx(layer.rmse / layer.scale)
    first = comparison.layers[0]
    assert first.operator == "CONV_2D"
    assert first.rmse_per_scale == pytest.approx(RATIO_OF_ROUNDING, rel=0.5)
    assert comparison.only_float == comparison.only_quantized == ()
    worst = comparison.worst(2)
    assert len(worst) == 2
    assert worst[0].relative_error == max(layer.relative_error or 0 for layer in comparison.layers)


def test_the_same_model_has_no_errors(items: Array) -> None:
    comparison = zl.compare_layers(FLOAT, FLOAT.read_bytes(), items[:2])
    assert len(comparison.layers) == 6
    assert all(layer.max_abs_error == 0 and layer.relative_error == 0 for layer in comparison.layers)
    assert all(layer.scale is None and layer.rmse_per_scale is None for layer in comparison.layers)


def test_float_inputs_and_loaded_models(items: Array) -> None:
    with (
        zl.load(FLOAT) as exact,
        zl.load(zoo.model_path("small_cnn_int8_float_io")) as other,
        zl.load(zoo.model_path("small_cnn_dynamic_range")) as dynamic,
    ):
        by_file = zl.compare_layers(FLOAT, zoo.model_path("small_cnn_int8_float_io"), items)
        loaded = zl.compare_layers(exact, other.signatures["serving_default"], items)
        assert loaded.layers == by_file.layers
        ranges = zl.compare_layers(exact, dynamic, items)
        assert {layer.dtype for layer in ranges.layers} == {"float32"}
        exact.run()


def test_data_in_files(items: Array, tmp_path: Path, comparison: LayerComparison) -> None:
    np.save(tmp_path / "items.npy", items)
    np.savez(tmp_path / "items.npz", x=items, labels=np.arange(len(items)))
    assert zl.compare_layers(FLOAT, INT8, tmp_path / "items.npy").layers == comparison.layers
    assert zl.compare_layers(FLOAT, INT8, tmp_path / "items.npz").layers == comparison.layers


def test_models_that_have_nothing_in_common() -> None:
    chains = zoo.model_path("dynamic_after_dense"), zoo.model_path("builtin_chain")
    with zl.load(chains[0]) as model:
        ones = np.ones((1, *model.inputs[0].shape[1:]), np.float32)
    with pytest.raises(ValueError, match=r"nothing to compare: the first computes .*, and the second 'step_0'"):
        zl.compare_layers(*chains, ones)


def test_what_is_refused(items: Array) -> None:
    with pytest.raises(ValueError, match="has no signature 'nothing'; it has 'serving_default'"):
        zl.compare_layers(FLOAT, INT8, items, signature="nothing")
    with pytest.raises(ValueError, match="takes items of shape"):
        zl.compare_layers(FLOAT, INT8, items[:, :3])
    with zl.load(FLOAT) as model:
        model.resize({model.inputs[0].name: (2, *items.shape[1:])})
        with pytest.raises(ValueError, match="item by item"):
            zl.compare_layers(model, INT8, items)
    with pytest.raises(FileNotFoundError):
        zl.compare_layers(FLOAT, "nowhere.tflite", items)


@given(values=st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4), min_size=2, max_size=6))
@settings(max_examples=100)
def test_sums_are_the_figures_of_all_elements(values: list[list[float]]) -> None:
    array = np.array(values, np.float32)
    half = len(array) // 2
    sums = ErrorSum(
        TracedTensor(name="t", operator="ADD", subgraph=0, index=0, values=array[0], quantization=None, times=1)
    )
    expected = np.roll(array, 1)
    for item, right in ((array[:half], expected[:half]), (array[half:], expected[half:])):
        sums.add(item, right)
    layer = sums.layer()
    errors = array.astype(np.float64) - expected
    assert layer.mean_error == pytest.approx(errors.mean(), abs=1e-9)
    assert layer.mean_squared_error == pytest.approx(np.square(errors).mean())
    assert layer.standard_deviation == pytest.approx(errors.std(), rel=1e-6, abs=1e-4)
    assert layer.max_abs_error == np.abs(errors).max()


def test_values_that_are_no_numbers_are_no_layers() -> None:
    tensor = TracedTensor(name="t", operator="ADD", subgraph=0, index=0, values=np.zeros(1), quantization=None, times=1)
    sums = ErrorSum(tensor)
    assert not sums.is_finite
    sums.add(np.array([1.0]), np.array([np.inf]))
    assert not sums.is_finite


def test_names_that_fit() -> None:
    assert short_name("a/b;c/d") == "a/b"
    assert short_name("x" * 80) == "..." + "x" * 41


def test_documents(comparison: LayerComparison) -> None:
    document = json.loads(comparison.to_json())
    assert [layer["name"] for layer in document["layers"]] == [layer.name for layer in comparison.layers]
    lines = list(csv.DictReader(io.StringIO(comparison.to_csv())))
    assert [float(line["rmse"]) for line in lines] == pytest.approx([layer.rmse for layer in comparison.layers])


def test_plots(comparison: LayerComparison, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    comparison.save_plot(tmp_path / "layers.svg")
    picture = (tmp_path / "layers.svg").read_text()
    assert picture.count("<path") > len(comparison.layers)
    assert comparison.plot(image_format="png").startswith(b"\x89PNG")
    assert comparison.plot(image_format="pdf").startswith(b"%PDF")
    assert comparison.plot() == comparison.plot(), "the same numbers give the same bytes"
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf"):
        comparison.plot(image_format="bmp")
    with pytest.raises(ValueError, match="a plot's name ends in"):
        comparison.save_plot(tmp_path / "layers.txt")


# The command


def tell(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    pytest.importorskip("rich", reason="needs the extra cli")
    code = main(["layers", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command(items: Array, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "items.npy", items)
    code, out, err = tell(capsys, FLOAT, INT8, "--data", tmp_path / "items.npy")
    assert (code, err) == (0, "")
    assert "MAX_POOL_2D" in out
    assert "6 layers over 5 items" in out
    code, out, _ = tell(capsys, FLOAT, INT8, "--data", tmp_path / "items.npy", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["items"] == 5
    assert document["plot"] is None
    code, out, _ = tell(capsys, FLOAT, INT8, "--data", tmp_path / "items.npy", "--csv")
    assert code == 0
    assert len(list(csv.DictReader(io.StringIO(out)))) == 6


def test_the_command_draws(items: Array, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    np.save(tmp_path / "items.npy", items)
    code, out, _ = tell(capsys, FLOAT, INT8, "--data", tmp_path / "items.npy", "--plot", tmp_path / "layers.svg")
    assert code == 0
    assert out.endswith("layers.svg written.\n")
    assert "<svg" in (tmp_path / "layers.svg").read_text()


@pytest.mark.parametrize("arguments", [["--json", "--csv"], ["--resampling", "nothing"], ["--data", "nowhere"]])
def test_wrong_use(arguments: list[str], items: Array, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "items.npy", items)
    assert tell(capsys, FLOAT, INT8, "--data", tmp_path / "items.npy", *arguments)[0] == 2


def test_failures_are_one_line(items: Array, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "items.npy", items)
    for arguments in (["--plot", "layers.txt"], ["--signature", "nothing"]):
        code, _, err = tell(capsys, FLOAT, INT8, "--data", tmp_path / "items.npy", *arguments)
        assert code == 1
        assert err.startswith("zerolite: ")
        assert err.count("\n") == 1
