"""Settings of delegates on their way to the native core and to other processes."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

import zerolite as zl
from zerolite import _native
from zerolite.delegates.choice import DelegateChoice

NO_TEXT = os.fsdecode(b"n\xff")

NATIVE = [
    _native.CpuSettings(),
    _native.CpuSettings(threads=3, kernels="builtin"),
    _native.CpuSettings(weights="dequantized"),
    _native.CpuSettings(weight_cache=b"n\xff", weight_cache_file=NO_TEXT, flags=["qs8", "force_fp16"]),
    _native.CpuSettings(flags=[]),
    _native.ExternalSettings(library="library.so"),
    _native.ExternalSettings(library=b"n\xff", options={"b": "1", "a": "2", "": "ü"}),
    _native.GpuSettings(library="gpu.so"),
    _native.GpuSettings(
        library="gpu.so",
        precision="fp16_fp32_accumulation",
        storage="buffer",
        priority="low",
        wait_type="active",
        device="one",
        cache=NO_TEXT,
    ),
    _native.NpuSettings(dispatch_library="npu.so", vendor="sample"),
    _native.NpuSettings(
        dispatch_library=NO_TEXT,
        compiler_library="compiler.so",
        vendor="sample",
        options={"z": True, "a": 3, "b": 0.5, "c": "text", "d": False, "e": -1},
        cache="folder",
    ),
]


@pytest.mark.parametrize("settings", NATIVE, ids=lambda settings: type(settings).__name__)
def test_native_settings_are_made_of_their_arguments(settings: Any) -> None:
    arguments = json.loads(json.dumps(settings.arguments))
    again = type(settings)(**arguments).arguments
    assert again == settings.arguments
    # Options keep their order, and a bool is no number.
    assert repr(again) == repr(settings.arguments)


@pytest.mark.parametrize("name", ["precision", "storage", "priority", "wait_type"])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is 'none', and must be one of '"):
        _native.GpuSettings(library="gpu.so", **{name: "none"})  # type: ignore[arg-type]


def test_kernels_weights_and_flags_are_checked() -> None:
    with pytest.raises(ValueError, match="weights is 'none', and must be one of 'stored', 'dequantized'"):
        _native.CpuSettings(weights="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kernels is 'none', and must be one of 'delegate', 'builtin', 'reference'"):
        _native.CpuSettings(kernels="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no XNNPACK flag 'fp16'"):
        _native.CompiledModel(content=b"", cpu=_native.CpuSettings(flags=["fp16"]))


def test_paths_are_paths() -> None:
    with pytest.raises(TypeError):
        _native.ExternalSettings(library=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="null"):
        _native.CpuSettings(weight_cache="a\0b")


CHOICES = [
    DelegateChoice(None, threads=None),
    DelegateChoice(zl.XNNPack(weight_cache="file", weights="dequantized", flags={"qs8": False}), threads=4),
    DelegateChoice([zl.Gpu(precision="fp16", cache="folder", device="one")], threads=None, fallback=False),
    DelegateChoice(
        [
            zl.Npu(vendor="intel_openvino", options={"performance_mode": 1}, cache="folder"),
            zl.ExternalDelegate("first.so", {"b": "1", "a": "2"}),
            zl.XNNPack(threads=2, kernels="delegate"),
            zl.Gpu(),
            zl.ExternalDelegate(NO_TEXT),
        ],
        threads=None,
    ),
]


@pytest.mark.parametrize("choice", CHOICES, ids=range(len(CHOICES)))
def test_choice_survives_as_text(choice: DelegateChoice) -> None:
    again = DelegateChoice.from_json(choice.to_json())
    assert repr(again.delegates) == repr(choice.delegates)
    assert (len(again.before), again.fallback) == (len(choice.before), choice.fallback)
    assert again.to_json() == choice.to_json()


def test_delegates_of_others_are_no_text() -> None:
    class Gpu(zl.Gpu):
        pass

    with pytest.raises(TypeError, match="can't be sent to a fresh process"):
        DelegateChoice(Gpu(), threads=None).to_json()
