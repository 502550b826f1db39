"""Conversion: what is refused before any work, and before TensorFlow is looked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zerolite.conversion import KerasApplication, OutputDifference, Verification, convert

SAMPLES = np.random.default_rng(11).uniform(-1, 1, (64, 6)).astype(np.float32)


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
            "quantize must be one of none, fp16, dynamic, dynamic-int4, int8, int8-float-io, int16x8, "
            "weight-only-int8, weight-only-int4; came 'int4'",
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
        ({"preprocessing": "mobilenet_v2"}, "preprocessing goes with representative_data that is a folder of images"),
        ({"on_corrupt": "ignore"}, "on_corrupt must be 'raise' or 'skip'; came 'ignore'"),
    ],
)
def test_options_that_contradict(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert(KerasLike(), **options)


def test_one_name_is_no_list() -> None:
    with pytest.raises(TypeError, match=r"signatures must be a list .*\['serve'\]"):
        convert(KerasLike(), signatures="serve")
    with pytest.raises(TypeError, match=r"outputs must be a list .*\['scores'\]"):
        convert(KerasLike(), outputs="scores")


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="can't convert a list"):
        convert([])
    with pytest.raises(FileNotFoundError, match=r"no model at .*absent"):
        convert(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="no SavedModel"):
        convert(tmp_path)
    (tmp_path / "model.mlir").write_bytes(b"")
    with pytest.raises(TypeError, match=r"can't convert .*model\.mlir"):
        convert(tmp_path / "model.mlir")


def test_targets_are_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent does not exist"):
        convert(KerasLike(), tmp_path / "absent" / "model.tflite")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        convert(KerasLike(), tmp_path)


def test_missing_tensorflow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"zerolite\[convert\]"):
        convert(KerasLike())


def test_function_without_a_graph_is_none() -> None:
    class Function:
        def get_concrete_function(self) -> None: ...

    with pytest.raises(TypeError, match="give one of its graphs"):
        convert(Function())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Mobile Net"}, "no name of a Keras application"),
        ({"name": "MobileNetV2", "weights": "noise"}, "weights must be 'imagenet' or 'none'"),
        ({"name": "MobileNetV2", "image_size": 0}, "image_size must be at least 1"),
    ],
)
def test_applications_that_are_none(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KerasApplication(**options)


def test_verification_survives_json() -> None:
    outputs = {"scores": OutputDifference(0.5, 0.25, 0.75), "boxes": OutputDifference(float("inf"), float("inf"))}
    verification = Verification(3, "random", {"serving_default": outputs})
    document = verification.to_dict()
    assert document["signatures"]["serving_default"]["boxes"]["max_abs"] is None
    assert Verification.from_dict(document) == verification
    assert verification.max_abs == float("inf")
    assert verification.top1_agreement == 0.75


def test_importing_convert_does_not_import_tensorflow() -> None:
    program = "import sys, zerolite.conversion, zerolite.evaluation; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
