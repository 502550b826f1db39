"""What importing zerolite costs, and what it says when the runtime's library is not the right one."""

from __future__ import annotations

import builtins
import ctypes.util
import inspect
import json
import re
from pathlib import Path

import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import ROOT, answer_of, run_python

# Whatever else is installed: neither the heavy ones nor those that take time for little.
UNWANTED = {
    "ai_edge_litert",
    "asyncio",
    "email",
    "flatbuffers",
    "google",
    "http",
    "importlib.metadata",
    "jinja2",
    "keras",
    "matplotlib",
    "ml_dtypes",
    "PIL",
    "rich",
    "tensorflow",
    "tqdm",
    "typer",
    "typing_extensions",
    "unittest",
}
IMPORT = "import zerolite"
LIBRARY = Path(zl.runtime_info().path)
FIX = r"pip install 'ai-edge-litert>=2\.3,<2\.4'"


def last_line(program: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """The last line of the traceback that ends the program."""
    process = run_python(program, *arguments, environment=environment)
    assert process.returncode == 1
    return process.stderr.strip().splitlines()[-1]


def test_modules() -> None:
    program = """
import json
import sys

import numpy

before = set(sys.modules)
import zerolite

print(json.dumps(sorted(set(sys.modules) - before)))
"""
    added = set(json.loads(answer_of(program)))
    assert not {name for name in added if name in UNWANTED or name.partition(".")[0] in UNWANTED}
    others = {name for name in added if not name.startswith("zerolite")}
    assert len(others) < 40, sorted(others)


def test_use_imports_nothing_more() -> None:
    program = """
import json
import sys

import numpy as np
import zerolite as zl

before = set(sys.modules)
with zl.load(sys.argv[1]) as model:
    model(np.zeros((1, 64), np.float32))
    model.resize(features=(2, 64))
    model.bind(features=zl.empty((2, 64)))
    model.run()
    repr((model, model.dispatch, model.inputs[0].quantization))
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    assert json.loads(answer_of(program, str(zoo.model_path("dense_2layer")))) == []


def test_runtime_info() -> None:
    info = zl.runtime_info()
    assert Path(info.path).name == "libLiteRt.so"
    assert Path(info.path).is_file()
    assert info.version is not None
    assert info.version.startswith("2.3.")
    assert info.series == "2.3"
    assert info.abi is None
    assert not info.ynnpack
    assert info.zerolite == zl.__version__
    declared = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert declared is not None
    assert zl.__version__ == declared.group(1)


def test_all_names_are_there() -> None:
    for name in zl.__all__:
        assert getattr(zl, name) is not None


def test_dir_is_what_is_public() -> None:
    program = f"""
{IMPORT} as zl

print([name for name in dir(zl) if not name.startswith("__")] == [name for name in zl.__all__ if name[:2] != "__"])
zl.evaluate
import zerolite.layers
print([name for name in dir(zl) if not name.startswith("__")] == [name for name in zl.__all__ if name[:2] != "__"])
print("__version__" in dir(zl))
"""
    assert answer_of(program).split() == ["True"] * 3


def test_what_functions_return_and_raise_is_there() -> None:
    functions = {name: value for name in zl.__all__ if inspect.isfunction(value := getattr(zl, name))}
    found: set[str] = set()
    for function in functions.values():
        _, _, raises = (inspect.getdoc(function) or "").partition("Raises:\n")
        errors = re.findall(r"^    ((?:\w+, )*\w+):", raises, re.M)
        found.update(*(error.split(", ") for error in errors))
        returned = str(inspect.signature(function).return_annotation)
        found.update([returned] if returned.isidentifier() else [])
    assert {"BenchmarkResult", "ConversionError", "ConversionResult", "EvaluationResult", "ImageError"} <= found
    assert not {name for name in found if not hasattr(builtins, name)} - set(zl.__all__)


# ZEROLITE_RUNTIME


def test_named_library() -> None:
    program = "import zerolite as zl; print(zl.runtime_info().path)"
    assert answer_of(program, environment={"ZEROLITE_RUNTIME": str(LIBRARY)}) == f"{LIBRARY}\n"


def test_named_library_by_a_relative_path(tmp_path: Path) -> None:
    (tmp_path / "other name.so").symlink_to(LIBRARY)
    program = f"import os; os.chdir({str(tmp_path)!r}); import zerolite as zl; print(zl.runtime_info().path)"
    answer = answer_of(program, environment={"ZEROLITE_RUNTIME": "other name.so"})
    assert answer == f"{tmp_path / 'other name.so'}\n"


def test_empty_variable_is_none() -> None:
    assert answer_of("import zerolite; print(1)", environment={"ZEROLITE_RUNTIME": ""}) == "1\n"


def test_library_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "libLiteRt.so"
    line = last_line(IMPORT, environment={"ZEROLITE_RUNTIME": str(path)})
    assert re.match(f"ImportError: ZEROLITE_RUNTIME names {re.escape(str(path))}, which is no file.*{FIX}", line)
    assert "no file" in last_line(IMPORT, environment={"ZEROLITE_RUNTIME": str(tmp_path)})


@pytest.mark.parametrize("content", [b"", b"no library", b"\x7fELF" + bytes(100)], ids=["empty", "text", "cut short"])
def test_file_that_is_no_library(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "libLiteRt.so"
    path.write_bytes(content)
    line = last_line(IMPORT, environment={"ZEROLITE_RUNTIME": str(path)})
    assert re.match(f"ImportError: the LiteRT library {re.escape(str(path))} can't be opened.*{FIX}", line)


def test_library_without_the_symbols(tmp_path: Path) -> None:
    name = ctypes.util.find_library("m")
    assert name is not None
    program = f"import ctypes; ctypes.CDLL({name!r}); print(*open('/proc/self/maps'))"
    found = re.search(r"/\S+/libm[.-]\S*", answer_of(program))
    assert found is not None
    line = last_line(IMPORT, environment={"ZEROLITE_RUNTIME": found.group()})
    assert re.match(rf"ImportError: {re.escape(found.group())} has no symbol LiteRt\w+,.*{FIX}", line)


# The installed package


def with_package(folder: Path, version: str | None, *, library: bool = True) -> str:
    """A program that imports zerolite where another package lies in front of the installed one."""
    package = folder / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('the package was imported')")
    if library:
        (package / "libLiteRt.so").symlink_to(LIBRARY)
    if version is not None:
        (folder / f"ai_edge_litert-{version}.dist-info").mkdir()
    return f"import sys; sys.path.insert(0, {str(folder)!r}); import zerolite as zl; print(zl.runtime_info().version)"


@pytest.mark.parametrize("version", ["2.3.0", "2.3.7", "2.3.1.post2"])
def test_supported_versions(version: str, tmp_path: Path) -> None:
    assert answer_of(with_package(tmp_path, version)) == f"{version}\n"


def test_package_without_metadata(tmp_path: Path) -> None:
    assert answer_of(with_package(tmp_path, None)) == "None\n"


@pytest.mark.parametrize("version", ["2.4.0", "3.0", "2.30.0", "2.4rc1"])
def test_newer_package(version: str, tmp_path: Path) -> None:
    """What a newer library is, it says itself: this one is of the 2.3 series, whatever its folder is called."""
    program = with_package(tmp_path, version) + "; print(zl.runtime_info().series)"
    assert answer_of(program).split() == [version, "2.3"]


@pytest.mark.parametrize("version", ["2.2.0", "1.9.9", "2", "2.2rc1"])
def test_older_package(version: str, tmp_path: Path) -> None:
    line = last_line(with_package(tmp_path, version))
    belongs = rf"{re.escape(str(tmp_path))}\S* belongs to ai-edge-litert {re.escape(version)}"
    assert re.match(rf"ImportError: {belongs}, which is older than the 2\.3 series.*{FIX}", line), line


def test_package_without_its_library(tmp_path: Path) -> None:
    line = last_line(with_package(tmp_path, "2.3.0", library=False))
    assert re.match(rf"ImportError: .*has no {re.escape(str(tmp_path))}\S*libLiteRt\.so; .*{FIX}", line)


def test_missing_package() -> None:
    program = """
import importlib.machinery
import sys

finder = importlib.machinery.PathFinder
sys.meta_path[:] = [
    entry if entry is not finder else type(
        "Without",
        (),
        {"find_spec": lambda self, name, path=None, target=None: None
         if name == "ai_edge_litert" else finder.find_spec(name, path, target)},
    )()
    for entry in sys.meta_path
]
import zerolite
"""
    line = last_line(program)
    assert re.match(f"ImportError: the package ai-edge-litert, .* is not installed; install it with: {FIX}", line)
