"""The commands `zerolite metadata show`, `add` and `extract`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zerolite.cli.metadata_tables import print_metadata
from zerolite.cli.options import JsonOption, ModelArgument, NormalizationOption, PackedLabelsOption, normalization_of
from zerolite.cli.output import failures_in_one_line, print_json, print_table, say, wrong_use

if TYPE_CHECKING:
    from zerolite.metadata import Metadata

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(
        help="Read and write what a model's file says of itself, and the files that are packed into it.",
        no_args_is_help=True,
    )
    group.command(name="show")(_show)
    group.command(name="add")(_add)
    group.command(name="extract")(_extract)
    app.add_typer(group, name="metadata")


def _show(model_file: ModelArgument, *, as_json: JsonOption = False) -> None:
    """Show all that a model's file says of its inputs, its outputs and itself."""
    with failures_in_one_line():
        from zerolite import metadata

        known = metadata.read(model_file)
        if as_json:
            print_json(known.to_dict())
        else:
            print_metadata(known)


def _add(
    model_file: ModelArgument,
    *,
    labels: PackedLabelsOption = None,
    normalization: NormalizationOption = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="The model's name.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it does.")] = None,
    version: Annotated[str | None, typer.Option(metavar="TEXT", help="Its version.")] = None,
    author: Annotated[str | None, typer.Option(metavar="TEXT", help="Who made it.")] = None,
    licence: Annotated[str | None, typer.Option("--license", metavar="TEXT", help="Its licence.")] = None,
    document: Annotated[
        Path | None,
        typer.Option(
            "--metadata",
            metavar="FILE",
            help="All of the metadata, as `show --json` prints it, in the place of what the file says.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--file", metavar="FILE", help="A file to pack, under its name. Repeatable.", exists=True, dir_okay=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to write the model; by default MODEL.", dir_okay=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write metadata and files into a model; its graph stays as it is.

    What is not named stays as the file has it.
    """
    chosen = normalization_of(normalization)
    told: dict[str, Any] = {
        "name": name,
        "description": description,
        "version": version,
        "author": author,
        "license": licence,
    }
    told = {field: value for field, value in told.items() if value is not None}
    if not told and not files and labels is None and chosen is None and document is None:
        raise wrong_use("Say what to add: --labels, --normalization, --name, --metadata, --file or another.")
    with failures_in_one_line():
        from zerolite import metadata
        from zerolite.vision import load_labels

        target = model_file if out is None else out
        before = metadata.read(model_file) if document is None else _document(document)
        metadata.annotate(
            model_file,
            class_names=None if labels is None else load_labels(labels),
            normalization=chosen,
            metadata=replace(before, **told),
            files={one.name: one for one in files or ()},
            path=target,
        )
        known = metadata.read(target)
        if as_json:
            print_json({"file": str(target), "metadata": known.to_dict()})
        else:
            say(f"{target} written.")
            print_metadata(known)


def _extract(
    model_file: ModelArgument,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAMES]...", help="The files to unpack; all if none is given.")
    ] = None,
    *,
    folder: Annotated[
        Path, typer.Option("--folder", "-d", metavar="FOLDER", help="Where to write them.", file_okay=False)
    ] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Unpack the files that are packed into a model, such as labels and vocabularies."""
    with failures_in_one_line():
        from zerolite import metadata
        from zerolite._platform.files import write_atomically

        chosen = names or metadata.read(model_file).attached_files
        contents = {name: metadata.read_attached(model_file, name) for name in chosen}
        written = []
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
            written.append((path, len(content)))
        if as_json:
            print_json({"files": [{"file": str(path), "size_bytes": size} for path, size in written]})
        elif written:
            print_table(("file", "bytes"), [(str(path), f"{size:,}") for path, size in written])
        else:
            say(f"No files are packed into {model_file}.")


def _document(path: Path) -> Metadata:
    from zerolite.metadata import Metadata

    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
        return Metadata.from_dict(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} holds no metadata as `zerolite metadata show --json` prints it: {error}") from error
