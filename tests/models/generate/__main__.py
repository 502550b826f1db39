"""Command line of the generator; see tests/models/README.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from . import catalogue
from .recipe import Recipe

MODELS = Path(__file__).resolve().parent.parent
MANIFEST = MODELS / "manifest.json"
LARGEST_FILE = 200_000


def build(recipe: Recipe) -> Path:
    """Write the file of a model; an OSError or a ValueError says why it can't be had."""
    content = recipe.build()
    if len(content) > LARGEST_FILE:
        raise ValueError(f"{recipe.name}: {len(content)} bytes, more than the {LARGEST_FILE} allowed")
    path = MODELS / f"{recipe.name}.tflite"
    path.write_bytes(content)
    return path


def with_tensor_names(path: Path, by_input: Mapping[str, Any]) -> dict[str, Any]:
    """The same mapping, with the tensor's name as a second key for every input of a signature."""
    if not by_input:
        return {}
    model = schema.ModelT.InitFromPackedBuf(bytearray(path.read_bytes()))
    both = dict(by_input)
    for signature in model.signatureDefs or ():
        tensors = model.subgraphs[signature.subgraphIndex].tensors
        for entry in signature.inputs or ():
            name = entry.name.decode()
            if name in by_input and tensors[entry.tensorIndex].name:
                both[tensors[entry.tensorIndex].name.decode()] = by_input[name]
    return both


def describe(recipe: Recipe, path: Path) -> dict[str, Any]:
    """The manifest's entry. The reference runs in a process of its own, which a bad model may take down."""
    entry: dict[str, Any] = {"purpose": recipe.purpose, "tags": sorted(recipe.tags)}
    ranges = with_tensor_names(path, recipe.input_ranges)
    choices = with_tensor_names(path, recipe.input_choices)
    request = {"path": str(path), "input_ranges": ranges, "input_choices": choices}
    process = subprocess.run(
        [sys.executable, str(MODELS.parent / "model_zoo.py"), "-"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if process.returncode == 0:
        entry["reference"] = json.loads(process.stdout)
    else:
        error = f"the reference's process ended with {process.returncode}"
        entry["reference"] = {"runs": False, "error": error}
        print(f"{recipe.name}: {process.stderr.strip()[-800:]}", file=sys.stderr)
    if "error" in entry["reference"]:
        entry["reference"]["error"] = entry["reference"]["error"].replace(str(path), path.name)
    entry |= {"input_ranges": ranges} if ranges else {}
    entry |= {"input_choices": choices} if choices else {}
    return entry


def generate(recipes: Iterable[Recipe]) -> int:
    """Build models and bring the manifest up to date; returns how many could not be built."""
    recipes = list(recipes)
    names = [recipe.name for recipe in catalogue.recipes()]
    known: dict[str, Any] = {}
    if MANIFEST.exists():
        known = json.loads(MANIFEST.read_text(encoding="utf-8"))["models"]
    failures = 0
    for recipe in recipes:
        try:
            path = build(recipe)
        except Exception as error:  # noqa: BLE001 - what the converter raises is as varied as what it refuses
            failures += 1
            print(f"{recipe.name}: not built: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        known[recipe.name] = describe(recipe, path)
        reference = known[recipe.name]["reference"]
        outcome = "runs" if reference["runs"] else f"refused: {reference['error']}"
        print(f"{recipe.name} ({path.stat().st_size} bytes) {outcome}")
    models = {name: known[name] for name in names if name in known}
    text = json.dumps({"models": models}, indent=2, ensure_ascii=False)
    MANIFEST.write_text(text + "\n", encoding="utf-8")
    for path in MODELS.glob("*.tflite"):
        if path.stem not in names:
            path.unlink()
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.models.generate", description=__doc__)
    parser.add_argument("names", nargs="*", help="the models to build; all when none is given")
    names = set(parser.parse_args().names)
    recipes = [recipe for recipe in catalogue.recipes() if not names or recipe.name in names]
    unknown = names - {recipe.name for recipe in recipes}
    if unknown:
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    sys.exit(min(generate(recipes), 1))


if __name__ == "__main__":
    main()
