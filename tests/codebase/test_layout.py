"""Which folder may use which: every include and every import of the code is held against these lists.

A folder stands above those that it uses, so the lists, read from the top, are the house from the ground up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

from tools.architecture import (
    BINDINGS,
    CORE,
    NATIVE,
    PACKAGE,
    ROOM_WITHOUT_FOLDER,
    ROOT,
    Uses,
    bindings_core_uses,
    bindings_uses,
    core_uses,
    included,
    levels,
    main,
    module_imports,
    package_uses,
    reduced,
)

MOST_FILES = 15

CORE_LISTS = {
    "platform": "",
    "tensor": "platform",
    "runtime": "platform",
    "model": "platform tensor runtime",
    "verification": "platform tensor model",
    "graph": "platform tensor runtime model",
    "guards": "tensor model verification graph",
    "instrumentation": "tensor runtime graph",
    "operators": "platform tensor runtime model graph",
    "delegates": "platform runtime model graph",
    "cache": "platform runtime model delegates",
    "execution": "platform tensor runtime model graph instrumentation operators delegates",
    "compilation": "platform runtime model verification graph guards operators delegates cache execution",
    "inference": (
        "platform tensor runtime model graph instrumentation operators delegates cache execution compilation"
    ),
}
# These know the runtime by what others tell them of it.
WITHOUT_THE_ABI = ("platform", "tensor", "verification", "cache")

BINDINGS_LISTS = {
    "python": "",
    "arrays": "",
    "signature": "python arrays",
    "operators": "python arrays",
    "model": "python arrays signature operators",
    "interpreter": "python arrays signature operators model",
}
# The module, and what it registers; the only files in no folder.
BINDINGS_ROOT = ("CMakeLists.txt", "module.cpp", "register.hpp", "runtime.cpp")
NOT_FOR_BINDINGS = ("cache", "guards")

PACKAGE_LISTS = {
    "_platform": "",
    "_hub": "",
    "_timing": "",
    "_runtime": "",
    "inspection": "",
    "metadata": "_hub _platform _runtime",
    "_plots": "_platform",
    "operators": "",
    "delegates": "_runtime operators",
    "_isolation": "_platform operators metadata",
    "tuned": "_platform _runtime delegates",
    "_instrumentation": "_platform _runtime _timing delegates",
    "_inference": "_hub _platform _runtime operators delegates tuned _isolation _instrumentation",
    "interpreter": "operators delegates _inference",
    "_runners": "_hub _platform _runtime delegates _inference",
    "benchmarking": "_hub _platform _runtime _timing delegates _inference",
    "compat": "interpreter",
    "vision": "_platform _runtime _runners metadata",
    "tasks": "_hub _platform operators _inference _runners _runtime tuned metadata vision",
    "_data": "_platform _runners vision",
    "evaluation": "_platform _timing _runners vision tasks _data",
    "layers": "_inference _instrumentation _plots _runners vision _data",
    "conversion": "_hub _platform _runtime _timing _plots _inference _runners metadata vision _data evaluation layers",
    "tuning": "_platform _runtime _timing _plots delegates tuned _inference _runners _data benchmarking",
    "comparison": "_hub _platform _plots _runners vision _data evaluation",
    "serving": "_hub delegates tuned vision _inference",
    "integrations": "_runtime delegates _inference serving",
    "demo": "_platform comparison conversion",
    "cli": "*",
}
WITHOUT_NATIVE = ("_platform", "_plots", "_timing")
# What stands for somebody who imports zerolite: the command line, the demonstration, and programs of other processes.
USERS_OF_THE_FACE = ("cli", "demo", "benchmarking/session.py", "benchmarking/first_result_program.py")
PACKAGE_ROOT = ("__init__.py", "__main__.py", "_native.pyi", "py.typed")


def wrong_arrows(uses: Uses, lists: Mapping[str, str]) -> dict[str, list[str]]:
    """Arrows that no list has, each with the files that it is in."""
    return {
        f"{folder} -> {target}": files
        for folder, targets in uses.items()
        for target, files in targets.items()
        if lists.get(folder) != "*" and target not in lists.get(folder, "").split()
    }


def unused_names(uses: Uses, lists: Mapping[str, str]) -> list[str]:
    return [
        f"{folder} -> {target}"
        for folder, allowed in lists.items()
        for target in allowed.split()
        if target != "*" and target not in uses.get(folder, {})
    ]


def rooms(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir() and path.name != "__pycache__"}


def without(uses: Uses, *left_out: str) -> Uses:
    return {
        folder: {target: files for target, files in targets.items() if target not in left_out}
        for folder, targets in uses.items()
        if folder not in left_out
    }


def is_below_all_its_users(lists: Mapping[str, str]) -> bool:
    known: set[str] = set()
    for folder, allowed in lists.items():
        if allowed != "*" and not known.issuperset(allowed.split()):
            return False
        known.add(folder)
    return True


@pytest.mark.parametrize("lists", [CORE_LISTS, BINDINGS_LISTS, PACKAGE_LISTS])
def test_lists_go_one_way(lists: dict[str, str]) -> None:
    assert is_below_all_its_users(lists)


# The core


def test_core_keeps_to_its_lists() -> None:
    uses = core_uses()
    assert rooms(CORE) == set(CORE_LISTS)
    assert not wrong_arrows(uses, CORE_LISTS)
    assert not unused_names(uses, CORE_LISTS)


@pytest.mark.parametrize("folder", WITHOUT_THE_ABI)
def test_folders_that_know_no_abi(folder: str) -> None:
    for path in (CORE / folder).iterdir():
        assert not [header for header in included(path) if header.startswith("litert_abi/")], path
        assert "abi::" not in path.read_text(encoding="utf-8"), path


# The bindings


def test_bindings_keep_to_their_lists() -> None:
    uses = without(bindings_uses(), ROOM_WITHOUT_FOLDER)
    assert rooms(BINDINGS) == set(BINDINGS_LISTS)
    assert not wrong_arrows(uses, BINDINGS_LISTS)
    assert not unused_names(uses, BINDINGS_LISTS)
    assert not [folder for folder, targets in bindings_core_uses().items() if {*targets} & {*NOT_FOR_BINDINGS}]


def test_bindings_use_no_file_of_the_root_but_the_list_of_parts() -> None:
    for path in BINDINGS.rglob("*.?pp"):
        if path.parent != BINDINGS:
            assert included(path) & {*BINDINGS_ROOT} <= {"register.hpp"}, path


# The package


def test_package_keeps_to_its_lists() -> None:
    uses = without(package_uses(), ROOM_WITHOUT_FOLDER, NATIVE)
    assert rooms(PACKAGE) == set(PACKAGE_LISTS)
    assert not wrong_arrows(uses, PACKAGE_LISTS)
    assert not unused_names(uses, PACKAGE_LISTS)


def test_folders_that_do_without_the_native_part() -> None:
    uses = package_uses()
    assert not {folder: uses[folder][NATIVE] for folder in WITHOUT_NATIVE if NATIVE in uses[folder]}


def test_names_come_from_where_they_are_defined() -> None:
    faces = [file for targets in package_uses().values() for file in targets.get(ROOM_WITHOUT_FOLDER, [])]
    allowed = tuple(f"python/zerolite/{user}" for user in USERS_OF_THE_FACE)
    assert not [file for file in faces if not file.startswith(allowed) and not file.endswith("zerolite/__main__.py")]


def test_no_modules_form_a_circle() -> None:
    arrows = module_imports()
    while ends := [module for module, targets in arrows.items() if not targets & arrows.keys()]:
        for module in ends:
            del arrows[module]
    assert not arrows, "each of these imports another one of them, directly or not"


# Folders


def test_roots_hold_what_belongs_to_all() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file() and path.suffix != ".so"} == set(PACKAGE_ROOT)
    assert {path.name for path in BINDINGS.iterdir() if path.is_file()} == set(BINDINGS_ROOT)
    assert not [path for path in CORE.iterdir() if path.is_file()]


def test_folders_are_neither_lonely_nor_crowded() -> None:
    sizes = {folder.relative_to(ROOT).as_posix(): len(concepts(folder)) for folder in code_folders()}
    assert not {folder: size for folder, size in sizes.items() if not 2 <= size <= MOST_FILES}


def code_folders() -> Iterable[Path]:
    for root in (CORE, BINDINGS, PACKAGE):
        yield from (path for path in root.rglob("*") if path.is_dir() and path.name not in (*NOT_CODE, *OTHERS))
    yield from (path for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py")))
    yield ROOT / "tests" / "support"
    yield ROOT / "cpp" / "tests" / "support"


# A package that bears the name of somebody else's.
OTHERS: Collection[str] = ("tflite_runtime",)
NOT_CODE: Collection[str] = ("__pycache__", "templates", "include")


def concepts(folder: Path) -> set[str]:
    """A header and its source count once, and what makes a folder a package not at all."""
    code = {path.stem for path in folder.iterdir() if path.suffix in (".py", ".cpp", ".hpp", ".def")}
    return (code | {path.name for path in folder.iterdir() if path.is_dir() and path.name not in NOT_CODE}) - {
        "__init__"
    }


# The picture


def test_the_picture_is_of_this_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(ROOT / "docs" / "images" / "architecture.svg")]) == 0, capsys.readouterr().err


def test_what_the_picture_leaves_out_is_said_by_other_arrows(tmp_path: Path) -> None:
    uses: Uses = {"top": {"middle": [], "ground": []}, "middle": {"ground": []}, "ground": {}}
    assert levels(uses) == [["ground"], ["middle"], ["top"]]
    assert reduced(uses) == [("middle", "ground"), ("top", "middle")]
    assert main(["--check", str(tmp_path / "nowhere.svg")]) == 1
    assert main([]) == 2


def test_the_page_names_files_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:cpp|python|tests|third_party)/[^`\s]*)`", page))
    assert named
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]
    rooms_named = set(re.findall(r"\*\*(\w+)\*\*", page))
    assert rooms_named == {*CORE_LISTS, *BINDINGS_LISTS, *PACKAGE_LISTS}, "one paragraph a room"
