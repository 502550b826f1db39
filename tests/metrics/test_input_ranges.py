"""Data that a quantized input can't hold is counted, shown, and warned about where it is much."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as ai_edge_litert

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.support import model_zoo
from zerolite.cli import main
from zerolite.comparison import compare
from zerolite.conversion.result import Verification
from zerolite.evaluation import evaluate

RNG = np.random.default_rng(3)
UNIT = RNG.random((200, 4)).astype(np.float32)
LABELS = UNIT.argmax(axis=1)


def quantized(path: Path, *, real_input: bool = False, scale: float = 1 / 255, zero_point: int = -128) -> Path:
    """A model that hands on its input, which it stores as int8: of 0 to 1, if nothing else is said."""
    builder = GraphBuilder()
    stored = builder.tensor("stored", (1, 4), "int8", quantized=quantization([scale], [zero_point]))
    source = stored
    if real_input:
        source = builder.tensor("x", (1, 4))
        builder.operator(Op.QUANTIZE, [source], [stored])
    target = builder.tensor("y", (1, 4))
    builder.operator(Op.DEQUANTIZE, [stored], [target])
    builder.interface([source], [target])
    builder.signature("serving_default", {"x": source}, {"y": target})
    path.write_bytes(builder.finish())
    return path


@contextmanager
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("real_input", [False, True])
def test_data_of_another_scaling(real_input: bool, tmp_path: Path) -> None:
    path = quantized(tmp_path / "m.tflite", real_input=real_input)
    counts = np.rint(UNIT * 255)
    outside, items = float((counts > 1).mean()), int((counts > 1).any(axis=1).sum())
    message = (
        rf"{outside:.1%} of the values of the input 'x' lie outside of 0 to 1, all that its int8 can hold, and saturate"
        rf": they go from {counts.min():.4g} to {counts.max():.4g}, in {items} of {len(counts)} items; scale the data "
        "as the representative data was"
    )
    with zl.load(path) as loaded, zl.load(path.read_bytes()) as in_memory, zl.Pool(path, workers=2) as pool:
        interpreters = zl.Interpreter(str(path)), ai_edge_litert.Interpreter(str(path))
        for model in (path, path.read_bytes(), loaded, in_memory, pool, *interpreters):
            with pytest.warns(UserWarning, match=message) as told:
                result = evaluate(model, counts, LABELS, rounds=2, warmup=3)
            assert told[0].filename == __file__
            assert result.saturated == pytest.approx(outside)
            found = result.input_ranges["x"]
            assert (found.dtype, found.low, found.least) == ("int8", 0, counts.min())
            assert (found.saturated_items, found.items) == (items, len(counts))
            assert found.high == pytest.approx(1)
            assert result.to_dict()["input_ranges"]["x"]["saturated"] == pytest.approx(outside)
            assert result.to_dict()["input_ranges"]["x"]["saturated_items"] == items
            # The advice works.
            with no_warning():
                right = evaluate(model, counts / 255, LABELS)
            assert (right.saturated, right.accuracy > 0.98 > result.accuracy) == (0, True)


def test_what_is_hardly_outside_is_counted_in_silence(tmp_path: Path) -> None:
    path = quantized(tmp_path / "m.tflite")
    data = UNIT.copy()
    data[:, 0] = 1.02  # white, where calibration has seen almost white
    data[0, 1] = 300  # and an outlier
    data[1, 2] = 1 + 0.49 / 255  # is rounded to 1
    with no_warning():
        result = evaluate(path, data, LABELS)
    assert result.saturated == pytest.approx(201 / 800)
    assert result.input_ranges["x"].most == 300


def test_data_of_a_few_steps(tmp_path: Path) -> None:
    path = quantized(tmp_path / "m.tflite", scale=1)
    with pytest.warns(UserWarning, match=r"of the input 'x' go from .*, and its int8 holds 0 to 255 in steps of 1, so"):
        result = evaluate(path, UNIT, LABELS)
    assert result.saturated == 0
    with no_warning():
        evaluate(path, UNIT * 255, LABELS)
        evaluate(path, np.zeros_like(UNIT), LABELS)


def test_integers_for_real_inputs_are_numbers_like_others(tmp_path: Path) -> None:
    path = quantized(tmp_path / "m.tflite", real_input=True)
    counts = np.rint(UNIT * 255).astype(np.uint8)
    with pytest.warns(UserWarning, match="of the input 'x' lie outside of 0 to 1"):
        assert evaluate(path, counts).saturated == pytest.approx(float((counts > 1).mean()))


def test_integers_and_real_inputs_hold_what_comes(tmp_path: Path) -> None:
    path = quantized(tmp_path / "m.tflite")
    result = evaluate(path, np.zeros((5, 4), np.int8))
    assert (result.input_ranges, result.saturated) == ({}, 0)
    images = 300 * RNG.random((5, 28, 28, 1)).astype(np.float32)
    with no_warning():
        assert evaluate(model_zoo.model_path("small_cnn"), images).input_ranges == {}


def test_scales_of_their_own() -> None:
    path = model_zoo.model_path("per_channel_input")  # scales 0.1, 0.01 and 2; zero points 0, 4 and -3
    rows = np.tile(np.array([12.7, -1.32, 260], np.float32), (10, 1))
    with no_warning():
        assert evaluate(path, rows).saturated == 0
    rows[:3] = [12.8, -1.4, 300]
    with pytest.warns(UserWarning, match=r"30.0% of the values of the input 'x'"):
        assert evaluate(path, rows).saturated == pytest.approx(0.3)
    rows[:] = [9, 0.5, 9]
    rows[0] = [12.7, 1.26, 9]
    with no_warning():
        assert evaluate(path, rows).saturated == pytest.approx(1 / 30)
    rows[0] = [12.7, 2, 9]
    with pytest.warns(UserWarning, match=r"3.3% .* lie outside of what the scale of their channel holds as int8, and"):
        evaluate(path, rows)


def test_comparisons_show_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = {"a": quantized(tmp_path / "a.tflite"), "b": quantized(tmp_path / "b.tflite", scale=1, real_input=True)}
    counts = np.rint(UNIT * 255)
    with pytest.warns(
        UserWarning, match="of the values of the input 'x' of a in (zerolite|ai_edge_litert) lie"
    ) as told:
        comparison = compare(models, counts, LABELS, runtimes=("zerolite", "ai_edge_litert"), rounds=2)
    assert len([one for one in told if "saturate" in str(one.message)]) == 2
    outside = float((counts > 1).mean())
    for row in comparison.rows:
        assert row.result.saturated == pytest.approx(outside if row.model == "a" else 0)
    assert f"| {outside:.2%} |" in comparison.to_markdown()
    assert "| 0.00% |" in comparison.to_markdown()
    comparison.to_html()
    json.dumps(comparison.to_dict(), allow_nan=False)
    np.savez(tmp_path / "data.npz", x=counts, y=LABELS)
    with pytest.warns(UserWarning, match="saturate"):
        assert main(["evaluate", str(models["a"]), str(tmp_path / "data.npz")]) == 0
    told_here = capsys.readouterr().out
    assert "saturated of x" in told_here
    assert f"{outside:.2%}" in told_here


def test_images_of_another_scaling(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image", reason="images need the extra vision")
    builder = GraphBuilder()
    source = builder.tensor("x", (1, 1, 1, 3), "int8", quantized=quantization([1 / 255], [-128]))
    row = builder.tensor("row", (1, 3), "int8", quantized=quantization([1 / 255], [-128]))
    target = builder.tensor("y", (1, 3))
    builder.operator(Op.RESHAPE, [source, builder.constant("shape", np.array([1, 3], np.int32))], [row])
    builder.operator(Op.DEQUANTIZE, [row], [target])
    builder.interface([source], [target])
    (tmp_path / "m.tflite").write_bytes(builder.finish())
    for name, color in (("a", (220, 10, 10)), ("b", (10, 220, 10)), ("c", (10, 10, 220))):
        (tmp_path / "images" / name).mkdir(parents=True)
        image_module.new("RGB", (1, 1), color).save(tmp_path / "images" / name / "0.png")
    with pytest.warns(UserWarning, match=r"100.0% of the values .* they go from 10 to 220"):
        assert evaluate(tmp_path / "m.tflite", tmp_path / "images", preprocessing="none").accuracy < 0.5
    with no_warning():
        for preprocessing in ("unit", None):
            assert evaluate(tmp_path / "m.tflite", tmp_path / "images", preprocessing=preprocessing).accuracy == 1


@pytest.mark.parametrize("quantize", ["int8", "int8-float-io"])
def test_conversions_tell_what_inputs_hold(quantize: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    rows = 4 * RNG.random((12, 64)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    with no_warning():
        result = zl.convert(model_zoo.model_path("dense_2layer"), quantize=quantize, representative_data=rows)
    assert result.verification is not None
    ((name, found),) = next(iter(result.verification.inputs.values())).items()
    assert (found.dtype, found.saturated) == ("int8", 0)
    assert found.high == pytest.approx(4, rel=0.05)
    assert Verification.from_dict(result.verification.to_dict()) == result.verification
    assert evaluate(result.content, rows).input_ranges[name].high == found.high
    source, out = str(model_zoo.model_path("dense_2layer")), str(tmp_path / "out.tflite")
    told = ["--representative-data", str(tmp_path / "rows.npy"), "--quantize", quantize, "--out", out]
    assert main(["convert", source, *told]) == 0
    assert (
        f"{name} holds 0 to {found.high:.4g} as int8, 0.00% of the values saturate, in 0 of 12 items."
        in capsys.readouterr().out
    )
