"""Build the site of the documents: every page, and the reference from the docstrings; any warning is an error.

`python -m tools.build_docs build/docs` writes pages that can be read from the folder or put on any server. They keep
their places of the repository, so that links between them are right in both.
"""

from __future__ import annotations

import importlib
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
#: What people import; the rest of the package is how it is done.
PUBLIC = (
    "zerolite",
    "zerolite.benchmarking",
    "zerolite.comparison",
    "zerolite.conversion",
    "zerolite.evaluation",
    "zerolite.inspection",
    "zerolite.integrations",
    "zerolite.metadata",
    "zerolite.serving",
    "zerolite.tasks",
    "zerolite.tuned",
    "zerolite.tuning",
    "zerolite.vision",
)
#: What pages are made of, or link to.
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "docs",
    "benchmarks/results",
    "examples",
    "python/zerolite/serving/grpc/open_inference.proto",
)
# Where tools/mkdocs.yml looks for pages.
_STAGE = ROOT / "build" / "docs-pages"


def main(arguments: list[str]) -> int:
    """Build into the folder that is named."""
    if len(arguments) != 1:
        print("usage: python -m tools.build_docs FOLDER", file=sys.stderr)
        return 2
    undocumented = [name for module in PUBLIC for name in undocumented_names(importlib.import_module(module))]
    if undocumented:
        print(f"without a docstring: {', '.join(undocumented)}", file=sys.stderr)
        return 1
    stage(_STAGE)
    folder = Path(arguments[0]).absolute()
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    command += ["--config-file", str(ROOT / "tools" / "mkdocs.yml")]
    # Material for MkDocs tells of its successor at every start.
    answer = subprocess.run(command, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    if answer.returncode == 0:
        print(f"{folder / 'index.html'} written: {len(list(folder.rglob('*.html')))} pages")
    return answer.returncode


def stage(folder: Path) -> None:
    """Make a folder of links to the pages, and of pages that ask for the reference."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in PAGES:
        link = folder / page
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT / page)
    (folder / "reference").mkdir()
    for name in PUBLIC:
        (folder / "reference" / f"{name}.md").write_text(f"# {name}\n\n::: {name}\n", encoding="utf-8")


def undocumented_names(module: ModuleType) -> list[str]:
    """The public names of a module that have no docstring."""
    public: list[str] = getattr(module, "__all__", [])
    values = ((name, getattr(module, name)) for name in public)
    return [
        f"{module.__name__}.{name}"
        for name, value in values
        if (inspect.isclass(value) or inspect.isfunction(value)) and not inspect.getdoc(value)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
