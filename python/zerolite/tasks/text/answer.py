"""Answers to questions, found in a text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._runtime.validation import positive_int
from zerolite.tasks.decoding.spans import Span, best_spans, ranked, windows
from zerolite.tasks.text.text_task import TextTask, checked_text
from zerolite.tasks.text.word_pieces import BertInputs, WordPieces

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel, TaskTensor

__all__ = ["Answer", "Answers", "QuestionAnswerer"]

# As BERT's program for SQuAD has them: pieces of a question, and from one window to the next.
_LONGEST_QUESTION = 64
_STRIDE = 128
_LONGEST_ANSWER = 30
_SPECIAL_PIECES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A part of a text that may answer a question.

    Attributes:
        text: the part.
        start: where it begins in the text, in characters.
        end: where it ends.
        score: the logit of its start plus that of its end.
        probability: how likely it is among the answers that were told.
    """

    text: str
    start: int
    end: int
    score: float
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "score": self.score,
            "probability": self.probability,
        }


@dataclass(frozen=True, slots=True)
class Answers:
    """What may answer a question.

    Attributes:
        answers: the best first; none where the text is empty.
        question: the question.
    """

    answers: tuple[Answer, ...]
    question: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"question": self.question, "answers": [one.to_dict() for one in self.answers]}


class QuestionAnswerer(TextTask[tuple[str, str], Answers]):
    """A model of BERT's kind that finds answers in a text, such as MobileBERT trained on SQuAD.

    Attributes:
        length: how many pieces of question and text go into one run; a longer text goes in parts that overlap.
    """

    name = "answer"

    def __init__(self, model: TaskModel, *, vocabulary: str | os.PathLike[str] | None) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            OSError: the vocabulary can't be read.
            ValueError: the model does not answer questions, or there is no vocabulary.
            ImportError: the package `tokenizers` is not installed (extra "text").
        """
        super().__init__(model)
        inputs, logits = BertInputs.recognize(model), _logits_of(model)
        if inputs is None or logits is None:
            shown = ", ".join(f"'{one.spec.name}' of shape {one.spec.shape}" for one in model.inputs) or "none"
            raise ValueError(
                f"{model.name} does not answer questions: it takes ids, mask and segment ids of BERT, and gives logits "
                f"of starts and ends (1, length); its inputs are {shown}, and its outputs {model.described_outputs()}"
            )
        self._inputs = inputs
        self._starts, self._ends = logits
        self._pieces = WordPieces.of(model, vocabulary)
        self.length = inputs.length

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model's inputs and outputs are those of a model that answers questions."""
        return BertInputs.recognize(model) is not None and _logits_of(model) is not None

    def __call__(self, question: str, text: str, *, max_results: int = 5) -> Answers:
        """Find what answers a question in a text.

        Args:
            question: the question, of which 64 pieces count.
            text: the text, of any length.
            max_results: how many answers at most.

        Returns:
            The answers, which may overlap; each has at most 30 pieces.

        Raises:
            TypeError: one of the texts is no string.
            ValueError: `max_results` is less than 1.
            Error: the model fails or is closed.
        """
        return self._answer((question, text), positive_int("max_results", max_results))

    def map(
        self,
        texts: Iterable[tuple[str, str]],
        *,
        max_results: int = 5,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Answers]:
        """Find answers to many questions.

        Args:
            texts: pairs of a question and a text.
            max_results: as for a call.
            progress: as for `TextTask.map`.

        Returns:
            An iterator in the order of the pairs.
        """
        most = positive_int("max_results", max_results)
        return self._each(lambda pair: self._answer(pair, most), texts, progress)

    def _answer(self, pair: tuple[str, str], most: int) -> Answers:
        question, text = (checked_text(one) for one in pair)
        asked, _ = self._pieces.cut(question)
        asked = asked[: min(_LONGEST_QUESTION, self.length // 2)]
        pieces, places = self._pieces.cut(text)
        if not pieces:
            return Answers((), question)
        begin = len(asked) + 2  # after the start and the separator
        spans: list[Span] = []
        room = self.length - len(asked) - _SPECIAL_PIECES
        for part in windows(len(pieces), room, min(_STRIDE, max(1, room // 2))):
            outputs = self._model.run(self._inputs.arrays(self._pieces, asked, pieces[part.start : part.stop]))
            starts, ends = (
                np.asarray(outputs[side.spec.name], np.float64).reshape(-1)[begin : begin + len(part)]
                for side in (self._starts, self._ends)
            )
            spans += best_spans(starts, ends, part, longest=_LONGEST_ANSWER, most=most)
        best = ranked(spans)[:most]
        likely = np.exp([one.score - best[0].score for one in best])
        return Answers(
            tuple(
                Answer(
                    text[places[one.first][0] : places[one.last][1]],
                    places[one.first][0],
                    places[one.last][1],
                    one.score,
                    float(part / likely.sum()),
                )
                for one, part in zip(best, likely, strict=True)
            ),
            question,
        )


def _logits_of(model: TaskModel) -> tuple[TaskTensor, TaskTensor] | None:
    """The outputs with the logits of starts and of ends, by their names; None where there are none."""
    if len(model.outputs) != 2 or len(model.inputs) != 3:  # noqa: PLR2004 - starts and ends, of three inputs
        return None
    if any(one.spec.shape != model.inputs[0].spec.shape for one in model.outputs):
        return None
    starts = [one for one in model.outputs if "start" in one.words]
    ends = [one for one in model.outputs if "end" in one.words and one not in starts]
    return (starts[0], ends[0]) if len(starts) == 1 and len(ends) == 1 else None
