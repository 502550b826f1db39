"""NPUs: what reaches a vendor's libraries, models that were compiled before, and what happens where there is no NPU."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of
from tests.support.sample_libraries import SampleNpu

MOBILENET = zoo.model_path("small_mobilenet")
SMALL = zoo.model_path("two_inputs_three_outputs")

# A process starts one dispatch library, so what starts one has a process of its own: the settings are a list of keyword
# arguments, one model is loaded with each, and its results are compared with the CPU's.
LOAD = """
import json, sys
import numpy as np
import zerolite as zl

path, settings, fallback = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "fallback"
with zl.load(path) as plain:
    values = {n: np.random.default_rng(0).normal(size=t.shape).astype(t.dtype) for n, t in plain.inputs.items()}
    expected = plain(values)
    answers = []
    for keywords in settings:
        try:
            with zl.load(path, delegates=zl.Npu(**keywords), fallback=fallback) as model:
                answer = model(values)
                if not isinstance(answer, dict):
                    answer, expected = {"": answer}, expected if isinstance(expected, dict) else {"": expected}
                with np.errstate(invalid="ignore"):
                    worst = max(float(np.abs(answer[name] - expected[name]).max()) for name in answer)
                kinds = {place: dict(kinds) for place, kinds in model.delegation.operators.items()}
                answers.append({
                    "worst": worst, "operators": kinds, "unused": dict(model.delegation.unused),
                    "dispatch": str(model.dispatch), "reason": model.dispatch.reason, "repr": repr(model.delegation)
                })
        except zl.DelegateError as error:
            answers.append({"error": str(error)})
