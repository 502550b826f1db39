"""What builds and tests the package in public names the same versions of CPython as the package itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def versions() -> list[str]:
    """Those of the classifiers."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PROJECT)


def section(name: str) -> str:
    """A table of pyproject.toml as text: CPython 3.10 has no reader for it."""
    found = re.search(rf"^\[{re.escape(name)}\]\n(.*?)(?=^\[)", PROJECT, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def jobs() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        # YAML 1.1 reads the key "on" as true.
        assert workflow.keys() >= {"name", True, "permissions", "jobs"}, path
        found |= workflow["jobs"]
    return found


def steps() -> list[dict[str, Any]]:
    return [step for job in jobs().values() for step in job["steps"]]


def test_the_versions_have_no_gap_and_begin_where_the_package_does() -> None:
    minors = [int(version.removeprefix("3.")) for version in versions()]
    assert minors == list(range(minors[0], minors[0] + len(minors)))
    assert f'requires-python = ">={versions()[0]}"' in PROJECT


def test_each_version_has_a_wheel_and_a_run_of_the_suite() -> None:
    built = re.findall(r'"cp3(\d+)-\*"', section("tool.cibuildwheel"))
    assert [f"3.{minor}" for minor in built] == versions()
    assert jobs()["tests"]["strategy"]["matrix"]["python"] == versions()


def test_wheels_ask_for_no_newer_glibc_than_the_runtime() -> None:
    linux = section("tool.cibuildwheel.linux")
    assert re.findall(r'manylinux-(\w+)-image = "(\w+)"', linux) == [
        ("x86_64", "manylinux_2_28"),
        ("aarch64", "manylinux_2_28"),
    ]


def test_a_wheel_is_tested_with_files_that_there_are() -> None:
    tests = re.findall(r"\{project\}/(\S+?\.py)", section("tool.cibuildwheel"))
    assert tests
    for test in tests:
        assert (ROOT / test).is_file(), test
        assert "import tensorflow" not in (ROOT / test).read_text(encoding="utf-8"), test


def test_jobs_end_by_themselves_and_use_actions_of_a_named_version() -> None:
    for name, job in jobs().items():
        assert job["timeout-minutes"] <= 120, name
    for step in steps():
        assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step


def test_what_jobs_make_is_a_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = [step["run"] for step in steps() if step.get("run", "").startswith("make ")]
    for command in commands:
        targets = [word for word in command.split()[1:] if "=" not in word]
        assert targets
        for target in targets:
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), command
    assert len(commands) == 3
