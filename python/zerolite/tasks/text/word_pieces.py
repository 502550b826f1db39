"""Word pieces, as BERT and its relatives take them. Needs the extra "text"."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zerolite.metadata import BertTokenizer
from zerolite.tasks.text.vocabulary import numbered_words, packed_tokenizer, vocabulary_text

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel, TaskTensor

__all__ = ["BertInputs", "WordPieces"]

_CLASS, _SEPARATOR, _PAD, _UNKNOWN = "[CLS]", "[SEP]", "[PAD]", "[UNK]"
_ROLES = ("mask", "segment", "ids")
_SEGMENT_WORDS = ("segment", "type")


class WordPieces:
    """Cuts texts into pieces by a vocabulary, with the tokenizer of the package `tokenizers`.

    Letters become small, and lose their accents, unless the vocabulary has words with capital letters.
    """

    def __init__(self, text: str) -> None:
        """Take what is in the vocabulary's file: one piece a line.

        Raises:
            ValueError: the vocabulary has not the special pieces of BERT.
            ImportError: the package `tokenizers` is not installed (extra "text").
        """
        try:
            from tokenizers import BertWordPieceTokenizer
        except ImportError as error:
            raise ImportError(
                "models of BERT's kind need tokenizers, which is not installed; pip install 'zerolite[text]'"
            ) from error
        numbers = dict(numbered_words(text))
        missing = [piece for piece in (_CLASS, _SEPARATOR, _UNKNOWN) if piece not in numbers]
        if missing:
            raise ValueError(
                f"the vocabulary has no {', '.join(missing)}, and is none of BERT's kind; give the right one"
            )
        is_cased = any(piece != piece.lower() for piece in numbers if not piece.startswith("["))
        self._tokenizer: Any = BertWordPieceTokenizer(numbers, lowercase=not is_cased)
        self.start, self.separator = numbers[_CLASS], numbers[_SEPARATOR]
        self.padding = numbers.get(_PAD, 0)

    @classmethod
    def of(cls, model: TaskModel, file: str | os.PathLike[str] | None) -> WordPieces:
        """What the metadata of a model tells; a vocabulary that the caller named goes before that in it.

        Raises:
            OSError: the file can't be read.
            ValueError: there is no vocabulary, or it is broken.
            ImportError: the package `tokenizers` is not installed (extra "text").
        """
        return cls(vocabulary_text(model, packed_tokenizer(model, BertTokenizer), file))

    def cut(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The numbers of a text's pieces, and where each begins and ends in it."""
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return list(found.ids), list(found.offsets)


@dataclass(frozen=True, slots=True)
class BertInputs:
    """The three inputs of a model of BERT's kind.

    Attributes:
        ids: the numbers of pieces, shape (1, length).
        mask: 1 where there is a piece, 0 in the padding.
        segments: 0 for the first text, 1 for the second.
    """

    ids: TaskTensor
    mask: TaskTensor
    segments: TaskTensor

    @property
    def length(self) -> int:
        """How many pieces go in."""
        return self.ids.spec.shape[1]

    @classmethod
    def recognize(cls, model: TaskModel) -> BertInputs | None:
        """The inputs of a model, by their names; None where it has others."""
        shapes = {one.spec.shape for one in model.inputs}
        if len(model.inputs) != len(_ROLES) or len(shapes) != 1 or len(next(iter(shapes))) != 2:  # noqa: PLR2004 - (1, length)
            return None
        if any(one.spec.dtype.kind != "i" for one in model.inputs):
            return None
        roles: dict[str, list[TaskTensor]] = {role: [] for role in _ROLES}
        for one in model.inputs:
            is_segment = any(word in one.words for word in _SEGMENT_WORDS)
            roles["segment" if is_segment else "mask" if "mask" in one.words else "ids"].append(one)
        if any(len(tensors) != 1 for tensors in roles.values()):
            return None
        return cls(roles["ids"][0], roles["mask"][0], roles["segment"][0])

    def arrays(
        self, pieces: WordPieces, first: Sequence[int], second: Sequence[int] = ()
    ) -> Mapping[str, NDArray[Any]]:
        """What goes in for one text or for two: start, first, separator, second, separator, padding.

        Args:
            pieces: the vocabulary.
            first: the pieces of the first text.
            second: those of the second; together there is room for them.
        """
        row = [pieces.start, *first, pieces.separator]
        segments = [0] * len(row)
        if second:
            row += [*second, pieces.separator]
            segments += [1] * (len(row) - len(segments))
        empty = self.length - len(row)
        values = (
            (self.ids, row + [pieces.padding] * empty),
            (self.mask, [1] * len(row) + [0] * empty),
            (self.segments, segments + [0] * empty),
        )
        return {one.spec.name: np.array([value], one.spec.dtype) for one, value in values}