print(json.dumps(answers))
"""


def loaded(
    path: Path, *settings: dict[str, Any], fallback: bool = True, environment: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    mode = "fallback" if fallback else "alone"
    answers: list[dict[str, Any]] = json.loads(
        answer_of(LOAD, str(path), json.dumps(settings, default=str), mode, environment=environment)
    )
    return answers


def sample(npu: SampleNpu, **options: Any) -> dict[str, Any]:
    return {
        "vendor": "sample",
        "dispatch_dir": npu.dispatch_dir,
        "compiler_dir": npu.compiler_dir,
        "options": options,
    }


# What reaches the libraries


def test_options_reach_both_libraries(sample_npu: SampleNpu, tmp_path: Path) -> None:
    record = tmp_path / "record"
    settings = sample(sample_npu, **{"speed": 3, "clock.mode": "a b", "eager": True, "ratio": 0.5})
    [answer] = loaded(MOBILENET, settings, environment={"SAMPLE_NPU_RECORD": str(record)})
    payload = 'speed = 3\nclock.mode = "a b"\neager = true\nratio = 0.5\n'
    assert record.read_text() == f"[compiler]\n{payload}[dispatch]\n{payload}"
    # The plug-in knows no operator, so all of them are left to the CPU.
    assert answer["unused"] == {}
    assert answer["worst"] == 0
    assert set(answer["operators"]) == {"XNNPACK"}


def test_a_compiler_that_fails(sample_npu: SampleNpu) -> None:
    settings = sample(sample_npu, fail="compiler")
    [answer] = loaded(MOBILENET, settings)
    assert "libLiteRtCompilerPlugin_Sample.so compiled nothing: " in answer["unused"]["NPU"]
    assert "Sample compiler plugin" in answer["unused"]["NPU"]
    assert answer["worst"] == 0
    [answer] = loaded(MOBILENET, settings, fallback=False)
    assert answer["error"].startswith(str(MOBILENET))
    assert "fallback=False" in answer["error"]


def test_a_dispatch_library_that_does_not_start(sample_npu: SampleNpu) -> None:
    failing, working, other = (sample(sample_npu, **options) for options in ({"fail": "dispatch"}, {"x": 1}, {"x": 2}))
    first, second, third, fourth = loaded(MOBILENET, failing, working, other, working)
    assert "libLiteRtDispatch_Sample.so could not start" in first["unused"]["NPU"]
    assert second["unused"] == fourth["unused"] == {}
    assert "with other options, and the runtime passes them on once" in third["unused"]["NPU"]
    assert {answer["worst"] for answer in (first, second, third, fourth)} == {0}


def test_a_second_library(sample_npu: SampleNpu, tmp_path: Path) -> None:
    copy = tmp_path / "libLiteRtDispatch_Copy.so"
    copy.write_bytes((sample_npu.dispatch_dir / "libLiteRtDispatch_Sample.so").read_bytes())
    settings = sample(sample_npu)
    first, second = loaded(MOBILENET, settings, {**settings, "dispatch_dir": tmp_path})
    assert first["unused"] == {}
    assert f"{copy} in another process" in second["unused"]["NPU"]


def test_operators_left_over_are_named(sample_npu: SampleNpu) -> None:
    [answer] = loaded(MOBILENET, sample(sample_npu), fallback=False)
    assert "no delegate takes the operators ADD, CONV_2D (2)" in answer["error"]


def test_the_cache(sample_npu: SampleNpu, tmp_path: Path) -> None:
    record, cache = tmp_path / "record", tmp_path / "made" / "here"
    settings = {**sample(sample_npu, x=1), "cache": cache}

    def compiled() -> int:
        record.write_text("")
        [answer] = loaded(MOBILENET, settings, environment={"SAMPLE_NPU_RECORD": str(record)})
        assert (answer["unused"], answer["worst"]) == ({}, 0)
        return record.read_text().count("[compiler]")

    assert compiled() == 1
    [kept] = cache.iterdir()
    assert compiled() == 0
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert compiled() == 1  # a damaged file is replaced
    assert compiled() == 0
    kept.chmod(0o666)
    assert compiled() == 1  # and one that others may have written
    assert compiled() == 0
    settings["options"] = {"x": 2}
    assert compiled() == 1
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_others_may_write_to(sample_npu: SampleNpu, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(PermissionError, match=r"cache is not used.*mode 0777.*chmod go-w"):
        zl.load(MOBILENET, delegates=zl.Npu(**sample(sample_npu), cache=cache))


def test_a_cache_that_can_not_be_written(sample_npu: SampleNpu, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        zl.load(MOBILENET, delegates=zl.Npu(**sample(sample_npu), cache=tmp_path / "file" / "below"))


# Missing libraries


def test_directories_without_a_library(tmp_path: Path, sample_npu: SampleNpu) -> None:
    for name, pattern in (("dispatch_dir", "libLiteRtDispatch"), ("compiler_dir", "libLiteRtCompilerPlugin")):
        settings = {**sample(sample_npu), name: tmp_path}
        with pytest.raises(zl.DelegateError, match=rf"{name} is {tmp_path}, which has no {pattern}\*.so; pass the"):
            zl.load(MOBILENET, delegates=zl.Npu(**settings))
    (tmp_path / "libLiteRtDispatch_A.so").touch()
    (tmp_path / "libLiteRtDispatch_B.so").touch()
    with pytest.raises(zl.DelegateError, match=r"several of .*_A\.so, .*_B\.so"):
        zl.load(MOBILENET, delegates=zl.Npu(vendor="sample", dispatch_dir=tmp_path))


def test_libraries_that_can_not_be_opened(tmp_path: Path, sample_npu: SampleNpu) -> None:
    for name, library in (
        ("dispatch_dir", "libLiteRtDispatch_Broken.so"),
        ("compiler_dir", "libLiteRtCompilerPlugin_Broken.so"),
    ):
        directory = tmp_path / name
        directory.mkdir()
        (directory / library).write_text("no library")
        [answer] = loaded(MOBILENET, {**sample(sample_npu), name: directory})
        assert f"{library} can't be opened" in answer["unused"]["NPU"]
        assert "LD_LIBRARY_PATH" in answer["unused"]["NPU"]
        assert f"NPU is not used: {answer['unused']['NPU']}" in answer["repr"]
        assert answer["worst"] == 0


def test_without_the_vendors_own_libraries() -> None:
    """A package without the vendor's part, and a part whose libraries are not there, are reasons to do without."""
    [answer] = loaded(MOBILENET, {"vendor": "samsung"})
    assert answer["unused"]
    assert answer["worst"] == 0
    [answer] = loaded(MOBILENET, {"vendor": "samsung"}, fallback=False)
    assert answer["error"].endswith("fallback=False leaves no other way to run the model")


def test_the_command_line_tells_what_is_not_used() -> None:
    pytest.importorskip("rich", reason="needs the extra cli")
    if importlib.util.find_spec("openvino") is not None:
        pytest.skip("Intel's libraries are there")
    program = "import sys; from zerolite.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["info", str(SMALL), "--delegates", "--delegate", "npu"]
    assert "NPU is not used: " in answer_of(program, *arguments, environment={"LD_LIBRARY_PATH": ""})
    document = json.loads(answer_of(program, *arguments, "--json", environment={"LD_LIBRARY_PATH": ""}))
    assert "NPU" in document["delegation"]["unused"]


