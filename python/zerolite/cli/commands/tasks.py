"""The commands that answer questions about pictures: `zerolite detect`, `segment` and `pose`."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from zerolite.cli.options import (
    ClassNamesOption,
    DelegateOption,
    PreprocessingOption,
    SizeOption,
    SkipCorruptOption,
    ThreadsOption,
    class_names_of,
    delegates_of,
    size_of,
)
from zerolite.cli.output import fail, failures_in_one_line, print_json_line, print_table, say
from zerolite.cli.progress import progress_bar

__all__ = ["register"]

_ImagesArgument = Annotated[
    list[Path], typer.Argument(metavar="IMAGES...", help="Image files, and folders of them.", exists=True)
]
_ModelOption = Annotated[Path, typer.Option(metavar="MODEL", help="A .tflite file.", exists=True, dir_okay=False)]
_PicturesOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="DIR", help="Write each picture with what was found into this folder."),
]
_TunedOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The fastest setting, as zerolite tune saved it.", exists=True)
]
_WorkersOption = Annotated[int | None, typer.Option(min=1, help="Run pictures through a pool of so many replicas.")]
_JsonLinesOption = Annotated[bool, typer.Option("--json", help="Print one line of JSON for each picture.")]
# What Pillow writes without a loss that anybody sees; other pictures become PNG.
_KEPT_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(name="detect")(_detect)
    app.command(name="segment")(_segment)
    app.command(name="pose")(_pose)


def _detect(
    images: _ImagesArgument,
    *,
    model: _ModelOption,
    output: _PicturesOption = None,
    class_names: ClassNamesOption = None,
    min_score: Annotated[float, typer.Option(min=0, help="Leave out what is less sure.")] = 0.25,
    max_results: Annotated[int, typer.Option(min=1, help="How many things to tell of a picture, the surest.")] = 100,
    iou: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="The overlap above which one of two boxes is left out; if not given, the model's usual one.",
        ),
    ] = None,
    anchors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An .npy file of shape (anchors, 4), for a model with anchors that zerolite does not know.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    size: SizeOption = None,
    preprocessing: PreprocessingOption = None,
    skip_corrupt: SkipCorruptOption = False,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: _TunedOption = None,
    workers: _WorkersOption = None,
    as_json: _JsonLinesOption = False,
) -> None:
    """Find things in pictures, and say where they are and what."""
    delegates = delegates_of(delegate or [])
    chosen_size = size_of(size)
    with failures_in_one_line():
        import numpy as np

        from zerolite import tasks

        with tasks.load(
            model,
            "detect",
            class_names=class_names_of(class_names),
            preprocessing=preprocessing,
            size=chosen_size,
            anchors=None if anchors is None else np.load(anchors, allow_pickle=False),
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
        ) as detector:

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                return detector.map(files, min_score=min_score, max_results=max_results, iou=iou, **rest)

            def rows(result: Any) -> list[tuple[str, ...]]:
                return [(one.label, f"{100 * one.score:.1f} %", _pixels(one.box)) for one in result.detections]

            headings = ("class", "score", "left, top, right, bottom")
            _run(
                _Report("detect", headings, rows),
                images,
                task=detector,
                answers=answers,
                output=output,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )


def _segment(
    images: _ImagesArgument,
    *,
    model: _ModelOption,
    output: _PicturesOption = None,
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write each picture's mask, the numbers of the classes as grey PNG, here."),
    ] = None,
    class_names: ClassNamesOption = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Of one mask, the probability above which a pixel is on the thing.")
    ] = 0.5,
    size: SizeOption = None,
    preprocessing: PreprocessingOption = None,
    skip_corrupt: SkipCorruptOption = False,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: _TunedOption = None,
    workers: _WorkersOption = None,
    as_json: _JsonLinesOption = False,
) -> None:
    """Say what the pixels of pictures belong to, and how much of a picture that is."""
    delegates = delegates_of(delegate or [])
    chosen_size = size_of(size)
    with failures_in_one_line():
        from zerolite import tasks

        with tasks.load(
            model,
            "segment",
            class_names=class_names_of(class_names),
            preprocessing=preprocessing,
            size=chosen_size,
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
        ) as segmenter:
            mask_files = {} if masks is None else _targets(images, masks, suffix=".png")

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                for result in segmenter.map(files, threshold=threshold, **rest):
                    if result.path in mask_files:
                        _save(_grey(result.mask), mask_files[result.path])
                    yield result

            def rows(result: Any) -> list[tuple[str, ...]]:
                return [(area.label, f"{100 * area.share:.1f} %", str(area.pixels)) for area in result.areas]

            _run(
                _Report("segment", ("class", "share", "pixels"), rows),
                images,
                task=segmenter,
                answers=answers,
                output=output,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )


def _pose(
    images: _ImagesArgument,
    *,
    model: _ModelOption,
    output: _PicturesOption = None,
    min_score: Annotated[float, typer.Option(min=0, help="Leave out people who are less sure.")] = 0.25,
    max_results: Annotated[int, typer.Option(min=1, help="How many people to tell of a picture, the surest.")] = 10,
    size: SizeOption = None,
    preprocessing: PreprocessingOption = None,
    skip_corrupt: SkipCorruptOption = False,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: _TunedOption = None,
    workers: _WorkersOption = None,
    as_json: _JsonLinesOption = False,
) -> None:
    """Find people in pictures, and their joints."""
    delegates = delegates_of(delegate or [])
    chosen_size = size_of(size)
    with failures_in_one_line():
        from zerolite import tasks

        with tasks.load(
            model,
            "pose",
            preprocessing=preprocessing,
            size=chosen_size,
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
        ) as estimator:

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                return estimator.map(files, min_score=min_score, max_results=max_results, **rest)

            def rows(result: Any) -> list[tuple[str, ...]]:
                return [
                    (
                        f"person {number}",
                        f"{100 * pose.score:.1f} %",
                        str(sum(point.score >= min_score for point in pose.key_points)),
                    )
                    for number, pose in enumerate(result.poses, 1)
                ]

            _run(
                _Report("pose", ("found", "score", "sure key points"), rows),
                images,
                task=estimator,
                answers=answers,
                output=output,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )


def _grey(mask: Any) -> Any:
    """Numbers of classes as a Pillow image of 8 bits, or of 16 where they need it.

    Raises:
        ValueError: a number is negative or has more than 16 bits.
    """
    import numpy as np
    from PIL import Image

    if mask.dtype == np.uint8:
        return Image.fromarray(mask)
    if mask.min() < 0 or mask.max() > np.iinfo(np.uint16).max:
        raise ValueError(f"a mask has numbers of classes from {mask.min()} to {mask.max()}, which no grey PNG holds")
    return Image.fromarray(mask.astype(np.uint16))


def _pixels(box: Any) -> str:
    return ", ".join(f"{side:.0f}" for side in (box.left, box.top, box.right, box.bottom))


@dataclass(frozen=True, slots=True)
class _Report:
    """How the results of a task are told: the task, the headings of a table, and the rows of one result."""

    title: str
    headings: tuple[str, ...]
    rows: Callable[[Any], list[tuple[str, ...]]]


def _run(
    report: _Report,
    images: list[Path],
    *,
    task: Any,
    answers: Callable[..., Iterator[Any]],
    output: Path | None,
    skip_corrupt: bool,
    as_json: bool,
) -> None:
    """Run a task over pictures, with progress; draw them into a folder, and print JSON line by line or a table.

    A broken file is no reason to keep back what was found in the others; the exit code tells.
    """
    from zerolite.vision import ImageError, image_files

    files = image_files(images)
    targets = {} if output is None else _targets(images, output)
    skipped: list[ImageError] = []
    lines: list[tuple[str, ...]] = []
    written: set[Path] = set()

    def on_corrupt(error: ImageError) -> None:
        skipped.append(error)
        if as_json:
            print_json_line({"path": str(error.path), "error": str(error)})

    with progress_bar(report.title) as advance:
        for result in answers(files, on_corrupt=on_corrupt, progress=advance):
            drawn = targets.get(result.path)
            if drawn is not None:
                _save(task.draw(result.path, result), drawn)
                written.add(drawn)
            if as_json:
                print_json_line({**result.to_dict(), "picture": None if drawn is None else str(drawn)})
            else:
                rows = report.rows(result) or [("nothing",)]
                lines += [(str(result.path) if place == 0 else "", *row) for place, row in enumerate(rows)]
    if not as_json:
        print_table(("image", *report.headings), lines, left=2)
        for error in skipped if skip_corrupt else ():
            say(f"skipped: {error.path}")
        if output is not None:
            say(f"{len(written)} pictures written into {output}.")
    if skipped and not skip_corrupt:
        for error in skipped:
            fail(str(error))
        raise fail(f"{len(skipped)} of {len(files)} images can't be decoded; --skip-corrupt leaves them out")


def _targets(sources: list[Path], folder: Path, *, suffix: str | None = None) -> dict[Path, Path]:
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


def _save(picture: Any, target: Path) -> None:
    from zerolite._platform.files import write_atomically

    target.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    image_format = {".png": "PNG", ".webp": "WEBP"}.get(target.suffix.lower(), "JPEG")
    picture.save(content, image_format, **({"quality": 92} if image_format == "JPEG" else {}))
    write_atomically(target, content.getvalue())
