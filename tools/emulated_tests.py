"""Run the runtime part of the suite for aarch64, with CPython, NumPy and LiteRT's library for it, under qemu-user.

`python -m tools.emulated_tests` takes the wheel in dist/ and whatever pytest understands after that. It needs
qemu-user-static, and nothing of the machine's own state: the interpreter and its packages are unpacked under build/.
What is proven is that the wheel loads and computes what it should; times say nothing about a board.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.build_wheel import BuildError, require_packages, wheel_tag
from tools.debian_sysroot import SysrootError
from tools.python_sysroot import NUMPY, PythonSysroot
from tools.wheel_target import AARCH64

ROOT = Path(__file__).resolve().parent.parent
EMULATOR = "qemu-aarch64-static"
# qemu 7.2's default, "max", gives wrong int8 results without a word.
PROCESSOR = "cortex-a72"
# LiteRT 2.3.0 looks at /proc/cpuinfo for the kind of processor, and ends with a segmentation fault where it finds an
# x86 one. qemu 7.2 shows the machine's own file; one in the sysroot hides it.
CPU_INFO = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n"
REQUIREMENTS = (NUMPY, "ai-edge-litert>=2.3,<2.4", "ml_dtypes", "hypothesis>=6.100", "psutil>=5.9", "pytest>=8")
# What touches the processor, the runtime library or memory; the rest of the suite is the same on every machine.
# Not `map` bit by bit either, which on ARM holds for integers only (tests/arm/test_batches.py).
SELECTION = (
    "tests/arm",
    "tests/calls/test_parity.py::test_same_bits_as_the_reference",
    "tests/calls/test_parity.py::test_tensors_are_described_as_in_the_reference",
    "tests/calls/test_parity.py::test_int2_input",
    "tests/calls/test_parity.py::test_bfloat16",
    "tests/memory/test_bind.py",
    "tests/calls/test_dispatch.py::test_denormals",
    "tests/delegates/test_delegation.py",
    "tests/calls/test_errors.py",
    "tests/delegates/test_external_delegate.py",
    "tests/batches/test_map.py::test_fixed_batch",
    "tests/batches/test_map.py::test_state_goes_from_item_to_item",
    "tests/batches/test_pool_closing.py::test_close",
    "tests/batches/test_pool_iteration.py::test_imap_keeps_the_order",
    "tests/batches/test_pool_futures.py::test_submit",
    "tests/calls/test_quantization.py",
    "tests/calls/test_resize.py",
    "tests/calls/test_signatures.py",
    "tests/calls/test_strings.py",
    "tests/process/test_threads.py::test_threads_get_their_own_answers",
    "tests/memory/test_zero_copy.py",
)
# Thousands of runs or of loads, which take longer under emulation than all the rest; what limits the address space,
# which qemu-user does not heed; and a model over which LiteRT's library for ARM ends the process, where that for x86-64
# throws an exception (2.3.0).
LEFT_OUT = (
    "tests/calls/test_errors.py::test_an_exception_of_the_runtime_is_an_error",
    "tests/calls/test_errors.py::test_every_truncation_is_refused",
    "tests/calls/test_errors.py::test_memory_that_runs_out_in_a_call_is_a_memory_error",
    "tests/memory/test_zero_copy.py::test_memory_does_not_grow_over_dynamic_outputs",
    "tests/memory/test_zero_copy.py::test_memory_does_not_grow_over_refused_calls",
    "tests/memory/test_zero_copy.py::test_memory_does_not_grow_over_runs_and_calls",
    "tests/memory/test_zero_copy.py::test_memory_does_not_grow_over_views_and_tensors",
    "tests/memory/test_zero_copy.py::test_pointers_are_stable_over_10000_runs",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Test the aarch64 wheel in dist/ under qemu-user.")
    parser.add_argument("--python", default="3.11", help="the version of CPython (default: %(default)s)")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest; files replace the usual choice")
    arguments = parser.parse_args()
    try:
        sys.exit(run_tests(arguments.python, arguments.pytest))
    except (BuildError, SysrootError) as failure:
        sys.exit(f"tools/emulated_tests.py: {failure}")


def run_tests(python: str, arguments: Sequence[str]) -> int:
    """Run pytest on the emulated processor and return its exit code."""
    if not shutil.which(EMULATOR):
        require_packages(["qemu-user-static"])
    sysroot = PythonSysroot(AARCH64, python)
    interpreter = write_interpreter(sysroot)
    answers = ROOT / "build" / "recorded-answers.npz"
    subprocess.run([sys.executable, "-m", "tests.arm.recorded_answers", answers], check=True, cwd=ROOT)
    variables = {
        **os.environ,
        "ZEROLITE_SAMPLE_DELEGATE": str(build_delegate(sysroot)),
        "ZEROLITE_RECORDED_ANSWERS": str(answers),
        "ZEROLITE_EMULATED_PYTHON": str(interpreter),
    }
    chosen = list(arguments)
    if not any(argument.partition("::")[0].endswith(".py") for argument in chosen):
        chosen += [*SELECTION, *(f"--deselect={test}" for test in LEFT_OUT)]
    command = [str(interpreter), "-m", "pytest", "-p", "tests.arm.emulation", "-p", "no:cacheprovider", *chosen]
    return subprocess.run(command, check=False, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL).returncode


def build_delegate(sysroot: PythonSysroot) -> Path:
    """Cross-compile the delegate that the tests load, and return its library."""
    library = sysroot.root.parent / "libsample_delegate.so"
    command = [f"{AARCH64.triplet}-g++", "-std=c++20", "-O1", "-shared", "-fPIC", "-static-libstdc++", "-static-libgcc"]
    command += ["-I", "third_party/litert/include", "tests/sample_libraries/sample_delegate.cpp", "-o", str(library)]
    subprocess.run(command, check=True, cwd=ROOT)
    return library


def write_interpreter(sysroot: PythonSysroot) -> Path:
    """Prepare everything below build/ and return a script that stands for the emulated interpreter."""
    binary = sysroot.require_interpreter()
    sysroot.install(REQUIREMENTS)
    package = unpack_wheel(sysroot)
    cpu_info = sysroot.root / "proc" / "cpuinfo"
    cpu_info.parent.mkdir(exist_ok=True)
    cpu_info.write_text(CPU_INFO, encoding="utf-8")
    settings = {
        "PYTHONHOME": sysroot.root / "usr",
        "PYTHONPATH": os.pathsep.join([str(package), str(sysroot.site)]),
        # Compiled modules beside the sysroot's, not beside the sources that another interpreter uses too.
        "PYTHONPYCACHEPREFIX": sysroot.root.parent / "pycache",
    }
    options = [f"-E {shlex.quote(f'{name}={value}')}" for name, value in settings.items()]
    command = [EMULATOR, "-cpu", PROCESSOR, "-L", shlex.quote(str(sysroot.root)), *options, shlex.quote(str(binary))]
    script = sysroot.root.parent / "python"
    script.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


def unpack_wheel(sysroot: PythonSysroot) -> Path:
    """Unpack the newest wheel in dist/ for the sysroot and return the folder for PYTHONPATH."""
    pattern = wheel_tag(AARCH64, sysroot.python).replace("linux_", "*linux_*")
    wheels = sorted((ROOT / "dist").glob(f"zerolite-*-{pattern}.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise BuildError(f"dist/ has no wheel {pattern}; build one with: make wheel-aarch64")
    folder = sysroot.root.parent / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"testing {wheels[-1].relative_to(ROOT)}", flush=True)
    command = [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", f"--target={folder}"]
    # As on a board whose glibc is as old as the tag says.
    command += ["--only-binary=:all:", f"--platform={wheels[-1].stem.rpartition('-')[2]}", "--implementation=cp"]
    command += [f"--python-version={sysroot.python}", str(wheels[-1])]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    main()