# Models that were compiled before


def program() -> bytes:
    """A model with an operator DISPATCH_OP, whose name stands in the place of another custom operator's."""
    name, dispatch = b"NobodyKnowsThis", b"DISPATCH_OP"
    content = zoo.model_path("unknown_custom_op").read_bytes()
    before = struct.pack("<I", len(name)) + name
    assert content.count(before) == 1
    return content.replace(before, struct.pack("<I", len(dispatch)) + dispatch.ljust(len(name), b"\0"))


def test_a_program_is_refused_by_name(sample_npu: SampleNpu, tmp_path: Path) -> None:
    path = tmp_path / "program.tflite"
    path.write_bytes(program())
    with pytest.raises(
        zl.DelegateError, match=rf"{path}: the model was compiled for an NPU, whose operator DISPATCH_OP"
    ):
        zl.load(path)
    missing = zl.Npu(vendor="samsung")
    for fallback in (True, False):
        with pytest.raises(zl.DelegateError, match=rf"{path}: .* can't be used: there is no dispatch library"):
            zl.load(path, delegates=missing, fallback=fallback)
    with zl.load(MOBILENET) as model:
        assert model.delegation.complete


def test_a_program_that_the_library_does_not_take(sample_npu: SampleNpu, tmp_path: Path) -> None:
    path = tmp_path / "program.tflite"
    path.write_bytes(program())
    script = """
import sys, zerolite as zl
try:
    zl.load(sys.argv[1], delegates=zl.Npu(vendor="sample", dispatch_dir=sys.argv[2]))
except zl.DelegateError as error:
    print(error)
"""
    words = answer_of(script, str(path), str(sample_npu.dispatch_dir))
    assert words.startswith(f"{path}: the model was compiled for an NPU, and can't be used: ")


# Models that a compiler must not get


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero_size", "is empty"),
        ("counter", "is a resource"),
        ("dtype_uint64", "holds uint64"),
        ("sparse_weights", "sparse"),
        ("where", "shape that only a run tells"),
    ],
)
def test_models_that_it_must_not_have(name: str, words: str, sample_npu: SampleNpu) -> None:
    path = zoo.model_path(name)
    npu = zl.Npu(**sample(sample_npu))
    with zl.load(path, delegates=npu) as model:
        [(delegate, reason)] = model.delegation.unused
        assert delegate == "NPU"
        assert words in reason
    with pytest.raises(zl.DelegateError, match="fallback=False"):
        zl.load(path, delegates=npu, fallback=False)


# Bad input


def test_vendors() -> None:
    with pytest.raises(ValueError, match="vendor is 'nobody', and must be one of 'google_tensor'"):
        zl.Npu(vendor="nobody")
    with pytest.raises(ValueError, match="vendor must name the vendor"):
        zl.Npu(dispatch_dir="somewhere")
    with pytest.raises(ValueError, match="letters, digits"):
        zl.Npu(vendor="../x", dispatch_dir="somewhere")
    with pytest.raises(TypeError, match="vendor is 1"):
        zl.Npu(vendor=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="colour"):
        zl.Npu(colour="blue")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["dispatch_dir", "compiler_dir", "cache"])
