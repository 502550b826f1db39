"""The command that hears: `zerolite audio`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zerolite.cli.options import (
    ClassNamesOption,
    CustomOpOption,
    DelegateOption,
    ThreadsOption,
    class_names_of,
    custom_ops_of,
    delegates_of,
)
from zerolite.cli.output import fail, failures_in_one_line, print_json_line, print_table, wrong_use
from zerolite.cli.pictures import JsonLinesOption, TaskModelOption, TunedOption
from zerolite.cli.progress import progress_bar

if TYPE_CHECKING:
    from zerolite.tasks.audio import Heard

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(name="audio")(_audio)


def _audio(
    recordings: Annotated[
        list[Path],
        typer.Argument(metavar="RECORDINGS...", help="Files of .wav, and folders of them.", exists=True),
    ],
    *,
    model: TaskModelOption,
    class_names: ClassNamesOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to tell of each recording.")] = 5,
    windows: Annotated[
        bool, typer.Option("--windows", help="Tell the most likely class of each window of time instead.")
    ] = False,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Say what is heard in recordings, and when."""
    delegates = delegates_of(delegate or [])
    files = list(_wave_files(recordings))
    if not files:
        raise wrong_use("There is no .wav file in these folders.", param_hint="RECORDINGS...")
    with failures_in_one_line():
        from zerolite import tasks

        rows: list[tuple[str, ...]] = []
        broken: list[str] = []
        with (
            tasks.load(
                model,
                "audio",
                class_names=class_names_of(class_names),
                delegates=delegates,
                threads=threads,
                tuned=tuned,
                custom_ops=custom_ops_of(custom_op),
            ) as classifier,
            progress_bar("audio") as advance,
        ):
            for done, file in enumerate(files, 1):
                # A broken file is no reason to keep back what is heard in the others; the exit code tells.
                try:
                    heard = classifier(file, k=top)
                except (OSError, ValueError) as error:
                    broken.append(str(error))
                    if as_json:
                        print_json_line({"path": str(file), "error": str(error)})
                else:
                    if as_json:
                        print_json_line(heard.to_dict())
                    rows += _rows_of(file, heard, windows=windows)
                if advance is not None:
                    advance(done, len(files))
        if not as_json:
            print_table(("recording", *(("from", "to") if windows else ()), "class", "score"), rows, left=1)
        for line in broken:
            fail(line)
        if broken:
            raise fail(f"{len(broken)} of {len(files)} recordings can't be heard")


def _wave_files(places: list[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(file for file in place.rglob("*") if file.suffix.lower() == ".wav" and file.is_file())
        else:
            yield place


def _rows_of(file: Path, heard: Heard, *, windows: bool) -> Iterator[tuple[str, ...]]:
    from zerolite.vision.contact_sheet import score_words

    if not windows:
        for place, one in enumerate(heard.predictions):
            yield str(file) if place == 0 else "", one.label, score_words(one)
        return
    for place, window in enumerate(heard.windows):
        best = window.predictions[:1]
        named = (best[0].label, score_words(best[0])) if best else ("nothing", "")
        yield str(file) if place == 0 else "", f"{window.start_s:.2f} s", f"{window.end_s:.2f} s", *named
