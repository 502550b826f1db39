"""The NPU of tests/delegate as a vendor's libraries, and what reached them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "sample_libraries" / "sample_npu.cpp"
HEADERS = SOURCE.parents[2] / "third_party" / "litert" / "include"


@dataclass(frozen=True)
class SampleNpu:
    """Directories with a dispatch library and with a compiler's plug-in, for ``vendor="sample"``."""

    dispatch_dir: Path
    compiler_dir: Path


def build_sample_npu(directory: Path) -> SampleNpu:
    """Compile both libraries."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or "g++"
    npu = SampleNpu(directory / "dispatch", directory / "compiler")
    libraries = {
        "SAMPLE_DISPATCH": npu.dispatch_dir / "libLiteRtDispatch_Sample.so",
        "SAMPLE_COMPILER": npu.compiler_dir / "libLiteRtCompilerPlugin_Sample.so",
    }
    for macro, path in libraries.items():
        path.parent.mkdir()
        options = ["-std=c++20", "-O1", "-shared", "-fPIC", f"-D{macro}", f"-I{HEADERS}"]
        subprocess.run([*compiler.split(), *options, str(SOURCE), "-o", str(path), "-ldl"], check=True)
    return npu
