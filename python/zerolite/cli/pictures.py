"""Running a task over picture files: options, progress, pictures drawn into a folder, and lines of JSON or a table."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from zerolite.cli.model_files import model_file
from zerolite.cli.output import fail, print_json_line, print_table, say
from zerolite.cli.progress import progress_bar

__all__ = [
    "ImagesArgument",
    "JsonLinesOption",
    "PageOption",
    "PicturesOption",
    "Report",
    "TaskModelOption",
    "TunedOption",
    "WorkersOption",
    "run_task",
    "save_picture",
    "targets_of",
]

ImagesArgument = Annotated[
    list[Path], typer.Argument(metavar="IMAGES...", help="Image files, and folders of them.", exists=True)
]
TaskModelOption = Annotated[
    Path, typer.Option(metavar="MODEL", help="A .tflite file, or hf://owner/name/file.tflite.", parser=model_file)
]
PicturesOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="DIR", help="Write each picture with what was found into this folder."),
]
PageOption = Annotated[
    Path | None,
    typer.Option(
        "--page",
        metavar="FILE.html",
        help="Write a page of all pictures with what was found, to look through; it needs nothing but itself.",
    ),
]
TunedOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The fastest setting, as zerolite tune saved it.", exists=True)
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Run pictures through a pool of so many replicas.")]
JsonLinesOption = Annotated[bool, typer.Option("--json", help="Print one line of JSON for each item.")]
# What Pillow writes without a loss that anybody sees; other pictures become PNG.
_KEPT_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class Report:
    """How the results of a task are told.

    Attributes:
        title: the task.
        headings: those of the table, after that of the picture.
        rows: the rows of one result, without the picture.
        table: all rows, with the pictures, for what is told of all results together; in the place of `rows`.
        finish: what is done when all results are there.
    """

    title: str
    headings: tuple[str, ...]
    rows: Callable[[Any], list[tuple[str, ...]]] = lambda _: []
    table: Callable[[], list[tuple[str, ...]]] | None = None
    finish: Callable[[], None] = lambda: None


def run_task(
    report: Report,
    images: list[Path],
    *,
    answers: Callable[..., Iterator[Any]],
    skip_corrupt: bool,
    as_json: bool,
    draw: Callable[[Any], Any] | None = None,
    output: Path | None = None,
    page: Path | None = None,
) -> None:
    """Run a task over pictures, with progress; draw them into a folder, and print JSON line by line or a table.

    A broken file is no reason to keep back what was found in the others; the exit code tells.

    Args:
        report: how results are told.
        images: the files and folders that were named.
        answers: the task's `map`, with its options.
        skip_corrupt: whether files that can't be decoded are no failure.
        as_json: whether results are printed as JSON.
        draw: the picture of a result.
        output: the folder for pictures; None for none.
        page: the file for a page to look through; None for none.
    """
    from zerolite.cli.gallery import Gallery
    from zerolite.vision import ImageError, image_files

    files = image_files(images)
    targets = {} if output is None else targets_of(images, output)
    skipped: list[ImageError] = []
    lines: list[tuple[str, ...]] = []
    written: set[Path] = set()

    def on_corrupt(error: ImageError) -> None:
        skipped.append(error)
        if gallery is not None:
            gallery.add_broken(error)
        if as_json:
            print_json_line({"path": str(error.path), "error": str(error)})

    with ExitStack() as stack:
        title = f"{report.title}: {len(files)} pictures"
        gallery = None if page is None else stack.enter_context(Gallery.written(page, title))
        advance = stack.enter_context(progress_bar(report.title))
        for result in answers(files, on_corrupt=on_corrupt, progress=advance):
            drawn = targets.get(result.path)
            rows = report.rows(result) or [("nothing",)] if report.table is None else []
            if draw is not None and (drawn is not None or gallery is not None):
                picture = draw(result)
                if drawn is not None:
                    save_picture(picture, drawn)
                    written.add(drawn)
                if gallery is not None:
                    gallery.add(result.path, picture, rows)
            if as_json:
                print_json_line({**result.to_dict(), "picture": None if drawn is None else str(drawn)})
            elif report.table is None:
                lines += [(str(result.path) if place == 0 else "", *row) for place, row in enumerate(rows)]
    report.finish()
    if not as_json:
        print_table(("image", *report.headings), lines if report.table is None else report.table(), left=2)
        for error in skipped if skip_corrupt else ():
            say(f"skipped: {error.path}")
        if output is not None:
            say(f"{len(written)} pictures written into {output}.")
        if page is not None:
            say(f"{page} written; open it in a browser.")
    if skipped and not skip_corrupt:
        for error in skipped:
            fail(str(error))
        raise fail(f"{len(skipped)} of {len(files)} images can't be decoded; --skip-corrupt leaves them out")


def targets_of(sources: list[Path], folder: Path, *, suffix: str | None = None) -> dict[Path, Path]:
    """Where each file's picture goes: as it lies in the folder that was named, each under a name of its own.

    Args:
        sources: the files and folders that were named.
        folder: where pictures go.
        suffix: the end of all names; None keeps the end where it is that of a format that is written.
    """
    from zerolite.vision import image_files

    targets: dict[Path, Path] = {}
    taken: set[Path] = set()
    for source in sources:
        for file in image_files([source]):
            if file in targets:
                continue
            place = folder / (file.relative_to(source) if source.is_dir() else file.name)
            if suffix is not None or place.suffix.lower() not in _KEPT_SUFFIXES:
                place = place.with_suffix(suffix or ".png")
            names = (place.with_stem(f"{place.stem}-{number}") for number in itertools.count(2))
            target = next(name for name in itertools.chain([place], names) if name not in taken)
            taken.add(target)
            targets[file] = target
    return targets


def save_picture(picture: Any, target: Path) -> None:
    """Write a Pillow image into a file, in the format that its name ends in; folders are made."""
    from zerolite._platform.files import write_atomically

    target.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    image_format = {".png": "PNG", ".webp": "WEBP"}.get(target.suffix.lower(), "JPEG")
    picture.save(content, image_format, **({"quality": 92} if image_format == "JPEG" else {}))
    write_atomically(target, content.getvalue())
