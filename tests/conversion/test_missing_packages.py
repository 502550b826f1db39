"""Sources whose packages are not installed, and files that only look like sources."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zerolite as zl


def test_without_litert_torch_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Callable[[str], Any] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "litert_torch" else found(name))
    file = tmp_path / "network.pt2"
    file.write_bytes(b"whatever")
    with pytest.raises(ImportError, match=r"needs litert-torch; install it with: pip install 'zerolite\[torch\]'"):
        zl.convert(file)


def test_what_onnx_files_need_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "network.onnx"
    file.write_bytes(b"whatever")
    found: Callable[[str], Any] = importlib.util.find_spec
    there = {"onnx": found("json"), "onnxruntime": None}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: there[name] if name in there else found(name))
    with pytest.raises(ImportError, match=r"needs onnx and ONNX Runtime; .* pip install 'zerolite\[onnx\]'"):
        zl.convert(file)
    monkeypatch.setenv("ZEROLITE_ONNX2TF", str(tmp_path / "absent"))
    with pytest.raises(ImportError, match=r"zerolite\[onnx\]'; and it needs the command onnx2tf, .*'uv tool install"):
        zl.convert(file)
    there["onnxruntime"] = there["onnx"]
    with pytest.raises(ImportError, match=r"needs the command onnx2tf, .*'uv tool install onnx2tf'"):
        zl.convert(file)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "last.ckpt"])
def test_files_of_weights_are_told_from_programs(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"whatever")
    with pytest.raises(TypeError, match=r"holds weights or code, .* sample_inputs, .* torch\.export\.save"):
        zl.convert(tmp_path / name)


def test_samples_are_for_modules_only() -> None:
    file = Path(__file__).parents[1] / "models" / "dense_2layer.tflite"
    with pytest.raises(ValueError, match="sample_inputs are for a PyTorch module"):
        zl.convert(file, quantize="dynamic", sample_inputs=1)