def test_directories(name: str) -> None:
    for value in ("", "a\0b"):
        with pytest.raises(ValueError, match=f"{name} is "):
            zl.Npu(vendor="qualcomm", **{name: value})  # type: ignore[arg-type]
    for wrong in (1, b"x"):
        with pytest.raises(TypeError, match=f"{name} is "):
            zl.Npu(vendor="qualcomm", **{name: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vendor", "name", "value", "words"),
    [
        ("intel_openvino", "graph_backend", 0, "intel_openvino has no option 'graph_backend'; there are performance_"),
        ("intel_openvino", "graph.0.graph_backend", 3, "must be from 0 to 2"),
        ("intel_openvino", "performance_mode", True, "must be from 0 to 2"),
        ("intel_openvino", "configs_map.A", 'a"b', "without quotes"),
        ("qualcomm", "speed", 1, "qualcomm has no option 'speed'"),
        ("samsung", "samsung_soc_model", "a\nb", "line breaks"),
    ],
)
def test_options_that_there_are_not(vendor: str, name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zl.Npu(vendor=vendor, options={name: value})


def test_options_of_wrong_types() -> None:
    for options in ({1: "x"}, {"performance_mode": None}, {"performance_mode": [1]}):
        with pytest.raises(TypeError, match="names must be str, and values"):
            zl.Npu(vendor="intel_openvino", options=options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be a name of letters"):
        zl.Npu(vendor="sample", dispatch_dir="somewhere", options={"a b": 1})


def test_an_npu_comes_first() -> None:
    npu = zl.Npu(vendor="samsung")
    with pytest.raises(ValueError, match="twice"):
        zl.load(SMALL, delegates=[npu, npu])
    for delegates in ([zl.XNNPack(), npu], [zl.Gpu(), npu], [npu, zl.Npu(vendor="qualcomm")]):
        with pytest.raises(ValueError, match="put it first, and only one"):
            zl.load(SMALL, delegates=delegates)


def test_equality_and_pickling() -> None:
    delegate = zl.Npu(vendor="intel_openvino", options={"performance_mode": 1})
    copy = pickle.loads(pickle.dumps(delegate))
    assert copy == delegate
    assert hash(copy) == hash(delegate)
    assert copy != zl.Npu(vendor="intel_openvino")
    assert repr(delegate) == "Npu(vendor='intel_openvino', options={'performance_mode': 1})"


# Intel's libraries, where the package openvino is installed, or its libraries are on LD_LIBRARY_PATH

INTEL_ON_CPU = {"vendor": "intel_openvino", "options": {"graph.-1.graph_backend": 0}}


def require_intel() -> None:
    """The plug-in of ai-edge-litert 2.3.0 asks for the library of OpenVINO 2026.3.1, and takes no other one."""
    spec = importlib.util.find_spec("openvino")
    places = [Path(place, "libs") for place in (spec and spec.submodule_search_locations) or ()]
    places += [Path(place) for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if place]
    if not any((place / "libopenvino.so.2631").exists() for place in places):
        pytest.skip("needs Intel's libraries: pip install openvino==2026.3.1")


@pytest.mark.parametrize(("name", "tolerance"), [("small_mobilenet", 2e-3), ("dense_2layer", 1e-2)])
def test_intel_on_the_cpu(name: str, tolerance: float, tmp_path: Path) -> None:
    require_intel()
    settings = {**INTEL_ON_CPU, "cache": tmp_path}
    for _ in range(2):  # compiled, and from the cache
        [answer] = loaded(zoo.model_path(name), settings, fallback=False)
        with zl.load(zoo.model_path(name)) as plain:
            assert answer["operators"] == {"NPU": plain.delegation.operators["XNNPACK"]}
        assert 0 < answer["worst"] < tolerance
        assert answer["dispatch"] == "runtime"
        assert "DispatchDelegate" in answer["reason"]
        assert len(list(tmp_path.iterdir())) == 1


def test_operators_that_intel_leaves() -> None:
    require_intel()
    [answer] = loaded(zoo.model_path("special_values"), INTEL_ON_CPU)
    assert answer["operators"]["NPU"] == {"RESHAPE": 1, "ADD": 1, "MAXIMUM": 1, "DIV": 1}
    assert answer["operators"]["XNNPACK"] == {"RELU6": 1}


def test_intel_without_its_npu() -> None:
    require_intel()
    if any(Path("/dev/accel").glob("accel*")):
        pytest.skip("there may be an NPU")
    [answer] = loaded(MOBILENET, {"vendor": "intel_openvino"})
    assert "compiled nothing: " in answer["unused"]["NPU"]
    assert answer["worst"] == 0


def test_a_pool_and_a_resize_on_intel() -> None:
    require_intel()
    script = """
import json, sys
import numpy as np
import zerolite as zl

npu = zl.Npu(**json.loads(sys.argv[2]))
x = np.ones((1, 32, 32, 3), np.float32)
with zl.load(sys.argv[1], delegates=npu) as model, zl.Pool(sys.argv[1], workers=2, delegates=npu) as pool:
    x = np.ones(model.inputs[0].shape, np.float32)
    expected = model(x)
    assert all(np.array_equal(answer, expected) for answer in pool.imap([x] * 4))
    np.testing.assert_array_equal(model.map(np.concatenate([x] * 3)), np.concatenate([expected] * 3))
    try:
        model.resize(**{model.inputs[0].name: (2, *x.shape[1:])})
    except zl.Error as error:
        print(error)
"""
    words = answer_of(script, str(MOBILENET), json.dumps(INTEL_ON_CPU))
    assert "a part runs on the NPU" in words
