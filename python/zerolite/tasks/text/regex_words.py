"""Words between what a regular expression matches, as models of average word vectors take them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zerolite.metadata import RegexTokenizer
from zerolite.tasks.text.vocabulary import numbered_words, packed_tokenizer, vocabulary_text

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel

__all__ = ["RegexWords"]

# What Model Maker and tflite-support separate words by.
_USUAL_PATTERN = r"[^\w\']+"
_START, _PAD, _UNKNOWN = "<START>", "<PAD>", "<UNKNOWN>"
_MOST_REPETITIONS = 2


class RegexWords:
    r"""Makes a row of numbers of a text: the start, the words, and padding, as tflite-support's NLClassifier does.

    The pattern is read as RE2 reads it there: `\w` is of ASCII alone. A word that is not in the vocabulary is looked
    for in small letters, in which networks of this kind are trained, before it counts as unknown. Words beyond the
    length of the row are left out.
    """

    def __init__(self, numbers: Mapping[str, int], pattern: str = _USUAL_PATTERN) -> None:
        """Take the vocabulary and what words are separated by.

        Raises:
            ValueError: the pattern is no regular expression, or one that may take for ever.
        """
        # A file that is not trusted brings it: without groups and with few repetitions, no text takes for ever.
        plain = re.sub(r"\[\^?\]?[^\]]*\]", "x", re.sub(r"\\.", "x", pattern))
        if "(" in plain or len(re.findall(r"[*+?{]", plain)) > _MOST_REPETITIONS:
            raise ValueError(
                f"the model's pattern between words, {pattern!r}, has groups or many repetitions, which may take for "
                f"ever; write a simple one into the metadata, such as {_USUAL_PATTERN!r}"
            )
        try:
            self._delimiter = re.compile(pattern, re.ASCII)
        except re.error as error:
            raise ValueError(
                f"the model's pattern between words, {pattern!r}, is no regular expression: {error}; write another one "
                f"into the metadata, such as {_USUAL_PATTERN!r}"
            ) from error
        self._numbers = numbers

    @classmethod
    def of(cls, model: TaskModel, file: str | os.PathLike[str] | None) -> RegexWords:
        """What the metadata of a model tells; a vocabulary that the caller named goes before that in it.

        Raises:
            OSError: the file can't be read.
            ValueError: there is no vocabulary, or it or the pattern is broken.
        """
        tokenizer = packed_tokenizer(model, RegexTokenizer)
        numbers = numbered_words(vocabulary_text(model, tokenizer, file))
        pattern = _USUAL_PATTERN if tokenizer is None else tokenizer.delimiter_pattern or _USUAL_PATTERN
        return cls(numbers, pattern)

    def encode(self, text: str, length: int) -> NDArray[np.int32]:
        """The numbers of a text's words, shape (1, length)."""
        numbers = self._numbers
        unknown = numbers.get(_UNKNOWN, 0)
        row = [numbers[_START]] if _START in numbers else []
        for word in self._delimiter.split(text):
            if len(row) >= length:
                break
            if word:
                row.append(numbers.get(word, numbers.get(word.lower(), unknown)))
        row += [numbers.get(_PAD, 0)] * (length - len(row))
        return np.array([row], np.int32)
