"""The libraries of tests/sample_libraries: a delegate with what it counted, and an NPU of a vendor called sample."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "sample_libraries"
HEADERS = SOURCES.parents[1] / "third_party"
# Where there is no compiler, as on a board, a library that was built elsewhere.
BUILT = "ZEROLITE_SAMPLE_DELEGATE"


@dataclass(frozen=True)
class SampleDelegate:
    """The library, and how often each thing has happened in this process."""

    path: Path

    def _count(self, name: str) -> int:
        return int(getattr(ctypes.CDLL(str(self.path)), f"sample_delegate_{name}")())

    @property
    def created(self) -> int:
        return self._count("created")

    @property
    def destroyed(self) -> int:
        return self._count("destroyed")

    @property
    def taken(self) -> int:
        return self._count("taken")

    @property
    def invoked(self) -> int:
        return self._count("invoked")


def build_sample_delegate(directory: Path) -> SampleDelegate:
    """Compile the library, or take the one that ``ZEROLITE_SAMPLE_DELEGATE`` names."""
    if built := os.environ.get(BUILT):
        return SampleDelegate(Path(built))
    path = directory / "libsample_delegate.so"
    compile_library("sample_delegate.cpp", path)
    return SampleDelegate(path)


@dataclass(frozen=True)
class SampleNpu:
    """Directories with a dispatch library and with a compiler's plug-in, for ``vendor="sample"``."""

    dispatch_dir: Path
    compiler_dir: Path


def build_sample_npu(directory: Path) -> SampleNpu:
    """Compile both libraries."""
    npu = SampleNpu(directory / "dispatch", directory / "compiler")
    libraries = {
        "SAMPLE_DISPATCH": npu.dispatch_dir / "libLiteRtDispatch_Sample.so",
        "SAMPLE_COMPILER": npu.compiler_dir / "libLiteRtCompilerPlugin_Sample.so",
    }
    for macro, path in libraries.items():
        path.parent.mkdir()
        compile_library("sample_npu.cpp", path, f"-D{macro}", "-ldl")
    return npu


def compile_library(source: str, path: Path, *options: str) -> None:
    compiler = os.environ.get("CXX") or shutil.which("c++") or "g++"
    command = [*compiler.split(), "-std=c++20", "-O1", "-shared", "-fPIC", str(SOURCES / source)]
    command += [f"-I{HEADERS / name / 'include'}" for name in ("litert", "openvino")]
    subprocess.run([*command, "-o", str(path), *options], check=True)
