"""What is done to values before they go into a model, and after they come out."""

# ruff: noqa: RUF009 - what stands for a default makes a dataclasses.field

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from zerolite.metadata.associated_file import AssociatedFile
from zerolite.metadata.flatbuffer.fields import number, numbers, records, text, word
from zerolite.metadata.flatbuffer.unions import Unknown, some_of

__all__ = [
    "BertTokenizer",
    "Normalization",
    "ProcessUnit",
    "RegexTokenizer",
    "ScoreCalibration",
    "ScoreThresholding",
    "SentencePieceTokenizer",
    "units",
]

_Transformation: TypeAlias = Literal["identity", "log", "inverse_logistic"]


@dataclass(frozen=True, slots=True)
class Normalization:
    """How counts become what a model takes: `(counts - mean) / std`.

    Attributes:
        mean: one number, or one for each channel; none for 0.
        std: one number, or one for each channel; none for 1.

    Raises:
        ValueError: a number is not finite, or a deviation is 0.
    """

    mean: tuple[float, ...] = numbers(0, "<f")
    std: tuple[float, ...] = numbers(1, "<f")

    def __post_init__(self) -> None:
        if not all(math.isfinite(one) for one in (*self.mean, *self.std)) or 0.0 in self.std:
            raise ValueError(
                f"a normalization has finite numbers and no deviation of 0; came mean {self.mean} and std {self.std}"
            )

    def apply(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Normalize images.

        Args:
            counts: numbers from 0 to 255, shape (..., channels).

        Returns:
            A new float32 array of the same shape.

        Raises:
            ValueError: there are several means or deviations, and not one for each channel.
        """
        channels = counts.shape[-1]
        for name, given in (("mean", self.mean), ("std", self.std)):
            if len(given) not in (0, 1, channels):
                raise ValueError(
                    f"the model's metadata has {len(given)} numbers as {name} for images of {channels} channels; "
                    "name the preprocessing yourself with preprocessing="
                )
        values = counts.astype(np.float32) - np.asarray(self.mean or (0.0,), dtype=np.float32)
        values /= np.asarray(self.std or (1.0,), dtype=np.float32)
        return values


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """Scores are made comparable with the sigmoids in a file of the kind "score_calibration".

    Attributes:
        transformation: what is done to a score before: "identity", "log" or "inverse_logistic".
        default_score: the score of what the file has no line for, or of what is below its least score.
    """

    transformation: _Transformation = word(0, get_args(_Transformation))
    default_score: float = number(1, "<f")


@dataclass(frozen=True, slots=True)
class ScoreThresholding:
    """Low scores are left out.

    Attributes:
        threshold: the least score that counts.
    """

    threshold: float = number(0, "<f")


@dataclass(frozen=True, slots=True)
class BertTokenizer:
    """Text is cut as BERT does.

    Attributes:
        vocabulary_files: the files with its vocabulary.
    """

    vocabulary_files: tuple[AssociatedFile, ...] = records(0, AssociatedFile)


@dataclass(frozen=True, slots=True)
class SentencePieceTokenizer:
    """Text is cut by a SentencePiece model.

    Attributes:
        model_files: the files with the model.
        vocabulary_files: the files with a vocabulary, where there is one.
    """

    model_files: tuple[AssociatedFile, ...] = records(0, AssociatedFile)
    vocabulary_files: tuple[AssociatedFile, ...] = records(1, AssociatedFile)


@dataclass(frozen=True, slots=True)
class RegexTokenizer:
    """Text is cut where a regular expression matches.

    Attributes:
        delimiter_pattern: the regular expression.
        vocabulary_files: the files with its vocabulary.
    """

    delimiter_pattern: str = text(0)
    vocabulary_files: tuple[AssociatedFile, ...] = records(1, AssociatedFile)


ProcessUnit: TypeAlias = (
    Normalization
    | ScoreCalibration
    | ScoreThresholding
    | BertTokenizer
    | SentencePieceTokenizer
    | RegexTokenizer
    | Unknown
)

_CHOICES = (
    ("normalization", Normalization),
    ("score_calibration", ScoreCalibration),
    ("score_thresholding", ScoreThresholding),
    ("bert_tokenizer", BertTokenizer),
    ("sentence_piece_tokenizer", SentencePieceTokenizer),
    ("regex_tokenizer", RegexTokenizer),
)


def units(slot: int) -> Any:
    """A field of process units."""
    return some_of(slot, _CHOICES)
