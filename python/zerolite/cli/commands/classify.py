"""The command `zerolite classify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zerolite.cli.model_files import model_file
from zerolite.cli.options import (
    CustomOpOption,
    DelegateOption,
    JsonOption,
    OutputOption,
    ScaledDecodingOption,
    SizeOption,
    SkipCorruptOption,
    ThreadsOption,
    class_names_of,
    custom_ops_of,
    delegates_of,
    renamed_option,
    resampling_of,
    size_of,
)
from zerolite.cli.output import fail, failures_in_one_line, print_json, print_table, say, wrong_use
from zerolite.cli.progress import progress_bar

if TYPE_CHECKING:
    from zerolite import CompiledModel, Pool
    from zerolite.delegates import Delegate
    from zerolite.operators import CustomOp
    from zerolite.vision import ImageError

__all__ = ["register"]

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="classify")(_classify)


def _classify(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGES...", help="Image files, and folders of them.", exists=True)
    ],
    *,
    model: Annotated[Path, typer.Option(metavar="MODEL", help="A .tflite file of a classifier.", parser=model_file)],
    class_names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The classes' names: a text file, .json, .csv, .pbtxt; if not given, those packed into the model.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, hidden=True)] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to tell of each image.")] = 5,
    size: SizeOption = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A Keras application such as mobilenet_v2, or none, unit, tf; if not given, what the model's metadata "
            "says.",
        ),
    ] = None,
    resampling: Annotated[str, typer.Option(metavar="NAME", help="How images are resized.")] = "nearest",
    keep_aspect_ratio: Annotated[
        bool, typer.Option("--keep-aspect-ratio", help="Cut the middle out of images rather than distort them.")
    ] = False,
    scaled_decoding: ScaledDecodingOption = False,
    skip_corrupt: SkipCorruptOption = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a picture of the images with their predictions: .png, .jpg or .webp."),
    ] = None,
    output: OutputOption = None,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Run batches through a pool of so many replicas.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is in images: decode, resize, preprocess, run, and name the most likely classes."""
    chosen_resampling = resampling_of(resampling)
    chosen_size = size_of(size)
    delegates = delegates_of(delegate or [])
    custom_ops = custom_ops_of(custom_op)
    names_file = renamed_option("--class-names", class_names, "--labels", labels)
    if contact_sheet is not None and contact_sheet.suffix.lower() not in _FORMATS:
        raise wrong_use(f"{contact_sheet} must end in {', '.join(_FORMATS)}.", param_hint="--contact-sheet")
    with failures_in_one_line():
        from zerolite._platform.files import check_writable_target, write_atomically
        from zerolite.vision import classify, image_files
        from zerolite.vision import contact_sheet as draw_sheet

        if contact_sheet is not None:
            check_writable_target(contact_sheet)
        skipped: list[ImageError] = []
        files = image_files(images)
        results = []
        loaded = _loaded(model, workers, custom_ops, delegates=delegates, threads=threads) if custom_ops else None
        # With kernels of one's own the model is loaded here.
        settings: dict[str, Any] = {} if loaded else {"delegates": delegates, "threads": threads, "workers": workers}
        with loaded or nullcontext(), progress_bar("classify") as advance, _told(skipped):
            for result in classify(
                loaded or model,
                files,
                class_names_of(names_file),
                k=top,
                size=chosen_size,
                preprocessing=preprocessing,
                resampling=chosen_resampling,
                keep_aspect_ratio=keep_aspect_ratio,
                scaled_decoding=scaled_decoding,
                on_corrupt=skipped.append,
                output=output,
                **settings,
            ):
                results.append(result)
                if advance is not None:
                    advance(len(results) + len(skipped), len(files))
        if contact_sheet is not None:
            image_format = _FORMATS[contact_sheet.suffix.lower()]
            write_atomically(contact_sheet, draw_sheet(results, image_format=image_format))
        # A broken file is no reason to keep back what was found in the others; the exit code tells.
        failed = bool(skipped) and not skip_corrupt
        if as_json:
            document: dict[str, Any] = {
                "images": [result.to_dict() for result in results],
                "skipped": [{"path": str(error.path), "reason": str(error)} for error in skipped],
                "contact_sheet": None if contact_sheet is None else str(contact_sheet),
            }
            print_json(document)
        else:
            _print_results(results)
            for error in skipped if skip_corrupt else ():
                say(f"skipped: {error.path}")
            if contact_sheet is not None:
                say(f"{contact_sheet} written.")
    if failed:
        for error in skipped:
            fail(str(error))
        raise fail(f"{len(skipped)} of {len(files)} images could not be classified; --skip-corrupt leaves them out")


def _loaded(
    model: Path,
    workers: int | None,
    custom_ops: list[CustomOp],
    *,
    delegates: list[Delegate] | None,
    threads: int | None,
) -> CompiledModel | Pool:
    """The model with kernels of one's own, alone or in a pool."""
    from zerolite import Pool, load

    if workers is None:
        return load(model, delegates=delegates, threads=threads, custom_ops=custom_ops)
    return Pool(model, workers=workers, delegates=delegates, threads=threads, custom_ops=custom_ops)


@contextmanager
def _told(skipped: list[ImageError]) -> Iterator[None]:
    """Say what is wrong with the files that were skipped where the block fails, as when there is no sound one."""
    try:
        yield
    except ValueError:
        for error in skipped:
            fail(str(error))
        raise


def _print_results(results: Any) -> None:
    from zerolite.vision.contact_sheet import score_words

    lines = [
        (str(result.path) if place == 0 else "", prediction.label, score_words(prediction))
        for result in results
        for place, prediction in enumerate(result.predictions)
    ]
    print_table(("image", "class", "score"), lines, left=2)
