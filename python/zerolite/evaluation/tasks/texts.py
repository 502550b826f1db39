"""Labelled texts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from zerolite.evaluation.tasks.records import read_records

__all__ = ["TextSource", "texts_of"]

#: A file, or texts with their labels.
TextSource: TypeAlias = "str | os.PathLike[str] | Iterable[tuple[str, str | int]]"

_PARTS = 2


def texts_of(data: TextSource, class_names: Sequence[str]) -> list[tuple[str, int]]:
    """Texts with class numbers, from rows of "text" and "label", or as they are; labels are names or numbers.

    Raises:
        OSError: the file can't be read.
        ValueError: it is in another format, or a label is no class of the model.
        TypeError: what came is no text with a label.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    if isinstance(data, str | os.PathLike):
        name = os.fspath(data)
        pairs: list[Any] = [_of_record(record, name) for record in read_records(data)]
    else:
        name, pairs = "the data", list(data)
    found = []
    for pair in pairs:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != _PARTS:
            raise TypeError(f"a labelled text is a tuple of text and label; came {pair!r:.200}")
        text, label = pair
        try:
            found.append((text, numbers[label] if label in numbers else int(label)))
        except ValueError as error:
            known = ", ".join(class_names) or "not named by the model; give numbers, or load it with class_names"
            raise ValueError(f"{name} has the label {label!r}, which is no class; the classes are {known}") from error
    return found


def _of_record(record: Any, name: str) -> tuple[Any, Any]:
    if "text" not in record or "label" not in record:
        raise ValueError(f"{name} needs the columns 'text' and 'label'; its columns are {', '.join(map(str, record))}")
    return record["text"], record["label"]
