"""Make a virtual environment and install into it, with nothing but Python, a C++ compiler and a network.

`python3 tools/install.py build/venv-demo '.[demo]'` is `python3 -m venv` and `pip install` for a machine that
has them, and also works where a fresh machine falls short. Debian splits CPython into packages, and a machine
with only its `python3` has no `ensurepip` (package python3-venv), no pip, no `Python.h` (libpython3-dev) and
no certificates (ca-certificates). So:

- pip comes from `ensurepip`, or from the interpreter's own pip, or from the package index, as the release
  whose SHA-256 is written down below;
- `Python.h` is looked up, and on Debian and its kin unpacked under build/ from the distribution's package,
  without root and without installing it;
- what can't be had is said in one sentence, with the command that mends it, before anything is compiled.

Only the standard library is used here, and everything that is written lies in the environment and in build/.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

OLDEST_PYTHON = (3, 10)
ROOT = Path(__file__).resolve().parent.parent
PIP_WHEEL = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
# What compiles an editable install; an isolated build fetches them by itself when the machine has none.
BUILD_TOOLS = ("cmake>=3.22", "ninja>=1.11")

# What a wheel of the project is made of.
WHEEL_SOURCES = (
    *("pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "NOTICE"),
    *("cmake", "cpp", "python", "third_party"),
)


class InstallError(Exception):
    """What stands in the way, and the command that mends it."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a virtual environment and install packages into it.")
    parser.add_argument("directory", type=Path, help="the virtual environment; made when it is missing")
    parser.add_argument("requirements", nargs="+", help="what pip installs, such as '.[demo]'")
    parser.add_argument(
        "--editable",
        action="store_true",
        help="install the project in place, built with the environment's own tools, incrementally",
    )
    arguments = parser.parse_args()
    try:
        require_python_and_compiler()
        python = make_environment(arguments.directory.absolute())
        variables = build_variables(python)
        if arguments.editable:
            pip_install(python, variables, *build_requirements(), *BUILD_TOOLS)
            options = ["--no-build-isolation", *(f"--editable={item}" for item in arguments.requirements)]
            pip_install(python, variables, *options)
        else:
            pip_install(python, variables, *from_wheel(python, variables, arguments.requirements))
    except InstallError as failure:
        sys.exit(f"tools/install.py: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"tools/install.py: '{' '.join(map(str, failure.cmd))}' failed; the reason stands above")


def from_wheel(python: Path, variables: dict[str, str], requirements: list[str]) -> list[str]:
    """Return the requirements with the project, `.` and its extras, as a wheel: compiled once for all environments.

    A wheel is kept under build/ for as long as nothing that it is made of changes.
    """
    if not any(item.startswith(".") for item in requirements):
        return requirements
    folder = ROOT / "build" / "wheels" / sources_digest(python)
    if not list(folder.glob("*.whl")):
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--disable-pip-version-check", "--no-deps", f"--wheel-dir={unfinished}"]
        command = [*wheel_builder(python), *options, "."]
        print("+", *command, flush=True)
        subprocess.run(command, check=True, env=variables, cwd=ROOT, stdin=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    (wheel,) = folder.glob("*.whl")
    # Otherwise pip keeps what an environment has of the same version.
    pip_install(python, variables, "--quiet", "--no-deps", "--force-reinstall", str(wheel))
    return [f"{wheel}{item[1:]}" if item.startswith(".") else item for item in requirements]


def wheel_builder(python: Path) -> list[str]:
    """Return the command that builds wheels: with the development environment where there is one for this interpreter.

    Its editable install has compiled the same files with the same settings, in the same directory.
    """
    developing = ROOT / ".venv" / "bin" / "python"
    if (ROOT / ".venv" / ".installed").is_file() and interpreter_of(developing) == interpreter_of(python):
        return [str(developing), "-m", "pip", "wheel", "--no-build-isolation"]
    return [str(python), "-m", "pip", "wheel"]


def interpreter_of(python: Path) -> bytes:
    """Return what tells an interpreter from others: version, build and platform; nothing for one that does not run."""
    query = "import sys, sysconfig; print(sys.version, sysconfig.get_platform())"
    return subprocess.run([python, "-c", query], check=False, capture_output=True, stdin=subprocess.DEVNULL).stdout


def sources_digest(python: Path) -> str:
    """Return a digest of what a wheel is made of: sources, interpreter and the settings of the compiler."""
    digest = hashlib.sha256()
    digest.update(interpreter_of(python))
    for name in ("CXX", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CMAKE_ARGS", "SKBUILD_CMAKE_ARGS"):
        digest.update(f"{name}={os.environ.get(name)}\n".encode())
    for part in WHEEL_SOURCES:
        found = [ROOT / part] if (ROOT / part).is_file() else sorted((ROOT / part).rglob("*"))
        for path in found:
            if path.is_file() and path.suffix not in {".pyc", ".so"}:
                digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def require_python_and_compiler() -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise InstallError(
            f"zerolite needs Python {'.'.join(map(str, OLDEST_PYTHON))} or newer, and {sys.executable} is "
            f"{sys.version.split()[0]}; name a newer one with: make PYTHON=python3.12 ..."
        )
    candidates = [os.environ["CXX"].split()[0]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    if not any(shutil.which(name) for name in candidates):
        raise InstallError(
            f"there is no C++ compiler (looked for {', '.join(candidates)}); install one with: apt-get install g++"
        )


def make_environment(directory: Path) -> Path:
    """Return the environment's interpreter, after making the environment where it is missing or broken."""
    python = directory / "bin" / "python"
    if not succeeds(python, "-c", "import sys"):
        if importlib.util.find_spec("venv") is None:
            raise InstallError(
                f"{sys.executable} comes without the module 'venv'; install it with: apt-get install python3-venv"
            )
        # Without pip: with it, venv fails on a Debian without the package python3-venv.
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", directory], check=True)
    if not succeeds(python, "-m", "pip", "--version"):
        install_pip(python)
    return python


def install_pip(python: Path) -> None:
    if importlib.util.find_spec("ensurepip") is not None and succeeds(python, "-m", "ensurepip", "--default-pip"):
        return
    own_pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "pip"]
    if importlib.util.find_spec("pip") is not None and succeeds(*own_pip):
        return
    wheel = python.parent.parent / PIP_WHEEL
    wheel.write_bytes(download_pip())
    # A wheel of pip runs from inside the archive, and so installs itself.
    subprocess.run([python, wheel / "pip", "install", "--quiet", "--no-index", wheel], check=True)
    wheel.unlink()


def download_pip() -> bytes:
    """Fetch the pinned wheel of pip from the package index (`PIP_INDEX_URL`, as for pip itself, or PyPI)."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    try:
        link = re.search(rf'href="([^"]*/{re.escape(PIP_WHEEL)})', fetch(index).decode())
        if link is None:
            raise InstallError(f"{index} has no {PIP_WHEEL}; install pip with: apt-get install python3-venv")
        wheel = fetch(urllib.parse.urljoin(index, link.group(1)))
    except urllib.error.URLError as failure:
        raise InstallError(
            f"this Python has no pip, and {index} can't be reached to get it ({failure.reason}); "
            "connect to the network, or install pip with: apt-get install python3-venv"
        ) from failure
    digest = hashlib.sha256(wheel).hexdigest()
    if digest != PIP_SHA256:
        raise InstallError(
            f"{PIP_WHEEL} from {index} has the SHA-256 {digest} where {PIP_SHA256} was expected, "
            "so it is not used; install pip with: apt-get install python3-venv"
        )
    return wheel


def fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.URLError as failure:
        if not isinstance(failure.reason, ssl.SSLCertVerificationError):
            raise
    # Debian's python3 does not bring certificates along. The bytes are judged by their SHA-256 all the same.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=60, context=context) as answer:
        return bytes(answer.read())


def build_variables(python: Path) -> dict[str, str]:
    """Return the environment variables for pip, with what the build needs to find `Python.h`."""
    variables = dict(os.environ)
    query = "import sysconfig; print(sysconfig.get_path('include')); print(sysconfig.get_path('platinclude'))"
    folders = subprocess.run([python, "-c", query], check=True, capture_output=True, text=True).stdout.splitlines()
    if any(Path(folder, "Python.h").is_file() for folder in folders):
        return variables
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    include = unpack_debian_headers(version)
    # The Makefile, which runs CMake itself for clang-tidy, finds the headers through this link.
    link = python.parent.parent / "headers"
    link.unlink(missing_ok=True)
    link.symlink_to(include.parent)
    variables["CMAKE_ARGS"] = f"{variables.get('CMAKE_ARGS', '')} -DPython_INCLUDE_DIR={include}".strip()
    # Debian's pyconfig.h includes a second one relative to usr/include.
    paths = [str(include.parent), variables.get("CPLUS_INCLUDE_PATH", "")]
    variables["CPLUS_INCLUDE_PATH"] = os.pathsep.join(filter(None, paths))
    return variables


def unpack_debian_headers(version: str) -> Path:
    """Unpack CPython's headers from Debian's package under build/ and return the folder with `Python.h`.

    `apt-get update` and `apt-get download` work on lists and a cache of their own, so neither root nor lists
    that are already there are needed, and the machine's own package state is not touched.
    """
    package = f"libpython{version}-dev"
    missing = f"{sys.executable} comes without Python.h, which the extension module is compiled with"
    if not Path(sys.executable).resolve().is_relative_to("/usr/bin") or not shutil.which("apt-get"):
        raise InstallError(f"{missing}; install the development package of this Python (python3-dev, python3-devel)")
    root = ROOT / "build" / f"headers-{version}"
    include = root / "usr" / "include" / f"python{version}"
    if (include / "Python.h").is_file():
        return include
    print(f"{missing}; unpacking it from Debian's package {package}", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("lists/partial", "cache/archives/partial"):
        (root / folder).mkdir(parents=True)
    apt = [
        "apt-get",
        "--quiet=2",
        f"-oDir::State::Lists={root / 'lists'}",
        f"-oDir::Cache={root / 'cache'}",
        # As root, apt-get would change to a user who can't write here.
        "-oAPT::Sandbox::User=root",
    ]
    try:
        subprocess.run([*apt, "update"], check=True, stdin=subprocess.DEVNULL)
        subprocess.run([*apt, "download", package], check=True, stdin=subprocess.DEVNULL, cwd=root)
        subprocess.run(["dpkg", "--extract", *root.glob(f"{package}_*.deb"), root], check=True)
    except subprocess.CalledProcessError as failure:
        raise InstallError(
            f"{missing}, and it can't be fetched; install it with: apt-get install {package}"
        ) from failure
    shutil.rmtree(root / "lists")
    shutil.rmtree(root / "cache")
    return include


def build_requirements() -> list[str]:
    """Return `[build-system] requires` of pyproject.toml, which lists strings that are also JSON."""
    # tomllib is only in Python 3.11 and newer.
    found = re.search(r"^requires = (\[.*?\])", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None, "pyproject.toml has no [build-system] requires"
    requirements: list[str] = json.loads(found.group(1))
    return requirements


def pip_install(python: Path, variables: dict[str, str], *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    print("+", *command, flush=True)
    subprocess.run(command, check=True, env=variables, cwd=ROOT, stdin=subprocess.DEVNULL)


def succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
