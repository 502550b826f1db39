"""Files that metadata names, and that are packed into the model's file."""

# ruff: noqa: RUF009 - what stands for a default makes a dataclasses.field

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from zerolite.metadata.flatbuffer.fields import text, word

__all__ = ["AssociatedFile", "FileKind"]

FileKind: TypeAlias = Literal[
    "unknown", "descriptions", "axis_labels", "value_labels", "score_calibration", "vocabulary", "scann_index"
]


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that belongs to a model, a tensor or a tokenizer.

    Attributes:
        name: its name in the archive at the end of the model's file.
        description: what it is, in words.
        kind: "axis_labels" names the places along an axis, as of a classifier's scores; "value_labels" the values
            themselves, as of a detector's classes; the others are "descriptions", "score_calibration", "vocabulary",
            "scann_index" and "unknown".
        locale: the language of its words, such as "en"; empty where none is told.
        version: the version that its makers gave it.
    """

    name: str = text(0, required=True)
    description: str = text(1)
    kind: FileKind = word(2, get_args(FileKind))
    locale: str = text(3)
    version: str = text(4)
