"""Run the tests of the extension module on a build with sanitizers: `python -m tools.sanitized_tests address DIR`.

DIR is the build directory of CMake in which `make test-sanitized` or `make test-threads-sanitized` has built it.
CPython, NumPy and LiteRT's library are the ordinary ones: what is watched is zerolite's own C++, and all memory that is
allocated around it. A sanitizer has to be the first library of a process, so it is preloaded, and with it libstdc++,
whose functions it looks up when it starts. Reports go to files, because pytest keeps what is written to stderr to
itself; one report, from whichever process, is a failure. Those of UBSan go to stderr whatever it is told (GCC 12),
which pytest leaves open for them, and end the process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sanitizers.selection import ADDRESS_TESTS, THREAD_TESTS

ROOT = Path(__file__).resolve().parent.parent
HOOK = ROOT / "tests" / "sanitizers"  # whose sitecustomize.py puts the module in its place


@dataclass(frozen=True, slots=True)
class Sanitizer:
    """How a build is run.

    Attributes:
        library: the library that is preloaded, without its version.
        options: by environment variable, without the place of the reports.
        variables: environment variables besides.
        tests: what pytest is given.
    """

    library: str
    options: dict[str, str]
    variables: dict[str, str]
    tests: Sequence[str]


SANITIZERS = {
    "address": Sanitizer(
        library="libasan.so",
        options={
            # What CPython keeps until the end of the process looks like leaks; tests/sanitizers/test_leaks.py has
            # another way. Tests ask for more memory than there is, and get an exception.
            "ASAN_OPTIONS": "halt_on_error=1:abort_on_error=1:detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
        },
        # Each object of Python is an allocation of its own, with guards around it.
        variables={"PYTHONMALLOC": "malloc"},
        tests=ADDRESS_TESTS,
    ),
    "thread": Sanitizer(
        library="libtsan.so",
        # Not aborted: the handler of the signal, pytest's, may hang in the library.
        options={"TSAN_OPTIONS": f"halt_on_error=1:suppressions={HOOK / 'thread_suppressions.txt'}"},
        variables={},
        tests=THREAD_TESTS,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Test the extension module as it was built with a sanitizer.")
    parser.add_argument("sanitizer", choices=SANITIZERS)
    parser.add_argument("directory", type=Path, help="the build directory of CMake")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest; files replace the usual choice")
    arguments = parser.parse_args()
    sys.exit(run_tests(SANITIZERS[arguments.sanitizer], arguments.directory.absolute(), arguments.pytest))


def run_tests(sanitizer: Sanitizer, directory: Path, arguments: Sequence[str]) -> int:
    """Run pytest under the sanitizer and return its exit code, or 1 when there is a report."""
    reports = directory / "reports"
    reports.mkdir(exist_ok=True)
    for old in reports.iterdir():
        old.unlink()
    chosen = list(arguments)
    if not any(argument.partition("::")[0].endswith(".py") for argument in chosen):
        chosen += sanitizer.tests
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--capture=sys", *chosen]
    variables = {**os.environ, **variables_for(sanitizer, directory, reports / "report")}
    status = subprocess.run(command, check=False, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL).returncode
    found = [text for text in map(read_report, sorted(reports.iterdir())) if text]
    print(*found, sep="\n", file=sys.stderr)
    return status or int(bool(found))


def read_report(path: Path) -> str:
    """What was reported, without the notes that memory was asked for which there is not: tests do that on purpose."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if line and "AddressSanitizer failed to allocate" not in line)


def variables_for(sanitizer: Sanitizer, directory: Path, reports: Path) -> dict[str, str]:
    """The environment variables that tests, and the processes that they start, run with."""
    module = one_file(directory, "cpp/bindings/_native*.so")
    loaded = dependencies(module)
    return {
        **sanitizer.variables,
        **{name: f"{options}:log_path={reports}" for name, options in sanitizer.options.items()},
        "LD_PRELOAD": " ".join(loaded[name] for name in (sanitizer.library, "libstdc++.so")),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HOOK), os.environ.get("PYTHONPATH")])),
        "ZEROLITE_SANITIZED_MODULE": str(module),
        "ZEROLITE_SAMPLE_DELEGATE": str(one_file(directory, "cpp/tests/libsample_delegate.so")),
        "ZEROLITE_DELIBERATE_FAULTS": str(one_file(directory, "cpp/tests/libzerolite_deliberate_faults.so")),
    }


def one_file(directory: Path, pattern: str) -> Path:
    """The only file that the build has made under such a name."""
    found = list(directory.glob(pattern))
    if len(found) != 1:
        sys.exit(
            f"tools/sanitized_tests.py: {directory} has {len(found)} files {pattern}, not 1; run make test-sanitized"
        )
    return found[0]


def dependencies(module: Path) -> dict[str, str]:
    """Where the loader finds the libraries of a module, by their names without version."""
    lines = subprocess.run(["ldd", module], check=True, capture_output=True, text=True).stdout.splitlines()
    parts = [line.split() for line in lines if "=> /" in line]
    return {f"{name.partition('.so')[0]}.so": path for name, _, path, *_ in parts}


if __name__ == "__main__":
    main()
