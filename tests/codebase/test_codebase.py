"""Rules of the codebase that no compiler or linter knows: layers, sizes, names, one place for each fact."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
# Optional dependencies, and the reference interpreter's package, of which only the library is used.
LAZY_IMPORTS = {
    "ai_edge_litert",
    "click",
    "flatbuffers",
    "google",
    "graphviz",
    "grpc",
    "h5py",
    "httptools",
    "jinja2",
    "keras",
    "litert_quantizer",
    "matplotlib",
    "PIL",
    "prometheus_client",
    "psutil",
    "pyarrow",
    "ray",
    "rich",
    "sklearn",
    "starlette",
    "tensorflow",
    "tokenizers",
    "typer",
    "uvicorn",
    "uvloop",
}


def files(*patterns: str) -> list[Path]:
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern) if "__pycache__" not in path.parts)
    assert found, f"nothing matches {patterns}, so there is nothing to check"
    return found


def core() -> list[Path]:
    return files("cpp/core/**/*.cpp", "cpp/core/**/*.hpp")


def bindings() -> list[Path]:
    return files("cpp/bindings/**/*.cpp", "cpp/bindings/**/*.hpp")


def cpp() -> list[Path]:
    return files("cpp/**/*.cpp", "cpp/**/*.hpp")


def package() -> list[Path]:
    return files("python/**/*.py", "python/**/*.pyi")


def python() -> list[Path]:
    return files(*(f"{folder}/**/*.py" for folder in ("python", "tests", "benchmarks", "examples", "tools")))


def cmake() -> list[Path]:
    return files("CMakeLists.txt", "cmake/*.cmake", "cpp/**/CMakeLists.txt", "third_party/**/CMakeLists.txt")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def includes(path: Path) -> set[str]:
    return set(re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text(path), re.M))


def code_without_comments(path: Path) -> str:
    """C++ source with its comments and string literals blanked out."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", text(path), flags=re.S)


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def version() -> str:
    found = re.search(r'^version = "([^"]+)"', text(ROOT / "pyproject.toml"), re.M)
    assert found is not None
    return found.group(1)


# Layers


def test_core_knows_nothing_of_python() -> None:
    header = re.compile(r"Python\.h|pybind11/|numpy/|bindings/")
    assert not {name(path): found for path in core() if (found := [*filter(header.match, includes(path))])}
    symbol = re.compile(r"\b(?:PyObject|Py_[A-Z]\w*|PyArray_\w+|pybind11)\b")
    assert not {name(path): found for path in core() if (found := symbol.findall(code_without_comments(path)))}


def test_bindings_see_no_abi() -> None:
    declared = {path.name for path in files("third_party/**/*.hpp", "third_party/**/*.def")}
    for path in bindings():
        abi = {header for header in includes(path) if "_abi/" in header or header in declared}
        assert not abi, f"{name(path)}: include the core's headers instead"
    symbol = re.compile(r"\babi::\w+|\b(?:LiteRt|TfLite)[A-Z]\w*")
    assert not {name(path): found for path in bindings() if (found := symbol.findall(code_without_comments(path)))}


def test_package_reaches_the_runtime_only_through_native() -> None:
    foreign = {"ctypes", "_ctypes", "cffi", "flatbuffers"}
    modules = {name(path): {module.partition(".")[0] for module in imported_modules(path)} for path in package()}
    # Not the runtime: the library of a delegate, which tf.lite keeps as an object of ctypes.
    modules["python/zerolite/interpreter/delegate.py"].discard("ctypes")
    assert not {path: found for path, imported in modules.items() if (found := imported & foreign)}


def test_commands_print_in_one_place() -> None:
    """There, what names from models and files would command a terminal is made visible."""
    prints = re.compile(
        r"typer\.echo\(|(?<![\w.])(?<!def )print\(|\bConsole\(|raise typer\.BadParameter|sys\.std(out|err)\.write"
    )
    commands = files("python/zerolite/cli/*.py", "python/zerolite/cli/commands/*.py")
    found = {path.relative_to(ROOT) for path in commands if prints.search(path.read_text())}
    # Without the package that prints, what it says is all its own.
    assert found == {Path("python/zerolite/cli/__init__.py"), Path("python/zerolite/cli/output.py")}


def test_import_is_light() -> None:
    program = "import sys, json, zerolite; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    loaded = set(json.loads(answer.stdout))
    assert "numpy" in loaded
    assert not loaded & LAZY_IMPORTS
    assert answer.stderr == ""


def test_core_depends_on_numpy_and_the_runtime_only() -> None:
    required = [line for line in importlib.metadata.requires("zerolite") or [] if "extra ==" not in line]
    assert {re.split(r"[^\w-]", line)[0] for line in required} == {"numpy", "ai-edge-litert"}


# Files


def test_files_are_short() -> None:
    lengths = {name(path): len(text(path).splitlines()) for path in cpp() + package()}
    long = {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}
    assert not long, "split them along what they describe"


def test_names_say_what_is_inside() -> None:
    vague = {"util", "utils", "helper", "helpers", "misc", "common", "stuff"}
    assert not [name(path) for path in cpp() + python() if vague & {*re.split(r"[/.]", name(path).lower())}]


def test_nothing_is_left_for_later() -> None:
    # Put together here, so that this file does not find itself.
    later = re.compile("|".join(rf"\b{left}{right}\b" for left, right in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"))))
    everything = cpp() + python() + cmake() + files("Makefile", ".ci/run", "third_party/**/*.hpp")
    assert not [name(path) for path in everything if later.search(text(path))]


def test_headers_are_included_once() -> None:
    headers = files("cpp/**/*.hpp", "third_party/**/*.hpp")
    assert not [name(path) for path in headers if "#pragma once" not in text(path)]


def test_sources_are_built() -> None:
    for path in files("cpp/**/*.cpp"):
        lists = next(folder / "CMakeLists.txt" for folder in path.parents if (folder / "CMakeLists.txt").exists())
        assert re.search(rf"(?<![\w/]){re.escape(path.relative_to(lists.parent).as_posix())}\b", text(lists)), name(
            path
        )


# One place for each fact


def test_version_is_the_installed_one() -> None:
    import zerolite

    assert zerolite.__version__ == importlib.metadata.version("zerolite") == version()


def test_version_is_in_one_place() -> None:
    assert not [name(path) for path in cpp() + python() + cmake() if f'"{version()}"' in text(path)]


def test_changelog_speaks_of_this_version() -> None:
    heading = rf"^## \[(?:Unreleased|{re.escape(version())})\]"
    assert re.search(heading, text(ROOT / "CHANGELOG.md"), re.M)


# The public interface


def public_objects() -> list[tuple[str, object]]:
    import zerolite

    found: list[tuple[str, object]] = []
    for name in zerolite.__all__:
        value = getattr(zerolite, name)
        if inspect.isclass(value):
            found.append((name, value))
            members = ((member, inspect.getattr_static(value, member)) for member in vars(value))
            found.extend((f"{name}.{member}", thing) for member, thing in members if is_documentable(member, thing))
        elif callable(value):
            found.append((name, value))
    return found


def is_documentable(name: str, value: object) -> bool:
    is_data = not (callable(value) or isinstance(value, property | staticmethod | classmethod))
    return not name.startswith("_") and not inspect.isclass(value) and not is_data


def test_public_names_are_documented() -> None:
    assert not [public for public, value in public_objects() if not documentation(value)]


def documentation(value: object) -> str:
    words = (inspect.getdoc(value) or "").strip()
    # pybind11 puts a signature above the words, or in their place.
    first, _, rest = words.partition("\n")
    return rest.strip() if re.match(r"\w+\(.*\) -> ", first) else words


def test_public_names_exist_once() -> None:
    import zerolite

    assert len(set(zerolite.__all__)) == len(zerolite.__all__)
    assert all(hasattr(zerolite, public) for public in zerolite.__all__)
