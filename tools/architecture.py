"""The house as the code has it: which folder uses which, read from includes and imports, and drawn as a picture.

`python -m tools.architecture FILE.svg` writes the picture; with `--check` before the name it says whether the file is
still what the code gives. `tests/codebase/test_layout.py` holds the same arrows against the list of what is allowed.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "cpp" / "core" / "zerolite"
BINDINGS = ROOT / "cpp" / "bindings"
PACKAGE = ROOT / "python" / "zerolite"

#: Folder -> each folder that it uses -> the files that do.
Uses = dict[str, dict[str, list[str]]]

#: What a file in no folder is counted as: the module of the bindings, the face of the package.
ROOM_WITHOUT_FOLDER = "(root)"
NATIVE = "_native"


def core_uses() -> Uses:
    """The folders of the core, by their includes."""
    uses: Uses = {}
    for path in _cpp_files(CORE):
        for header in included(path):
            if header.startswith("zerolite/"):
                _note(uses, _folder(path, CORE), header.split("/")[1], path)
    return uses


def bindings_uses() -> Uses:
    """The folders of the bindings, by their includes of one another."""
    uses: Uses = {}
    for path in _cpp_files(BINDINGS):
        uses.setdefault(_folder(path, BINDINGS), {})
        for header in included(path):
            if (BINDINGS / header).is_file():
                _note(uses, _folder(path, BINDINGS), _folder(BINDINGS / header, BINDINGS), path)
    return uses


def bindings_core_uses() -> Uses:
    """What the folders of the bindings use of the core."""
    uses: Uses = {}
    for path in _cpp_files(BINDINGS):
        for header in included(path):
            if header.startswith("zerolite/"):
                _note(uses, _folder(path, BINDINGS), header.split("/")[1], path)
    return uses


def package_uses() -> Uses:
    """The folders of the package, by their imports; `_native` is one of what they use."""
    uses: Uses = {}
    for path in package_files():
        uses.setdefault(_folder(path, PACKAGE), {})
        for module in imported(path):
            target = module.split(".")[1] if module.count(".") else ROOM_WITHOUT_FOLDER
            _note(uses, _folder(path, PACKAGE), target, path)
    return uses


def module_imports() -> dict[str, set[str]]:
    """Each module of the package, and the modules of the package that it imports."""
    return {module_name(path): imported(path) - {module_name(path)} for path in package_files()}


def package_files() -> list[Path]:
    """The package's modules."""
    return sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)


