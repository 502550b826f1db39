"""Classification of texts: what a sentence or a comment says as a whole."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zerolite._runners.score_kind import two_class_scores
from zerolite._runtime.validation import positive_int
from zerolite.metadata import RegexTokenizer
from zerolite.tasks.text.regex_words import RegexWords
from zerolite.tasks.text.text_task import TextTask, checked_text
from zerolite.tasks.text.vocabulary import packed_tokenizer
from zerolite.tasks.text.word_pieces import BertInputs, WordPieces
from zerolite.vision import Prediction, check_labels, top

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel, TaskTensor

__all__ = ["ClassifiedText", "TextClassifier"]

_TWO_CLASSES = 2
_ROW = 2  # axes
_SPECIAL_PIECES = 2


@dataclass(frozen=True, slots=True)
class ClassifiedText:
    """What one text says.

    Attributes:
        predictions: the classes, the most likely first.
        text: the text.
    """

    predictions: tuple[Prediction, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "text": self.text,
            "predictions": [one.to_dict() for one in self.predictions],
        }


class TextClassifier(TextTask[str, ClassifiedText]):
    """A classifier of texts: by average word vectors, or of BERT's kind.

    Attributes:
        class_names: the names of the classes, by their numbers; empty where nobody told them.
        classes: how many classes there are.
        length: how many words or pieces of a text the model takes; what is beyond them is left out.
    """

    name = "text"

    def __init__(
        self,
        model: TaskModel,
        *,
        class_names: Sequence[str] | None,
        vocabulary: str | os.PathLike[str] | None,
    ) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            OSError: the vocabulary can't be read.
            ValueError: the model is no classifier of texts, there is no vocabulary, or an option does not fit.
            ImportError: the model is of BERT's kind, and the package `tokenizers` is not installed (extra "text").
        """
        super().__init__(model)
        output = _scores_of(model)
        self._bert = BertInputs.recognize(model)
        is_row = len(model.inputs) == 1 and _is_row_of_numbers(model.inputs[0])
        if output is None or not (self._bert or is_row):
            inputs = ", ".join(f"'{one.spec.name}' of shape {one.spec.shape}" for one in model.inputs) or "none"
            raise ValueError(
                f"{model.name} is no classifier of texts: it takes a row of numbers of words (1, length), or ids, mask "
                f"and segment ids of BERT, and gives (1, classes); its inputs are {inputs}, and its outputs "
                f"{model.described_outputs()}"
            )
        self._output = output
        self._kind = model.score_kind(output.spec.name)
        self._pieces = WordPieces.of(model, vocabulary) if self._bert else None
        self._words = None if self._bert else RegexWords.of(model, vocabulary)
        self.length: int = model.inputs[0].spec.shape[1]
        self.classes = max(_TWO_CLASSES, math.prod(output.spec.shape))
        names = list(class_names) if class_names is not None else model.labels(output)
        if class_names is not None:
            check_labels(names, self.classes)
        self.class_names = tuple(names) if len(names) == self.classes else ()
        self._calibration = model.calibration(output, math.prod(output.spec.shape))

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model takes texts as numbers of words and gives one score for each class."""
        takes_words = len(model.inputs) == 1 and _is_row_of_numbers(model.inputs[0])
        # A row of real numbers may be anything.
        is_sure = takes_words and (
            model.inputs[0].spec.dtype.kind == "i" or packed_tokenizer(model, RegexTokenizer) is not None
        )
        return _scores_of(model) is not None and (is_sure or BertInputs.recognize(model) is not None)

    def __call__(self, text: str, *, k: int = 5) -> ClassifiedText:
        """Say what a text says.

        Args:
            text: the text, in any script; words that the vocabulary does not have count as unknown.
            k: how many classes at most.

        Raises:
            TypeError: `text` is no string.
            ValueError: `k` is less than 1.
            Error: the model fails or is closed.
        """
        return self._answer(text, positive_int("k", k))

    def map(
        self,
        texts: Iterable[str],
        *,
        k: int = 5,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[ClassifiedText]:
        """Say what many texts say.

        Args:
            texts: a list or an iterator of texts.
            k: as for a call.
            progress: as for `TextTask.map`.

        Returns:
            An iterator in the order of the texts.
        """
        most = positive_int("k", k)
        if isinstance(texts, str):
            raise TypeError("map takes a list or an iterator of texts; came a single string; call the task with it")
        return self._each(lambda text: self._answer(text, most), texts, progress)

    def _answer(self, text: str, k: int) -> ClassifiedText:
        words = checked_text(text)
        if self._bert is not None and self._pieces is not None:
            pieces, _ = self._pieces.cut(words)
            outputs = self._model.run(self._bert.arrays(self._pieces, pieces[: self.length - _SPECIAL_PIECES]))
        else:
            assert self._words is not None
            spec = self._model.inputs[0].spec
            outputs = self._model.run({spec.name: self._words.encode(words, self.length).astype(spec.dtype)})
        scores = np.asarray(outputs[self._output.spec.name], np.float64).reshape(-1)
        if self._calibration is not None:
            scores = self._calibration.apply(scores)
        if scores.size == 1:
            scores = two_class_scores(scores, self._kind if self._calibration is None else "probability")[0]
        ranked = top(np.where(np.isnan(scores), -np.inf, scores), self.class_names or None, k=k)
        return ClassifiedText(tuple(one for one in ranked if math.isfinite(one.score)), text)


def _is_row_of_numbers(tensor: TaskTensor) -> bool:
    spec = tensor.spec
    return len(spec.shape) == _ROW and spec.shape[0] == 1 and spec.dtype.kind in "if" and spec.quantization is None


def _scores_of(model: TaskModel) -> TaskTensor | None:
    """The output with one number for each class; None where there is none."""
    if len(model.outputs) != 1:
        return None
    shape = model.outputs[0].spec.shape
    return model.outputs[0] if len(shape) == _ROW and shape[0] == 1 else None
