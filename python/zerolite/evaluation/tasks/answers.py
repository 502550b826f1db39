"""Answers to questions against those of people: exact match and F1, as SQuAD's own program counts them."""

from __future__ import annotations

import os
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from zerolite.evaluation.tasks.records import read_json, read_records

if TYPE_CHECKING:
    from zerolite.tasks import Answers

__all__ = ["AnswerScores", "AskedQuestion", "QuestionSource", "questions_of"]

#: A file, or (question, text, right answers).
QuestionSource: TypeAlias = "str | os.PathLike[str] | Iterable[tuple[str, str, Sequence[str]]]"

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_PARTS = 3


class AskedQuestion(NamedTuple):
    """A question about a text, with what people answered; none where the text does not tell."""

    question: str
    text: str
    answers: tuple[str, ...]


class AnswerScores:
    """Exact match and F1 over the questions so far.

    Of several right answers the best fitting one counts. A question without an answer is right where nothing is said.
    Rules: `normalize_answer`, `f1_score` and `exact_match_score` of SQuAD's evaluation program, version 1.1; answers
    that are empty as in version 2.0.
    """

    def __init__(self) -> None:
        self._exact: list[bool] = []
        self._f1: list[float] = []

    def update(self, told: Answers, right: Sequence[str]) -> None:
        """Take in what was told, of which the best answer counts, and what is right."""
        own = _words(told.answers[0].text if told.answers else "")
        expected = [_words(one) for one in right] or [[]]
        self._exact.append(own in expected)
        self._f1.append(max(_f1(own, one) for one in expected))

    def result(self) -> dict[str, float]:
        """Shares from 0 to 1."""
        return {"exact_match": sum(self._exact) / len(self._exact), "f1": sum(self._f1) / len(self._f1)}


def questions_of(data: QuestionSource) -> list[AskedQuestion]:
    """Questions, from a file of SQuAD (1.1 or 2.0), from rows of "question", "text" and "answer", or as they are.

    Raises:
        OSError: the file can't be read.
        ValueError: it is in another format.
        TypeError: what came is no question.
    """
    if not isinstance(data, str | os.PathLike):
        return [_checked(one) for one in data]
    if Path(data).suffix.lower() != ".json":
        return [_of_record(record, os.fspath(data)) for record in read_records(data)]
    return list(_of_squad(read_json(data), os.fspath(data)))


def _checked(one: Any) -> AskedQuestion:
    if not isinstance(one, Sequence) or isinstance(one, str) or len(one) != _PARTS:
        raise TypeError(f"a question is a tuple of question, text and right answers; came {one!r:.200}")
    question, text, answers = one
    return AskedQuestion(question, text, (answers,) if isinstance(answers, str) else tuple(answers))


def _of_record(record: Mapping[str, Any], name: str) -> AskedQuestion:
    missing = [key for key in ("question", "text", "answer") if key not in record]
    if missing:
        raise ValueError(
            f"{name} has no '{missing[0]}': questions are a file of SQuAD (.json), or rows with 'question', 'text' and "
            f"'answer'; its columns are {', '.join(map(str, record))}"
        )
    answer = record["answer"]
    return AskedQuestion(record["question"], record["text"], tuple(answer) if isinstance(answer, list) else (answer,))


def _of_squad(content: Any, name: str) -> Iterable[AskedQuestion]:
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                for asked in paragraph["qas"]:
                    answers = tuple(str(one["text"]) for one in asked["answers"])
                    yield AskedQuestion(str(asked["question"]), str(paragraph["context"]), answers)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"{name} is not in SQuAD's format, which is data, paragraphs, qas and answers: {error!r} is wrong; or give "
            "rows with 'question', 'text' and 'answer' as .csv"
        ) from error


def _words(answer: str) -> list[str]:
    """The words that count: without articles, punctuation and case."""
    return _ARTICLES.sub(" ", answer.lower().translate(_NO_PUNCTUATION)).split()


def _f1(own: Sequence[str], right: Sequence[str]) -> float:
    """Of precision and recall of the words; of nothing and nothing 1."""
    if not own or not right:
        return float(list(own) == list(right))
    shared = sum((Counter(own) & Counter(right)).values())
    return 2 * shared / (len(own) + len(right))
