"""The command: `python -m benchmarks [--quick] [NAME ...]`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

from benchmarks.outcome import Outcome
from benchmarks.plot import plot, plot_overview
from benchmarks.report import markdown
from benchmarks.settings import Settings
from benchmarks.suite import BENCHMARKS
from zerolite._platform.files import write_atomically
from zerolite.benchmarking import describe_machine

_ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the named benchmarks, or all; write their results, the page and the pictures. 1 if one of them failed."""
    settings, names = _arguments()
    settings.results.mkdir(parents=True, exist_ok=True)
    settings.overview.parent.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in names:
        started = time.monotonic()
        print(f"{name} ...", flush=True)
        try:
            outcome = BENCHMARKS[name](settings)
        except (ImportError, OSError, RuntimeError) as error:
            # One that can't run here, for want of a compiler or a package, does not keep the others from it.
            print(f"{name} failed: {error}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        outcome = dataclasses.replace(outcome, machine=describe_machine(), quick=settings.quick)
        # Where a file lies in the project is of interest, where the project lies is not.
        text = outcome.to_json().replace(f"{_ROOT}{os.sep}", "")
        write_atomically(settings.results / f"{name}.json", text.encode())
        for figure in outcome.figures:
            against = f" / {figure.reference}" if figure.reference else ""
            target = "" if figure.target is None else f", {figure.goal} {figure.target:g}: {figure.verdict}"
            print(f"  {figure.name}{against}: {figure.median:.3f}{target}")
        print(f"  {time.monotonic() - started:.0f} s", flush=True)

    found = {name: Outcome.read(path) for name in BENCHMARKS if (path := settings.results / f"{name}.json").is_file()}
    if found:
        write_atomically(settings.results / "README.md", markdown(found).encode())
        write_atomically(settings.results / "benchmarks.png", plot(found))
        write_atomically(settings.overview, plot_overview(found))
        print(f"{settings.results / 'README.md'} and {settings.overview} written")
    return 1 if failed else 0


def _arguments() -> tuple[Settings, list[str]]:
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Benchmarks of zerolite and others.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to run, by default all: {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--quick", action="store_true", help="only see that everything works; the numbers mean nothing")
    parser.add_argument("--results", type=Path, default=default.results, help="the folder for JSON files and the page")
    parser.add_argument(
        "--overview", type=Path, default=default.overview, help="the file for the picture of the most important ratios"
    )
    parser.add_argument(
        "--build", type=Path, default=default.build, help="the folder for models, programs and environments"
    )
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if given.quick and given.results == default.results:
        parser.error("a quick run's numbers mean nothing; choose another folder for them with --results")
    overview = given.overview if given.results == default.results else given.results / given.overview.name
    settings = Settings(results=given.results, overview=overview, build=given.build.absolute(), quick=given.quick)
    return settings, [name for name in BENCHMARKS if not given.names or name in given.names]


if __name__ == "__main__":
    sys.exit(main())
