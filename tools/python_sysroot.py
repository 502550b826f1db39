"""CPython and NumPy of another version or architecture: headers to compile with and an interpreter to run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tools.debian_sysroot import DebianSysroot, SysrootError, require_from_any
from tools.wheel_target import ARMV7L, WheelTarget

ROOT = Path(__file__).resolve().parent.parent
# Debian has one CPython a release.
SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
# NumPy is built for 32-bit ARM by Debian only. The releases with NumPy 2, whose headers serve NumPy 1 too, the first
# one first; each release after it serves as well.
NUMPY_SUITES = ("trixie", "forky", "sid")
INTERPRETER = (
    "python{python}-minimal",
    "libpython{python}-minimal",
    "libpython{python}-stdlib",
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "libexpat1",
    "libffi8",
    "zlib1g",
)
# As in `requires` of pyproject.toml.
NUMPY = "numpy>=2.0"
OLDEST_MANYLINUX, NEWEST_MANYLINUX = 17, 36


class PythonSysroot:
    """What one version of CPython on one target needs, below build/sysroot-MACHINE/."""

    def __init__(self, target: WheelTarget, python: str, headers: Path | None = None) -> None:
        """Take note; what is needed is fetched when it is asked for.

        `headers` is a folder with the target's Python.h, for versions that Debian does not have.
        """
        self.target = target
        self.python = python
        self._headers = headers
        self._folder = ROOT / "build" / f"sysroot-{target.machine}" / f"python{python}"

    @property
    def root(self) -> Path:
        """The root of the file system: `root / "usr/include"`."""
        return self._folder / "root"

    @property
    def site(self) -> Path:
        """The folder with the target's Python packages, as for PYTHONPATH."""
        return self._folder / "site"

    @cached_property
    def python_include(self) -> Path:
        """The folder with Python.h.

        Raises:
            SysrootError: Debian has no such CPython, or the given headers are not those of this version.
        """
        if self._headers is None:
            self._debian.require([f"libpython{self.python}-dev"])
            return self.root / "usr" / "include" / f"python{self.python}"
        headers = self._headers.resolve()
        version = headers / "patchlevel.h"
        text = version.read_text(encoding="utf-8") if version.is_file() else ""
        found = re.search(r'^#define PY_VERSION\s+"(\d+\.\d+)', text, re.M)
        if found is None or found[1] != self.python:
            there = f"those of CPython {found[1]}" if found else "none"
            raise SysrootError(
                f"the headers of CPython {self.python} are needed, and {headers} has {there}; "
                "name the folder that has its Python.h and patchlevel.h"
            )
        return headers

    @property
    def include_paths(self) -> list[Path]:
        """Folders for -isystem: Debian's pyconfig.h includes another one from a folder of the architecture."""
        return [] if self._headers else [self.python_include.parent]

    @cached_property
    def numpy_include(self) -> Path:
        """The folder with NumPy's headers, which hold sizes of the target's types."""
        if self.target is not ARMV7L:
            self.install([NUMPY])
            return self.site / "numpy" / "_core" / "include"
        sysroot = require_from_any(
            [
                DebianSysroot(self._folder / f"numpy-{suite}", self.target.debian_architecture, suite)
                for suite in NUMPY_SUITES
            ],
            ["python3-numpy-dev"],
        )
        return sysroot.root / "usr" / "lib" / self.target.triplet / "python3-numpy" / "numpy" / "_core" / "include"

    def require_interpreter(self) -> Path:
        """Unpack the interpreter and the libraries of C and C++, and return the interpreter."""
        self._debian.require([package.format(python=self.python) for package in INTERPRETER])
        return self.root / "usr" / "bin" / f"python{self.python}"

    def install(self, requirements: Sequence[str]) -> None:
        """Install wheels for the target, with their dependencies, into `site`; what is there already stays.

        Raises:
            SysrootError: there is no wheel of one of them for the target.
        """
        mark = self.site / ".requirements"
        wanted = "\n".join(requirements)
        if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
            return
        version = self.python.replace(".", "")
        platforms = [
            f"--platform=manylinux_2_{minor}_{self.target.machine}"
            for minor in range(NEWEST_MANYLINUX, OLDEST_MANYLINUX - 1, -1)
        ]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", f"--target={self.site}"]
        command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}"]
        command += [f"--abi=cp{version}", "--abi=abi3", "--abi=none", *platforms]
        try:
            subprocess.run([*command, *requirements], check=True, stdin=subprocess.DEVNULL)
        except subprocess.CalledProcessError as failure:
            raise SysrootError(
                f"the packages for CPython {self.python} on {self.target.machine} can't be had "
                f"({', '.join(requirements)}); the reason stands above"
            ) from failure
        mark.write_text(wanted, encoding="utf-8")

    @property
    def _debian(self) -> DebianSysroot:
        if self.python not in SUITES:
            raise SysrootError(
                f"Debian has CPython {', '.join(SUITES)} for {self.target.machine}, and not {self.python}; name a "
                f"folder with its headers: python -m tools.build_wheel {self.target.machine} --python {self.python} "
                "--python-headers FOLDER, or build where it is installed: pip install zerolite.tar.gz"
            )
        return DebianSysroot(self.root, self.target.debian_architecture, SUITES[self.python])