def module_name(path: Path) -> str:
    """The dotted name of a module of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """The modules of the package that one of its modules imports, wherever in it, for type checkers too.

    A name that a package hands on counts as the package: `from zerolite.tuned import Setting` is "zerolite.tuned".
    """
    return {module for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for module in _modules(node)}


def _modules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == PACKAGE.name)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE.name:
        module = str(node.module)
        for alias in node.names:
            whole = f"{module}.{alias.name}"
            place = PACKAGE.parent.joinpath(*whole.split("."))
            is_module = place.with_suffix(".py").is_file() or place.with_suffix(".pyi").is_file()
            yield whole if is_module or (place / "__init__.py").is_file() else module


def included(path: Path) -> set[str]:
    """The headers in quotes that a C++ file includes."""
    return set(re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(encoding="utf-8"), re.M))


def _cpp_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".cpp", ".hpp", ".def"))


def _folder(path: Path, root: Path) -> str:
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else ROOM_WITHOUT_FOLDER


def _note(uses: Uses, folder: str, target: str, path: Path) -> None:
    targets = uses.setdefault(folder, {})
    if target != folder:
        targets.setdefault(target, []).append(path.relative_to(ROOT).as_posix())


# The picture

_WIDTH = 1000
_BOX_HEIGHT = 34
_ROW = 84
_MARGIN = 24
_TITLE = 34
_PANELS = {
    "python/zerolite": ("#e8f1fb", "#2f6fb0"),
    "cpp/bindings": ("#f3ecfa", "#7a4fa8"),
    "cpp/core/zerolite": ("#e9f6ee", "#2e8b57"),
    "third_party": ("#f6f1e7", "#a0762b"),
}


def levels(uses: Mapping[str, Mapping[str, object]]) -> list[list[str]]:
    """The folders in rows, from the ground up: each is one row above the highest of those that it uses."""
    heights: dict[str, int] = {}

    def height(folder: str) -> int:
        if folder not in heights:
            heights[folder] = 0  # a circle ends here
            heights[folder] = max((1 + height(target) for target in uses[folder] if target in uses), default=0)
        return heights[folder]

    rows: list[list[str]] = [[] for _ in range(1 + max(map(height, uses)))]
    for folder in sorted(uses):
        rows[heights[folder]].append(folder)
    return rows


def reduced(uses: Mapping[str, Mapping[str, object]]) -> list[tuple[str, str]]:
    """The arrows that no longer way says already."""
    arrows = {folder: {target for target in targets if target in uses} for folder, targets in uses.items()}

    def reached(folder: str) -> set[str]:
        found: set[str] = set()
        new = arrows[folder]
        while new:
            found |= new
            new = set().union(*(arrows[target] for target in new)) - found
        return found

    return [
        (folder, target)
        for folder in sorted(arrows)
        for target in sorted(arrows[folder])
        if not any(target in reached(other) for other in arrows[folder] - {target})
    ]


def picture() -> str:
    """The house as SVG, panel by panel from the package down to the declared ABI."""
    package = {name: uses for name, uses in package_uses().items() if name != ROOM_WITHOUT_FOLDER}
    panels: dict[str, Mapping[str, Mapping[str, object]]] = {
        "python/zerolite": package,
        "cpp/bindings": {name: uses for name, uses in bindings_uses().items() if name != ROOM_WITHOUT_FOLDER},
        "cpp/core/zerolite": core_uses(),
        "third_party": {path.name: {} for path in sorted((ROOT / "third_party").iterdir()) if path.is_dir()},
    }
    drawn: list[str] = []
    top = _MARGIN
    for title, uses in panels.items():
        lines, height = _panel(title, uses, top)
        drawn += lines
        top += height + _MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" font-family="sans-serif" font-size="14">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="context-stroke"/></marker></defs>'
    )
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{top}" fill="#ffffff"/>', *drawn, "</svg>", ""])


def _panel(title: str, uses: Mapping[str, Mapping[str, object]], top: int) -> tuple[list[str], int]:
    fill, line = _PANELS[title]
    rows = levels(uses)
    height = _TITLE + len(rows) * _ROW - (_ROW - _BOX_HEIGHT) + 16
    drawn = [
        f'<rect x="{_MARGIN}" y="{top}" width="{_WIDTH - 2 * _MARGIN}" height="{height}" rx="10" fill="{fill}"/>',
        f'<text x="{_MARGIN + 14}" y="{top + 22}" font-weight="bold" fill="{line}">{escape(title)}</text>',
    ]
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(reversed(rows)):
        step = (_WIDTH - 2 * _MARGIN) / len(row)
        y = float(top + _TITLE + number * _ROW)
        for place, folder in enumerate(row):
            places[folder] = (_MARGIN + (place + 0.5) * step, y)
    for folder, target in reduced(uses):
        (x, y), (end_x, end_y) = places[folder], places[target]
        start_y = y + _BOX_HEIGHT
        bend = (end_y - start_y) / 2
        drawn.append(
            f'<path d="M{x:.0f},{start_y:.0f} C{x:.0f},{start_y + bend:.0f} {end_x:.0f},{end_y - bend:.0f} '
            f'{end_x:.0f},{end_y:.0f}" fill="none" stroke="{line}" stroke-opacity="0.55" marker-end="url(#head)"/>'
        )
    for folder, (x, y) in places.items():
        width = 26 + 8 * len(folder)
        drawn.append(
            f'<rect x="{x - width / 2:.0f}" y="{y:.0f}" width="{width}" height="{_BOX_HEIGHT}" rx="6" fill="#ffffff" '
            f'stroke="{line}"/><text x="{x:.0f}" y="{y + 22:.0f}" text-anchor="middle">{escape(folder)}</text>'
        )
    return drawn, height


def main(arguments: list[str]) -> int:
    """Write the picture, or check it."""
    check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + check:
        print("usage: python -m tools.architecture [--check] FILE.svg", file=sys.stderr)
        return 2
    path = Path(arguments[-1])
    if not check:
        path.write_text(picture(), encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == picture():
        return 0
    print(
        f"{path} is not what the code gives any more; write it anew: python -m tools.architecture {path}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
