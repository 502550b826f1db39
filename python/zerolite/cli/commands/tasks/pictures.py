"""The commands that answer questions about pictures: `zerolite detect`, `segment`, `pose` and `stylize`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from zerolite.cli.model_files import model_file
from zerolite.cli.options import (
    ClassNamesOption,
    CustomOpOption,
    DelegateOption,
    PreprocessingOption,
    ScaledDecodingOption,
    SizeOption,
    SkipCorruptOption,
    ThreadsOption,
    class_names_of,
    custom_ops_of,
    delegates_of,
    size_of,
)
from zerolite.cli.output import failures_in_one_line
from zerolite.cli.pictures import (
    ImagesArgument,
    JsonLinesOption,
    PageOption,
    PicturesOption,
    Report,
    TaskModelOption,
    TunedOption,
    WorkersOption,
    run_task,
    save_picture,
    targets_of,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(name="detect")(_detect)
    app.command(name="segment")(_segment)
    app.command(name="pose")(_pose)
    app.command(name="stylize")(_stylize)


def _detect(
    images: ImagesArgument,
    *,
    model: TaskModelOption,
    output: PicturesOption = None,
    page: PageOption = None,
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
    scaled_decoding: ScaledDecodingOption = False,
    skip_corrupt: SkipCorruptOption = False,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
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
            scaled_decoding=scaled_decoding,
            anchors=None if anchors is None else np.load(anchors, allow_pickle=False),
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
            custom_ops=custom_ops_of(custom_op),
        ) as detector:

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                return detector.map(files, min_score=min_score, max_results=max_results, iou=iou, **rest)

            def rows(result: Any) -> list[tuple[str, ...]]:
                return [(one.label, f"{100 * one.score:.1f} %", _pixels(one.box)) for one in result.detections]

            headings = ("class", "score", "left, top, right, bottom")
            run_task(
                Report("detect", headings, rows),
                images,
                draw=lambda result: detector.draw(result.path, result),
                answers=answers,
                output=output,
                page=page,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )


def _segment(
    images: ImagesArgument,
    *,
    model: TaskModelOption,
    output: PicturesOption = None,
    page: PageOption = None,
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
    scaled_decoding: ScaledDecodingOption = False,
    skip_corrupt: SkipCorruptOption = False,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
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
            scaled_decoding=scaled_decoding,
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
            custom_ops=custom_ops_of(custom_op),
        ) as segmenter:
            mask_files = {} if masks is None else targets_of(images, masks, suffix=".png")

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                for result in segmenter.map(files, threshold=threshold, **rest):
                    if result.path in mask_files:
                        save_picture(_grey(result.mask), mask_files[result.path])
                    yield result

            def rows(result: Any) -> list[tuple[str, ...]]:
                return [(area.label, f"{100 * area.share:.1f} %", str(area.pixels)) for area in result.areas]

            run_task(
                Report("segment", ("class", "share", "pixels"), rows),
                images,
                draw=lambda result: segmenter.draw(result.path, result),
                answers=answers,
                output=output,
                page=page,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )


def _pose(
    images: ImagesArgument,
    *,
    model: TaskModelOption,
    output: PicturesOption = None,
    page: PageOption = None,
    min_score: Annotated[float, typer.Option(min=0, help="Leave out people who are less sure.")] = 0.25,
    max_results: Annotated[int, typer.Option(min=1, help="How many people to tell of a picture, the surest.")] = 10,
    size: SizeOption = None,
    preprocessing: PreprocessingOption = None,
    scaled_decoding: ScaledDecodingOption = False,
    skip_corrupt: SkipCorruptOption = False,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
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
            scaled_decoding=scaled_decoding,
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
            custom_ops=custom_ops_of(custom_op),
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

            run_task(
                Report("pose", ("found", "score", "sure key points"), rows),
                images,
                draw=lambda result: estimator.draw(result.path, result),
                answers=answers,
                output=output,
                page=page,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )


def _stylize(
    images: ImagesArgument,
    *,
    model: Annotated[
        Path,
        typer.Option(metavar="MODEL", help="The .tflite file that looks at the style.", parser=model_file),
    ],
    transform: Annotated[
        Path,
        typer.Option(metavar="MODEL", help="The .tflite file that makes the picture.", parser=model_file),
    ],
    style: Annotated[
        Path, typer.Option(metavar="IMAGE", help="The picture with the style.", exists=True, dir_okay=False)
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="The folder for the pictures.")],
    page: PageOption = None,
    strength: Annotated[
        float, typer.Option(min=0, max=1, help="How much of the style; the rest is the picture's.")
    ] = 1,
    preprocessing: PreprocessingOption = None,
    skip_corrupt: SkipCorruptOption = False,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Give pictures the style of another one."""
    delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite import tasks

        with tasks.load_stylizer(
            model,
            transform,
            preprocessing=preprocessing,
            delegates=delegates,
            threads=threads,
            workers=workers,
            custom_ops=custom_ops_of(custom_op),
        ) as stylizer:

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                return stylizer.map(files, style, strength=strength, **rest)

            run_task(
                Report("stylize", ("width", "height"), lambda result: [(str(result.width), str(result.height))]),
                images,
                answers=answers,
                draw=lambda result: result.image,
                output=output,
                page=page,
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
