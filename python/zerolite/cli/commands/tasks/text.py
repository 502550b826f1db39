"""The commands that answer questions about texts: `zerolite text`, `zerolite answer` and `zerolite reply`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zerolite._platform.files import read_file
from zerolite.cli.options import (
    ClassNamesOption,
    CustomOpOption,
    DelegateOption,
    ThreadsOption,
    class_names_of,
    custom_ops_of,
    delegates_of,
)
from zerolite.cli.output import failures_in_one_line, print_json_line, print_table, wrong_use
from zerolite.cli.pictures import JsonLinesOption, TaskModelOption, TunedOption, WorkersOption
from zerolite.cli.progress import progress_bar

__all__ = ["register"]

_VocabularyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The vocabulary that the model was trained with, one word a line; if not given, that in its metadata.",
        exists=True,
        dir_okay=False,
    ),
]
_SHOWN = 60  # characters of a text in a table


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(name="text")(_text)
    app.command(name="answer")(_answer)
    app.command(name="reply")(_reply)


def _text(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXTS...", help="Texts, each in quotes.")] = None,
    *,
    model: TaskModelOption,
    lines: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with one text a line.", exists=True, dir_okay=False)
    ] = None,
    class_names: ClassNamesOption = None,
    vocabulary: _VocabularyOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to tell of each text.")] = 5,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Say what texts say: the most likely classes of each."""
    delegates = delegates_of(delegate or [])
    if not texts and lines is None:
        raise wrong_use("Give texts, or a file of them with --lines.", param_hint="TEXTS...")
    with failures_in_one_line():
        from zerolite import tasks
        from zerolite.vision.contact_sheet import score_words

        every = [*(texts or ()), *([] if lines is None else _text_in(lines).splitlines())]
        rows: list[tuple[str, ...]] = []
        with (
            tasks.load(
                model,
                "text",
                class_names=class_names_of(class_names),
                vocabulary=vocabulary,
                delegates=delegates,
                threads=threads,
                tuned=tuned,
                workers=workers,
                custom_ops=custom_ops_of(custom_op),
            ) as classifier,
            progress_bar("text") as advance,
        ):
            for result in classifier.map(every, k=top, progress=advance):
                if as_json:
                    print_json_line(result.to_dict())
                    continue
                rows += [
                    (_shortened(result.text) if place == 0 else "", one.label, score_words(one))
                    for place, one in enumerate(result.predictions)
                ]
        if not as_json:
            print_table(("text", "class", "score"), rows, left=2)


def _answer(
    questions: Annotated[list[str], typer.Argument(metavar="QUESTIONS...", help="Questions, each in quotes.")],
    *,
    model: TaskModelOption,
    text: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The text with the answers, of any length.", exists=True, dir_okay=False),
    ],
    vocabulary: _VocabularyOption = None,
    max_results: Annotated[int, typer.Option(min=1, help="How many answers to tell, the best.")] = 3,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Find answers to questions in a text."""
    delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite import tasks

        content = _text_in(text)
        rows: list[tuple[str, ...]] = []
        with (
            tasks.load(
                model,
                "answer",
                vocabulary=vocabulary,
                delegates=delegates,
                threads=threads,
                tuned=tuned,
                workers=workers,
                custom_ops=custom_ops_of(custom_op),
            ) as answerer,
            progress_bar("answer") as advance,
        ):
            pairs = [(question, content) for question in questions]
            for result in answerer.map(pairs, max_results=max_results, progress=advance):
                if as_json:
                    print_json_line(result.to_dict())
                    continue
                rows += [
                    (_shortened(result.question) if place == 0 else "", one.text, f"{100 * one.probability:.1f} %")
                    for place, one in enumerate(result.answers)
                ]
        if not as_json:
            print_table(("question", "answer", "probability"), rows, left=2)


def _reply(
    messages: Annotated[list[str], typer.Argument(metavar="MESSAGES...", help="Messages, each in quotes.")],
    *,
    model: TaskModelOption,
    max_results: Annotated[int, typer.Option(min=1, help="How many replies to suggest to each, the best.")] = 3,
    custom_op: CustomOpOption = None,
    delegate: DelegateOption = None,
    threads: ThreadsOption = None,
    tuned: TunedOption = None,
    workers: WorkersOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Suggest replies to messages, each by itself."""
    delegates = delegates_of(delegate or [])
    with failures_in_one_line():
        from zerolite import tasks

        rows: list[tuple[str, ...]] = []
        with (
            tasks.load(
                model,
                "reply",
                delegates=delegates,
                threads=threads,
                tuned=tuned,
                workers=workers,
                custom_ops=custom_ops_of(custom_op),
            ) as replier,
            progress_bar("reply") as advance,
        ):
            for result in replier.map(messages, max_results=max_results, progress=advance):
                if as_json:
                    print_json_line(result.to_dict())
                    continue
                rows += [
                    (_shortened(result.messages[0]) if place == 0 else "", one.text, f"{one.score:.3f}")
                    for place, one in enumerate(result.replies)
                ]
        if not as_json:
            print_table(("message", "reply", "score"), rows, left=2)


def _text_in(file: Path) -> str:
    """The text of a file, without the mark that some editors put before it.

    Raises:
        OSError: the file can't be read.
        ValueError: it is not UTF-8.
    """
    try:
        return read_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is no text in UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}; save it as UTF-8"
        ) from error


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
