"""A wheel of dist/ with its dependencies and an interpreter for it, ready to run on this machine.

The interpreter is Debian's, unpacked under build/: of another version it runs with its own C library, of another
architecture under qemu-user. Neither needs root, and nothing of the machine's own Python is seen.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.build_wheel import BuildError, require_packages, wheel_tag
from tools.python_sysroot import PythonSysroot
from tools.wheel_target import AARCH64, X86_64

ROOT = Path(__file__).resolve().parent.parent
EMULATOR = "qemu-aarch64-static"
# qemu 7.2's default, "max", gives wrong int8 results without a word.
PROCESSOR = "cortex-a72"
# LiteRT 2.3.0 looks at /proc/cpuinfo for the kind of processor, and ends with a segmentation fault where it finds an
# x86 one. qemu 7.2 shows the machine's own file; one in the sysroot hides it.
CPU_INFO = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n"


def write_interpreter(sysroot: PythonSysroot, requirements: Sequence[str]) -> Path:
    """Unpack the newest wheel for the sysroot beside `requirements`, and return a script that stands for its python.

    Raises:
        BuildError: dist/ has no such wheel, or the emulator is missing and may not be installed.
        SysrootError: the interpreter or a requirement can't be had.
    """
    if sysroot.target is AARCH64 and not shutil.which(EMULATOR):
        require_packages(["qemu-user-static"])
    binary = sysroot.require_interpreter()
    sysroot.install(requirements)
    package = _unpack_wheel(sysroot)
    settings: dict[str, str | Path] = {
        "PYTHONHOME": sysroot.root / "usr",
        "PYTHONPATH": os.pathsep.join([str(package), str(sysroot.site)]),
        # Compiled modules beside the sysroot's, not beside the sources that another interpreter uses too.
        "PYTHONPYCACHEPREFIX": sysroot.root.parent / "pycache",
    }
    script = sysroot.root.parent / "python"
    command = _emulated(sysroot, settings) if sysroot.target is AARCH64 else _with_own_libraries(sysroot, settings)
    script.write_text(f'#!/bin/sh\nexec {shlex.join([*command, str(binary)])} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


def _emulated(sysroot: PythonSysroot, settings: dict[str, str | Path]) -> list[str]:
    cpu_info = sysroot.root / "proc" / "cpuinfo"
    cpu_info.parent.mkdir(exist_ok=True)
    cpu_info.write_text(CPU_INFO, encoding="utf-8")
    variables = [part for name, value in settings.items() for part in ("-E", f"{name}={value}")]
    return [EMULATOR, "-cpu", PROCESSOR, "-L", str(sysroot.root), *variables]


def _with_own_libraries(sysroot: PythonSysroot, settings: dict[str, str | Path]) -> list[str]:
    folder = sysroot.root / "usr" / "lib" / X86_64.triplet
    variables = [f"{name}={value}" for name, value in settings.items()]
    # A newer interpreter may need a newer C library than this machine's; the loader that comes with it finds that one.
    return ["env", *variables, str(folder / "ld-linux-x86-64.so.2"), "--library-path", str(folder)]


def _unpack_wheel(sysroot: PythonSysroot) -> Path:
    """Unpack the newest wheel in dist/ for the sysroot and return the folder for PYTHONPATH."""
    machine = sysroot.target.machine
    pattern = wheel_tag(sysroot.target, sysroot.python).replace("linux_", "*linux_*")
    wheels = sorted((ROOT / "dist").glob(f"zerolite-*-{pattern}.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise BuildError(f"dist/ has no wheel {pattern}; build one with: python -m tools.build_wheel {machine}")
    folder = sysroot.root.parent / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"testing {wheels[-1].relative_to(ROOT)}", flush=True)
    command = [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", f"--target={folder}"]
    # As on a machine whose glibc is as old as the tag says.
    command += ["--only-binary=:all:", f"--platform={wheels[-1].stem.rpartition('-')[2]}", "--implementation=cp"]
    command += [f"--python-version={sysroot.python}", str(wheels[-1])]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder
