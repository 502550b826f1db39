"""Build the reference of the public interface from its docstrings; any warning is an error.

`python -m tools.build_docs build/docs` writes one page for each public package, and a search over all of them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import shutil
import sys
import typing
import warnings
from pathlib import Path
from types import ModuleType

#: What people import; the rest of the package is how it is done.
PUBLIC = (
    "zerolite",
    "zerolite.benchmarking",
    "zerolite.comparison",
    "zerolite.conversion",
    "zerolite.evaluation",
    "zerolite.inspection",
    "zerolite.integrations",
    "zerolite.serving",
    "zerolite.tasks",
    "zerolite.tuned",
    "zerolite.tuning",
    "zerolite.vision",
)
# Run as programs, or made for that.
_LEFT_OUT = re.compile(r"zerolite\.(__main__|cli\b|demo\b|benchmarking\.first_result_program)")


def main(arguments: list[str]) -> int:
    """Build into the folder that is named."""
    if len(arguments) != 1:
        print("usage: python -m tools.build_docs FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    warnings.simplefilter("error")
    import pdoc

    public = [importlib.import_module(name) for name in PUBLIC]
    import_what_types_need(public)
    undocumented = [name for module in public for name in undocumented_names(module)]
    if undocumented:
        print(f"without a docstring: {', '.join(undocumented)}", file=sys.stderr)
        return 1
    pdoc.render.configure(docformat="google", show_source=False, footer_text="zerolite")
    shutil.rmtree(folder, ignore_errors=True)
    # pdoc finds by itself what a package lists among its names.
    listed = {f"zerolite.{name}" for name in public[0].__all__}
    pdoc.pdoc(*(module.__name__ for module in public if module.__name__ not in listed), output_directory=folder)
    print(f"{folder / 'index.html'} written: {len(public)} packages")
    return 0


def submodules() -> list[str]:
    package = importlib.import_module("zerolite")
    found = pkgutil.walk_packages(package.__path__, "zerolite.", onerror=lambda _: None)
    return [module.name for module in found]


def import_what_types_need(public: list[ModuleType]) -> None:
    """Carry out the imports that are for type checkers only: annotations can't be shown without them."""
    for name in submodules():
        if _LEFT_OUT.match(name) or name.endswith("._native"):
            continue
        module = importlib.import_module(name)
        before = set(vars(module))
        for statement in type_checking_imports(module):
            exec(compile(ast.Module([statement], []), name, "exec"), vars(module))  # our own statements
        added = {key: value for key, value in vars(module).items() if key not in before}
        for package in public:
            if name.startswith(f"{package.__name__}."):
                vars(package).update({key: value for key, value in added.items() if key not in vars(package)})

    for package in public:
        for value in vars(package).values():
            if inspect.isclass(value) and issubclass(value, tuple) and hasattr(value, "_fields"):
                # A named tuple's constructor has a namespace of its own, which knows no module's names.
                value.__new__.__annotations__.update(typing.get_type_hints(value))


def type_checking_imports(module: ModuleType) -> list[ast.stmt]:
    tree = ast.parse(inspect.getsource(module))
    blocks = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    return [statement for block in blocks for statement in block.body]


def undocumented_names(module: ModuleType) -> list[str]:
    public: list[str] = getattr(module, "__all__", [])
    values = ((name, getattr(module, name)) for name in public)
    return [
        f"{module.__name__}.{name}"
        for name, value in values
        if (inspect.isclass(value) or inspect.isfunction(value)) and not inspect.getdoc(value)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
