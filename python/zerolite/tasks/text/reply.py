"""Suggested replies: what might be answered to a message."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from zerolite._runtime.validation import positive_int
from zerolite.tasks.text.text_task import TextTask, checked_text

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel, TaskTensor

__all__ = ["MessageSource", "Replier", "Replies", "Reply"]

#: A message, or the last ones of a chat, the oldest first.
MessageSource: TypeAlias = "str | Sequence[str]"

_MARKS = re.compile(r"[?.!,]+")
_END_OF_PART = re.compile(r"(?<=[?.!,])\s+")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is suggested.

    Attributes:
        text: what it says.
        score: how much speaks for it; the sum over the parts of the messages.
    """

    text: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"text": self.text, "score": self.score}


@dataclass(frozen=True, slots=True)
class Replies:
    """What might be answered to a message.

    Attributes:
        replies: the replies, the best first.
        messages: what they are replies to.
    """

    replies: tuple[Reply, ...]
    messages: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"messages": list(self.messages), "replies": [one.to_dict() for one in self.replies]}


class _Choice(NamedTuple):
    max_results: int
    backoff: tuple[str, ...]


class Replier(TextTask[MessageSource, Replies]):
    """A model that suggests replies, as TensorFlow Lite's published one: a text in, candidates and their scores out.

    Such a model has custom operators, whose kernels come with ``custom_ops=``. As that one's own program does, messages
    are cut into parts at their punctuation, the model is asked for each, and the scores of a reply are added
    (`tensorflow/lite/models/smartreply/predictor.cc`).
    """

    name = "reply"

    def __init__(self, model: TaskModel) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model suggests no replies.
        """
        found = _outputs_of(model)
        if found is None:
            inputs = ", ".join(f"'{one.spec.name}' of shape {one.spec.shape}" for one in model.inputs) or "none"
            raise ValueError(
                f"{model.name} suggests no replies: it takes a text, a string of shape (1,), and gives candidates as "
                f"strings (count,) with as many real scores; its inputs are {inputs}, and its outputs "
                f"{model.described_outputs()}"
            )
        super().__init__(model)
        self._texts, self._scores = found

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model takes a text and gives texts with scores."""
        return _outputs_of(model) is not None

    def __call__(self, message: MessageSource, *, max_results: int = 3, backoff: Sequence[str] = ()) -> Replies:
        """Suggest replies.

        Args:
            message: the message, in any script, or the last ones of a chat, the oldest first.
            max_results: how many replies at most, the best.
            backoff: replies that always fit, with the score 0, for when the model has fewer.

        Raises:
            TypeError: a message is no string.
            ValueError: `max_results` is less than 1.
            Error: the model fails or is closed.
        """
        return self._answer(message, _checked(max_results, backoff))

    def map(
        self,
        messages: Iterable[MessageSource],
        *,
        max_results: int = 3,
        backoff: Sequence[str] = (),
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Replies]:
        """Suggest replies to many messages, each by itself.

        Args:
            messages: a list or an iterator of what a call takes.
            max_results: as for a call.
            backoff: as for a call.
            progress: as for `TextTask.map`.

        Returns:
            An iterator in the order of the messages.
        """
        choice = _checked(max_results, backoff)
        if isinstance(messages, str):
            raise TypeError("map takes a list or an iterator of messages; came a single string; call the task with it")
        return self._each(lambda message: self._answer(message, choice), messages, progress)

    def _answer(self, message: MessageSource, choice: _Choice) -> Replies:
        messages = tuple(map(checked_text, [message] if isinstance(message, str) else message))
        sums: defaultdict[str, float] = defaultdict(float)
        for part in (part for one in messages for part in _parts(one)):
            spec = self._model.inputs[0].spec
            outputs = self._model.run({spec.name: np.array([part.encode()], object).reshape(spec.shape)})
            texts = outputs[self._texts.spec.name].reshape(-1)
            scores = np.asarray(outputs[self._scores.spec.name], np.float64).reshape(-1)
            for text, score in zip(texts, scores, strict=False):
                # Of places without a reply the text is empty.
                if text and np.isfinite(score):
                    sums[bytes(text).decode("utf-8", errors="replace")] += float(score)
        ranked = sorted(sums.items(), key=lambda item: -item[1])
        ranked += [(text, 0.0) for text in choice.backoff if text not in sums]
        return Replies(tuple(Reply(*one) for one in ranked[: choice.max_results]), messages)


def _checked(max_results: int, backoff: Sequence[str]) -> _Choice:
    if isinstance(backoff, str):
        raise TypeError("backoff is a list of replies; came a single string; put it into a list")
    return _Choice(positive_int("max_results", max_results), tuple(map(checked_text, backoff)))


def _parts(message: str) -> list[str]:
    """The parts of a message that its punctuation separates, each with a space and one mark at its end."""
    spaced = _MARKS.sub(lambda marks: f" {marks[0][-1]}", message)
    parts = [" ".join(part.split()) for part in _END_OF_PART.split(spaced)]
    return [part for part in parts if part]


def _outputs_of(model: TaskModel) -> tuple[TaskTensor, TaskTensor] | None:
    """The outputs with the candidates and with their scores; None where the model is no such one."""
    takes_a_text = len(model.inputs) == 1 and model.inputs[0].spec.dtype.kind == "O"
    texts = [one for one in model.outputs if one.spec.dtype.kind == "O"]
    scores = [one for one in model.outputs if one.spec.dtype.kind == "f"]
    return (texts[0], scores[0]) if takes_a_text and len(texts) == 1 and len(scores) == 1 else None
