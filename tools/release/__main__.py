"""Make a release of what is checked out: `python -m tools.release`, as `make release` does.

Into dist/ go the source distribution, wheels for x86-64 and 64-bit ARM, a bill of materials and checksums. Each wheel
is installed beside an interpreter of its own and computes there; the source distribution is compiled in a fresh
environment. Nothing is uploaded and no tag is set: the two commands for that are said at the end.

Wheels are built for the CPythons that Debian has, whatever this machine's own is. Others are built where they are
installed, by `make PYTHON=python3.12 VENV=.venv-3.12 wheel`; what lies in dist/ of this version is checked with the
rest.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from email.message import Message
from pathlib import Path

from tools.build_wheel import BuildError, build
from tools.debian_sysroot import SysrootError
from tools.installed_wheel import write_interpreter
from tools.python_sysroot import SUITES, PythonSysroot
from tools.release.archives import ArchiveError, check_archives, checksums, read_metadata
from tools.release.bill_of_materials import BillError, bill_of_materials
from tools.release.changelog import ChangelogError, section_of
from tools.wheel_check import WheelError
from tools.wheel_target import AARCH64, X86_64, WheelTarget

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
TARGETS = (X86_64, AARCH64)
PROGRAM = ROOT / "tools" / "release" / "first_inference.py"
# Float32, int8 and dynamic range: XNNPACK's kernels and the builtin ones.
MODELS = tuple(
    ROOT / "tests" / "models" / f"{name}.tflite"
    for name in ("dense_2layer", "small_mobilenet_int8_float_io", "small_cnn_dynamic_range")
)
REFUSALS = (ArchiveError, BillError, BuildError, ChangelogError, SysrootError, WheelError)


class ReleaseError(Exception):
    """Why nothing is released, and how to mend it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="Make a release into dist/.")
    parser.add_argument(
        "--python",
        dest="pythons",
        action="append",
        choices=sorted(SUITES, key=lambda version: int(version.partition(".")[2])),
        help="build for this CPython; may be repeated (default: all of Debian's)",
    )
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help="make everything although files are changed or the changelog is not ready",
    )
    arguments = parser.parse_args()
    try:
        make_release(arguments.pythons or list(SUITES), rehearsal=arguments.rehearsal)
    except (ReleaseError, *REFUSALS) as failure:
        sys.exit(f"tools/release: {failure}")
    except subprocess.CalledProcessError as failure:
        sys.exit(f"tools/release: '{' '.join(map(str, failure.cmd))}' failed; the reason stands above")


def make_release(pythons: Sequence[str], *, rehearsal: bool) -> None:
    """Build, check and try everything.

    Raises:
        ReleaseError: files are changed, and this is no rehearsal.
        ArchiveError, BillError, BuildError, ChangelogError, SysrootError, WheelError: as they say.
        CalledProcessError: a command failed, and said why.
    """
    if not rehearsal:
        require_committed()
    source = build_source_distribution()
    metadata = read_metadata(source)
    version = str(metadata["Version"])
    if not rehearsal:
        section_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    for target in TARGETS:
        for python in pythons:
            build(target, python)
    archives = [source, *sorted(DIST.glob(f"zerolite-{version}-*.whl"))]
    check_archives(archives, version, ROOT)
    run(sys.executable, "-m", "twine", "check", "--strict", *archives)
    for target in TARGETS:
        for python in pythons:
            try_wheel(target, python, metadata)
    try_source_distribution(source, version)
    bill = DIST / f"zerolite-{version}.cdx.json"
    bill.write_text(bill_of_materials(metadata), encoding="utf-8")
    (DIST / "SHA256SUMS").write_text(checksums([*archives, bill]), encoding="utf-8")
    print(f"\n{len(archives)} archives of {version} lie in dist/, checked and tried. To publish them:")
    print(f"  git tag --annotate v{version} --message 'zerolite {version}' && git push origin v{version}")
    print(f"  {sys.executable} -m twine upload {' '.join(f'dist/{path.name}' for path in archives)}")


def require_committed() -> None:
    """Refuse to release what no commit holds."""
    answer = subprocess.run(
        ["git", "status", "--porcelain"], check=True, cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines()
    if answer:
        raise ReleaseError(
            f"{len(answer)} files are changed or new, {answer[0].split()[-1]} among them; commit them first, or "
            "rehearse with --rehearsal"
        )


def build_source_distribution() -> Path:
    """Build it into dist/, in the place of an earlier one, and return its path."""
    folder = ROOT / "build" / "sdist"
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", f"--outdir={folder}")
    (built,) = folder.iterdir()
    DIST.mkdir(exist_ok=True)
    return Path(shutil.copy2(built, DIST))


def try_wheel(target: WheelTarget, python: str, metadata: Message) -> None:
    """Install the wheel with what it asks for, and let it compute."""
    sysroot = PythonSysroot(target, python)
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    interpreter = write_interpreter(sysroot, needed)
    run(interpreter, PROGRAM, metadata["Version"], *MODELS)


def try_source_distribution(source: Path, version: str) -> None:
    """Compile it as pip does for a machine that no wheel is for, and let it compute."""
    environment = ROOT / "build" / "venv-release"
    shutil.rmtree(environment, ignore_errors=True)
    run(sys.executable, ROOT / "tools" / "install.py", environment, source)
    run(environment / "bin" / "python", PROGRAM, version, *MODELS)


def run(*command: str | Path) -> None:
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
