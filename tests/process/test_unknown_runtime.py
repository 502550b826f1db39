"""A library whose version nobody knows yet runs models through LiteRT's public interface alone, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python
from tests.support.sample_libraries import compile_library

LIBRARY = Path(zl.runtime_info().path)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With the library of this process behind another version of its interface."""
    path = tmp_path_factory.mktemp("future") / "libLiteRt.so"
    options = ("-Wl,--no-as-needed", str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}")
    compile_library("future_runtime.cpp", path, *options)
    return {"ZEROLITE_RUNTIME": str(path)}


RUN = """
import json
import sys

import numpy as np
import zerolite as zl

info = zl.runtime_info()
answers = {"series": info.series, "abi": info.abi, "version": info.version}
batch = np.load(sys.argv[2])
with zl.load(sys.argv[1]) as model:
    answers["call"] = [model(batch[i : i + 1]).tolist() for i in range(3)]
    answers["dispatch"] = [str(model.dispatch), model.dispatch.reason]
    answers["map"] = model.map(batch).tolist()
    model.resize({model.inputs[0].name: batch.shape})
    answers["resized"] = model(batch).tolist()
with zl.Pool(sys.argv[1], workers=2) as pool:
    answers["pool"] = pool.map(batch).tolist()
print(json.dumps(answers))
"""


@pytest.mark.parametrize("name", ["dense_2layer", "dense_2layer_int8_float_io", "builtin_chain"])
def test_models_run(name: str, environment: dict[str, str], tmp_path: Path) -> None:
    path = zoo.model_path(name)
    with zl.load(path) as model:
        batch = np.random.default_rng(3).random((20, *model.inputs[0].shape[1:]), np.float32)
        expected = [model(batch[i : i + 1]) for i in range(len(batch))]
    np.save(tmp_path / "batch.npy", batch)
    answers = json.loads(answer_of(RUN, str(path), str(tmp_path / "batch.npy"), environment=environment))
    assert (answers["series"], answers["abi"], answers["version"]) == (None, "1.9.0", None)
    assert answers["dispatch"][0] == "runtime"
    assert "public interface" in answers["dispatch"][1]
    for i in range(3):
        np.testing.assert_array_equal(np.array(answers["call"][i], np.float32), expected[i])
    whole = np.concatenate(expected)
    for way in ("map", "pool", "resized"):
        np.testing.assert_allclose(np.array(answers[way], np.float32), whole, rtol=1e-5, atol=1e-6, err_msg=way)


def test_one_line_of_the_log_says_so(environment: dict[str, str]) -> None:
    program = """
import sys

import zerolite as zl

zl.set_log_level(sys.argv[2])
for _ in range(2):
    zl.load(sys.argv[1]).close()
"""
    path = str(zoo.model_path("dense_2layer"))
    told = run_python(program, path, "warning", environment=environment)
    assert told.returncode == 0
    lines = [line for line in told.stderr.splitlines() if "1.9.0" in line]
    assert len(lines) == 1
    assert lines[0].startswith("WARNING: ")
    assert environment["ZEROLITE_RUNTIME"] in lines[0]
    assert "public interface alone" in lines[0]
    assert run_python(program, path, "silent", environment=environment).stderr == ""


@pytest.mark.parametrize(
    "use",
    [
        "zl.load(path).delegation",
        "zl.load(path).profile(runs=1)",
        "zl.load(path).trace(np.zeros((1, 64), np.float32))",
        "zl.Interpreter(path)",
        "zl.load(path, delegates=zl.XNNPack(weight_cache=folder + '/weights'))",
        "zl.load(strings)",
        "zl.load(dynamic)",
    ],
)
def test_what_needs_the_inside_is_refused(use: str, environment: dict[str, str], tmp_path: Path) -> None:
    program = f"""
import sys

import numpy as np
import zerolite as zl

path, strings, dynamic, folder = sys.argv[1:]
try:
    {use}
except zl.Error as error:
    print(error)
"""
    names = ("dense_2layer", "string_passthrough", "where")
    paths = [str(zoo.model_path(name)) for name in names]
    answer = answer_of(program, *paths, str(tmp_path), environment=environment)
    assert "needs the inside of LiteRT" in answer
    assert "1.9.0" in answer
    assert "pip install 'ai-edge-litert" in answer


def test_delegates_are_left_out(environment: dict[str, str]) -> None:
    program = """
import sys

import zerolite as zl

with zl.load(sys.argv[1], delegates=[zl.Gpu(), zl.XNNPack()]) as model:
    print(model.run())
try:
    zl.load(sys.argv[1], delegates=[zl.Gpu(), zl.XNNPack()], fallback=False)
except zl.DelegateError as error:
    print(error)
"""
    answer = answer_of(program, str(zoo.model_path("dense_2layer")), environment=environment)
    assert answer.splitlines()[0] == "None"
    assert "public interface alone" in answer
