"""Every level of verification goes with every delegate, for `load` and for `Pool`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of
from tests.support.sample_libraries import SampleDelegate, SampleNpu

MODEL = zoo.model_path("small_mobilenet")
LEVELS = ["structure", "full", "isolated"]
NO_DRIVER = {"VK_ICD_FILENAMES": os.devnull, "VK_DRIVER_FILES": os.devnull}

# In a process of its own, since a process starts one dispatch library: which operators ran where, and what went unused.
# A pool does not tell that, but its answers can be compared.
LOAD = """
import json, sys
import numpy as np
import zerolite as zl

path, level, listed = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
delegates = [getattr(zl, name)(**arguments) for name, arguments in listed]
with zl.load(path) as plain:
    image = np.random.default_rng(0).normal(size=plain.inputs[0].shape).astype(np.float32)
    expected = plain(image)
with zl.load(path, delegates=delegates, verify=level) as model:
    np.testing.assert_allclose(model(image), expected, atol=3e-2)
    found = {"places": sorted(model.delegation.operators), "unused": dict(model.delegation.unused)}
with zl.Pool(path, workers=2, delegates=delegates, verify=level) as pool:
    np.testing.assert_allclose(pool.map(image), expected, atol=3e-2)
print(json.dumps(found))
"""


def loaded(level: str, folder: Path, *delegates: tuple[str, dict[str, Any]], **environment: str) -> dict[str, Any]:
    """What the process found, after its trial (if there was one) has left a verdict that is none of death."""
    cache = folder / "cache"
    environment["XDG_CACHE_HOME"] = str(cache)
    answer: dict[str, Any] = json.loads(
        answer_of(LOAD, str(MODEL), level, json.dumps(delegates, default=str), environment=environment)
    )
    deaths = [json.loads(verdict.read_text())["death"] for verdict in cache.glob("zerolite/verdicts/*.json")]
    assert deaths == ([""] if level == "isolated" else [])
    return answer


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"threads": 2, "flags": {"force_fp16": True, "qs8": False}},
        {"weight_cache": "weights", "flags": {"slow_consistent_arithmetic": True}},
        {"kernels": "builtin"},
    ],
    ids=lambda arguments: "-".join(arguments) or "defaults",
)
def test_xnnpack(arguments: dict[str, Any], level: str, tmp_path: Path) -> None:
    if "weight_cache" in arguments:
        arguments = {**arguments, "weight_cache": str(tmp_path / arguments["weight_cache"])}
    found = loaded(level, tmp_path, ("XNNPack", arguments))
    assert found["unused"] == {}
    assert found["places"] == (["builtin"] if arguments.get("kernels") == "builtin" else ["XNNPACK"])


@pytest.mark.parametrize("level", LEVELS)
def test_external_delegate(level: str, sample_delegate: SampleDelegate, tmp_path: Path) -> None:
    delegate = ("ExternalDelegate", {"library": sample_delegate.path, "options": {"operators": "ADD"}})
    found = loaded(level, tmp_path, delegate, ("XNNPack", {"flags": {"qu8": False}}))
    assert found == {"places": ["SampleDelegate", "XNNPACK"], "unused": {}}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["npu", "npü", os.fsdecode(b"npu\xff")], ids=["plain", "umlaut", "no text"])
def test_npu(level: str, name: str, sample_npu: SampleNpu, tmp_path: Path) -> None:
    arguments = {
        "vendor": "sample",
        "dispatch_dir": sample_npu.dispatch_dir,
        "compiler_dir": sample_npu.compiler_dir,
        "options": {"speed": 3, "mode": "a b", "eager": True, "ratio": 0.5},
        "cache": tmp_path / name,
    }
    record = tmp_path / "record"
    found = loaded(level, tmp_path, ("Npu", arguments), SAMPLE_NPU_RECORD=str(record))
    # The plug-in knows no operator, so all of them are left to the CPU.
    assert found == {"places": ["XNNPACK"], "unused": {}}
    payload = 'speed = 3\nmode = "a b"\neager = true\nratio = 0.5\n'
    # In the trial as in this process.
    assert record.read_text().count(f"[dispatch]\n{payload}") == (2 if level == "isolated" else 1)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("arguments", [{}, {"precision": "fp16", "priority": "low", "device": "none of this name"}])
def test_gpu_where_there_is_none(arguments: dict[str, Any], level: str, tmp_path: Path) -> None:
    arguments = {**arguments, "cache": tmp_path / "programs"}
    found = loaded(level, tmp_path, ("Gpu", arguments), **NO_DRIVER)
    assert found["places"] == ["XNNPACK"]
    assert set(found["unused"]) == {"GPU"}


@pytest.mark.parametrize("level", LEVELS)
def test_gpu(level: str, vulkan: str, tmp_path: Path) -> None:
    arguments = {"precision": "fp32", "wait_type": "active", "cache": tmp_path / "programs"}
    found = loaded(level, tmp_path, ("Gpu", arguments), VK_ICD_FILENAMES=vulkan)
    assert found == {"places": ["GPU"], "unused": {}}


@pytest.mark.parametrize("level", LEVELS)
def test_all_at_once(level: str, sample_npu: SampleNpu, sample_delegate: SampleDelegate, tmp_path: Path) -> None:
    found = loaded(
        level,
        tmp_path,
        ("Npu", {"vendor": "sample", "dispatch_dir": sample_npu.dispatch_dir}),
        ("Gpu", {"storage": "buffer"}),
        ("XNNPack", {"threads": 2}),
        ("ExternalDelegate", {"library": sample_delegate.path}),
        **NO_DRIVER,
    )
    assert "XNNPACK" in found["places"]
    assert "GPU" in found["unused"]
