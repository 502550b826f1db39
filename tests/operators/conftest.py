"""Libraries of kernels, built once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import zerolite as zl
from tests.support.sample_libraries import compile_library

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_operator"


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of tests/sample_libraries/sample_operators.cpp."""
    path = tmp_path_factory.mktemp("operators") / "libsample_operators.so"
    compile_library("sample_operators.cpp", path, f"-I{zl.get_include()}")
    return path


@pytest.fixture(scope="session")
def leaky_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of the example, as its CMakeLists.txt builds it."""
    build = tmp_path_factory.mktemp("example")
    for step in (["-S", EXAMPLE, "-B", build, f"-DZEROLITE_INCLUDE={zl.get_include()}"], ["--build", build]):
        done = subprocess.run(["cmake", *map(str, step)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "libleaky_clip.so"
