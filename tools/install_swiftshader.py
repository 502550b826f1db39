"""Put SwiftShader, a Vulkan driver that computes on the CPU, below build/: the GPU tests run on it.

Debian has it inside its package `chromium-common`, which is downloaded and unpacked and not installed. The loader that
finds the driver is the package `libvulkan1`, which has to be installed.

    python3 -m tools.install_swiftshader [DIRECTORY]
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "chromium-common"
FILES = ("vk_swiftshader_icd.json", "libvk_swiftshader.so")
DEFAULT = Path(__file__).parent.parent / "build" / "swiftshader"


class InstallError(Exception):
    """What is missing, and how to get it."""


def install(directory: Path) -> None:
    """Unpack the driver into the directory, unless it is there.

    Raises:
        InstallError: this is no Debian, or its package can't be fetched or has no such driver.
    """
    if all((directory / name).is_file() for name in FILES):
        return
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise InstallError(f"there is no {program}: SwiftShader is taken from Debian's package {PACKAGE}")
    with tempfile.TemporaryDirectory() as scratch:
        archive = _download(Path(scratch))
        tree = Path(scratch) / "tree"
        _run("dpkg-deb", "--extract", str(archive), str(tree))
        found = {path.name: path for path in tree.rglob("*") if path.name in FILES}
        missing = sorted(set(FILES) - set(found))
        if missing:
            raise InstallError(f"{archive.name} has no {', '.join(missing)}; another release of Debian may have it")
        directory.mkdir(parents=True, exist_ok=True)
        for name in reversed(FILES):  # the description of the driver last: it is what says that all is there
            shutil.copy(found[name], directory / name)


def _download(directory: Path) -> Path:
    try:
        _apt_get("download", PACKAGE, directory=directory)
    except subprocess.CalledProcessError:
        try:  # the lists of packages are missing, or older than what the server has
            _apt_get("update", directory=directory)
            _apt_get("download", PACKAGE, directory=directory)
        except subprocess.CalledProcessError as failure:
            raise InstallError(
                f"the package {PACKAGE} can't be fetched; the reason stands above. Debian 12 has it"
            ) from failure
    return next(directory.glob("*.deb"))


def _apt_get(*arguments: str, directory: Path) -> None:
    # Root's downloads are otherwise given to a user who can't write here, with a warning.
    _run("apt-get", "--quiet=2", "--option=APT::Sandbox::User=root", *arguments, directory=directory)


def _run(*command: str, directory: Path | None = None) -> None:
    subprocess.run(command, check=True, cwd=directory, stdin=subprocess.DEVNULL)


def require_loader() -> None:
    """Raise InstallError when no Vulkan loader is installed."""
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError as failure:
        raise InstallError(
            f"the Vulkan loader is missing ({failure}); on Debian: apt-get install libvulkan1"
        ) from failure


def main() -> int:
    """Install, and tell where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "directory", nargs="?", type=Path, default=DEFAULT, help="where to; build/swiftshader by default"
    )
    directory = parser.parse_args().directory
    try:
        install(directory)
        require_loader()
    except (InstallError, OSError, subprocess.CalledProcessError) as failure:
        print(f"install_swiftshader: {failure}", file=sys.stderr)
        return 1
    print(f"VK_ICD_FILENAMES={(directory / FILES[0]).resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
