"""Vocabularies: the numbers of words, from a file that is packed into the model or from one that the caller names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from zerolite._platform.files import read_file
from zerolite.metadata import BertTokenizer, RegexTokenizer, read_attached

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel

__all__ = ["numbered_words", "packed_tokenizer", "vocabulary_text"]

_Tokenizer = TypeVar("_Tokenizer", BertTokenizer, RegexTokenizer)
_LINE = re.compile(r"(.*\S)\s+(\d{1,9})")


def packed_tokenizer(model: TaskModel, kind: type[_Tokenizer]) -> _Tokenizer | None:
    """The tokenizer of that kind that the metadata tells; None where it tells none."""
    graphs = model.metadata.subgraphs[:1]
    units = [unit for graph in graphs for unit in graph.input_process_units]
    units += [unit for tensor in model.metadata.inputs for unit in tensor.process_units]
    return next((unit for unit in units if isinstance(unit, kind)), None)


def vocabulary_text(
    model: TaskModel, tokenizer: BertTokenizer | RegexTokenizer | None, file: str | os.PathLike[str] | None
) -> str:
    """What is in the vocabulary's file.

    Args:
        model: the model.
        tokenizer: what its metadata tells.
        file: what the caller named; it goes before the metadata.

    Raises:
        OSError: the file can't be read.
        ValueError: there is no vocabulary, or what is packed is broken.
    """
    if file is not None:
        return read_file(file).decode(errors="replace")
    names = [] if tokenizer is None else [one.name for one in tokenizer.vocabulary_files]
    if not names:
        raise ValueError(
            f"{model.name} has no vocabulary in its metadata; give the file that it was trained with: vocabulary="
        )
    return read_attached(model.source, names[0]).decode("utf-8", errors="replace")


def numbered_words(text: str) -> Mapping[str, int]:
    """Numbers of words, of lines that hold a word and its number, or the words alone, which count from 0.

    Raises:
        ValueError: there is no word.
    """
    # Other ends of lines than these may be words themselves.
    lines = [line.strip(" \t\r\ufeff") for line in text.rstrip().split("\n")]
    if not any(lines):
        raise ValueError("the vocabulary is empty; it has one word a line, with its number or without")
    pairs = [_LINE.fullmatch(line) for line in lines if line]
    if all(pair is not None for pair in pairs):
        return {pair[1]: int(pair[2]) for pair in pairs if pair is not None}
    return {line: number for number, line in enumerate(lines) if line}
