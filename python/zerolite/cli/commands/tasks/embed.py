"""The command `zerolite embed`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from zerolite.cli.options import (
    CustomOpOption,
    DelegateOption,
    PreprocessingOption,
    ScaledDecodingOption,
    SizeOption,
    SkipCorruptOption,
    ThreadsOption,
    custom_ops_of,
    delegates_of,
    size_of,
)
from zerolite.cli.output import failures_in_one_line, wrong_use
from zerolite.cli.pictures import (
    ImagesArgument,
    JsonLinesOption,
    Report,
    TaskModelOption,
    TunedOption,
    WorkersOption,
    run_task,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="embed")(_embed)


def _embed(
    images: ImagesArgument,
    *,
    model: TaskModelOption,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the vectors into this .npz file, with the names of the pictures."),
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
    """Make vectors of pictures, and name the picture that is most like each."""
    delegates = delegates_of(delegate or [])
    chosen_size = size_of(size)
    if output is not None and output.suffix != ".npz":
        raise wrong_use(f"{output} must end in .npz.", param_hint="--output")
    with failures_in_one_line():
        import numpy as np

        from zerolite import tasks
        from zerolite._platform.files import check_writable_target, write_atomically

        if output is not None:
            check_writable_target(output)
        with tasks.load(
            model,
            "embed",
            preprocessing=preprocessing,
            size=chosen_size,
            scaled_decoding=scaled_decoding,
            delegates=delegates,
            threads=threads,
            tuned=tuned,
            workers=workers,
            custom_ops=custom_ops_of(custom_op),
        ) as embedder:
            found: list[tasks.Embedding] = []

            def answers(files: list[Path], **rest: Any) -> Iterator[Any]:
                for result in embedder.map(files, **rest):
                    found.append(result)
                    yield result

            def rows() -> list[tuple[str, ...]]:
                alike = tasks.similarities(found) - 3 * np.eye(len(found))
                nearest = alike.argmax(axis=1) if len(found) > 1 else ()
                return [
                    (str(found[place].path), str(found[other].path), f"{alike[place, other]:.3f}")
                    for place, other in enumerate(nearest)
                ]

            def close() -> None:
                if output is not None:
                    content = io.BytesIO()
                    vectors = np.array([one.vector for one in found]).reshape(len(found), embedder.numbers)
                    np.savez(content, paths=np.array([str(one.path) for one in found]), vectors=vectors)
                    write_atomically(output, content.getvalue())

            run_task(
                Report("embed", ("most like it", "similarity"), table=rows, finish=close),
                images,
                answers=answers,
                skip_corrupt=skip_corrupt,
                as_json=as_json,
            )
