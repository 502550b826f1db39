"""docs/runtime-contract.md and cpp/tests/contract name the same facts, and files that there are."""

from __future__ import annotations

import re

from tests.mutations.upstream import CRASHERS, REPORTED
from tests.support.python_process import ROOT

PAGE = (ROOT / "docs/runtime-contract.md").read_text(encoding="utf-8")
FACTS = re.findall(r"^\| `(\w+)` \| (.+) \| `([\w./]+)` \|$", PAGE, re.M)


def contract_tests() -> list[str]:
    sources = sorted((ROOT / "cpp/tests/contract").glob("*.cpp"))
    return [name for path in sources for name in re.findall(r"^TEST\(RuntimeContract, (\w+)\)", path.read_text(), re.M)]


def test_the_page_and_the_tests_name_the_same_facts() -> None:
    assert [name for name, _, _ in FACTS] != []
    assert sorted(name for name, _, _ in FACTS) == sorted(contract_tests())
    assert len({*contract_tests()}) == len(contract_tests())


def test_files_that_rest_on_facts_are_there() -> None:
    assert not [path for _, _, path in FACTS if not (ROOT / path).is_file()]


def test_the_page_names_every_series() -> None:
    table = (ROOT / "third_party/litert/include/litert_abi/series.hpp").read_text(encoding="utf-8")
    series = re.findall(r'\.name = "([\d.]+)"', table)
    assert series == re.findall(r"^\| (2\.\d+)", PAGE, re.M)
    for symbol in re.findall(r'\.cpu_delegate = "(\w+)"', table):
        assert f"`{symbol}`" in PAGE


def test_reports_of_models_are_those_that_the_program_shows() -> None:
    page = (ROOT / "docs/upstream.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.M)) == REPORTED
    assert not [name for name in REPORTED if not (CRASHERS / f"{name}.tflite").is_file()]
