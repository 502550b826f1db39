"""Install the wheel with pip in fresh Debian systems, and compute with it there: `make test-debian-roots`.

Each system is made by debootstrap under build/debian-roots/, with Debian's own python3 and venv and nothing else, and
is entered by chroot, so this needs root, debootstrap and a network. A wheel for the system's CPython is taken from
dist/; where there is none, it is compiled within the system, by its own compiler. What is proven is that pip finds all
that the wheel asks for, that glibc and libstdc++ of that release are enough, and that answers are those of the
reference interpreter.

Debian 11 has CPython 3.9, for which zerolite is not: there pip has to refuse it, and install nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.debian_sysroot import SysrootError, debian_archive

ROOT = Path(__file__).resolve().parent.parent
ROOTS = ROOT / "build" / "debian-roots"
SUITES = {"bullseye": "Debian 11", "bookworm": "Debian 12", "testing": "Debian testing"}
OLDEST_PYTHON = (3, 10)
PACKAGES = ("ca-certificates", "python3", "python3-venv")
COMPILER = ("g++", "python3-dev")
# As for the wheels of a release.
PROGRAM = ROOT / "tools" / "release" / "first_inference.py"
MODELS = ("dense_2layer", "small_mobilenet_int8_float_io", "small_cnn_dynamic_range")


class RootError(Exception):
    """What stands in the way, and the command that mends it; or what did not hold."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Install the wheel in fresh Debian systems.")
    parser.add_argument("suites", nargs="*", default=list(SUITES), help="releases (default: %(default)s)")
    parser.add_argument("--mirror", help="Debian's archive (default: the one that this machine's APT uses)")
    arguments = parser.parse_args()
    try:
        require_root()
        for suite in arguments.suites:
            test(suite, arguments.mirror or debian_archive())
    except (RootError, SysrootError) as failure:
        sys.exit(f"tools/debian_roots.py: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"tools/debian_roots.py: '{shlex.join(map(str, failure.cmd))}' failed; the reason stands above")


def require_root() -> None:
    """Raise a RootError where no system can be made and entered."""
    if os.geteuid() != 0:
        raise RootError("systems are made and entered by root alone; run it as root, in a container for example")
    if not shutil.which("debootstrap"):
        raise RootError("debootstrap is not installed; install it with: apt-get install debootstrap")


def test(suite: str, mirror: str) -> None:
    """Install the wheel in a fresh system of one release, or see pip refuse it."""
    print(f"== {SUITES.get(suite, suite)} ({suite})", flush=True)
    root = make_root(suite, mirror)
    python = tuple(map(int, enter(root, "python3", "-c", "import sys; print(*sys.version_info[:2])").split()))
    enter(root, "python3", "-m", "venv", "--clear", "/venv")
    if python < OLDEST_PYTHON:
        see_refusal(root)
        return
    wheel = wheel_for(python, (ROOT / "dist").glob("*.whl")) or compiled_in(root)
    print(f"installing {wheel.name}", flush=True)
    enter(root, "/venv/bin/pip", "install", "--quiet", copied(wheel, root))
    models = [copied(ROOT / "tests" / "models" / f"{name}.tflite", root) for name in MODELS]
    version = wheel.name.split("-")[1]
    print(enter(root, "/venv/bin/python", copied(PROGRAM, root), version, *models), end="", flush=True)


def make_root(suite: str, mirror: str) -> Path:
    """Make a fresh system and return its folder."""
    root = ROOTS / suite
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    log = ROOTS / f"{suite}.log"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(root), mirror]
    with log.open("w", encoding="utf-8") as file:
        made = subprocess.run(command, check=False, stdout=file, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        raise RootError(
            f"debootstrap could not make {suite}; the reason is in {log}, and further down in the system's own"
        )
    # The machine's way to the network, and whom it trusts there.
    for path in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
        if Path(path).is_file():
            shutil.copyfile(path, f"{root}{path}")
    return root


def enter(root: Path, *command: str) -> str:
    """Run a command in the system and return what it prints."""
    done = run_in(root, command)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise subprocess.CalledProcessError(done.returncode, command)
    return done.stdout


def run_in(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    kept |= {name: os.environ[name] for name in ("PIP_INDEX_URL", "PIP_CERT") if name in os.environ}
    variables = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        **kept,
    }
    # The runtime library looks at /proc. The mount is the command's own, and ends with it.
    script = 'mount --bind /proc "$0/proc" && exec chroot "$0" "$@"'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, str(root), *command],
        check=False,
        capture_output=True,
        text=True,
        env=variables,
        stdin=subprocess.DEVNULL,
    )


def wheel_for(python: Sequence[int], wheels: Iterable[Path]) -> Path | None:
    """The newest of the wheels for this version of CPython and this machine."""
    tag = f"cp{python[0]}{python[1]}"
    pattern = re.compile(rf"zerolite-[^-]+-{tag}-{tag}-\S*linux\S*_{re.escape(os.uname().machine)}\.whl")
    fitting = [path for path in wheels if pattern.fullmatch(path.name)]
    return max(fitting, key=lambda path: path.stat().st_mtime, default=None)


def see_refusal(root: Path) -> None:
    """See that pip does not install what is for newer versions of CPython, and says so."""
    wheels = sorted((ROOT / "dist").glob("zerolite-*.whl"))
    if not wheels:
        raise RootError("dist/ has no wheel that could be refused; build one with: make wheel")
    done = run_in(root, ["/venv/bin/pip", "install", "--no-deps", copied(wheels[-1], root)])
    words = done.stdout + done.stderr
    if done.returncode == 0 or "is not a supported wheel on this platform" not in words:
        raise RootError(f"pip of a CPython that is too old did not refuse {wheels[-1].name}: {words}")
    if run_in(root, ["/venv/bin/python", "-c", "import zerolite"]).returncode == 0:
        raise RootError("the wheel was refused, and is there nevertheless")
    print("refused, as it has to be:", next(line for line in words.splitlines() if "not a supported wheel" in line))


def compiled_in(root: Path) -> Path:
    """Compile a wheel within the system, from a source distribution, and return its path."""
    print("dist/ has no wheel for its CPython, so one is compiled there, which takes minutes", flush=True)
    sources = ROOTS / "source"
    shutil.rmtree(sources, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--sdist", f"--outdir={sources}"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    enter(root, "apt-get", "update", "-qq")
    enter(root, "apt-get", "install", "-qq", "--no-install-recommends", *COMPILER)
    enter(
        root, "/venv/bin/pip", "wheel", "--no-deps", "--wheel-dir=/wheel", copied(next(sources.glob("*.tar.gz")), root)
    )
    return next((root / "wheel").glob("*.whl"))


def copied(file: Path, root: Path) -> str:
    """Copy a file into the system and return its path there."""
    (root / "given").mkdir(exist_ok=True)
    shutil.copy(file, root / "given" / file.name)
    return f"/given/{file.name}"


if __name__ == "__main__":
    main()
