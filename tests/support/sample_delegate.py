"""The delegate of tests/delegate as a library: built once, with what it counted."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "sample_libraries" / "sample_delegate.cpp"
HEADERS = SOURCE.parents[2] / "third_party" / "litert" / "include"
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
    compiler = os.environ.get("CXX") or shutil.which("c++") or "g++"
    path = directory / "libsample_delegate.so"
    command = [*compiler.split(), "-std=c++20", "-O1", "-shared", "-fPIC", f"-I{HEADERS}", str(SOURCE), "-o", str(path)]
    subprocess.run(command, check=True)
    return SampleDelegate(path)
