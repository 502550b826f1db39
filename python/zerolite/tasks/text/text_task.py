"""What tasks on text have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from zerolite.tasks.task_model import ModelTask

__all__ = ["TextTask", "checked_text"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class TextTask(ModelTask, ABC, Generic[_Item, _Result]):
    """A model that answers a question about texts; `zerolite.tasks.load` makes them.

    It may be called from several threads. Close it, or use it in a with statement, when it is done.
    """

    @abstractmethod
    def map(
        self, texts: Iterable[_Item], /, *, progress: Callable[[int, int | None], None] | None = None
    ) -> Iterator[_Result]:
        """Answer for many texts, one after another; in a pool, for several at once.

        Args:
            texts: a list or an iterator of what a call takes.
            progress: is called after each text with how many are done and how many there are, None for not known.

        Returns:
            An iterator in the order of the texts.
        """


def checked_text(text: object) -> str:
    """A text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(text, str):
        raise TypeError(f"a text is a string; came {type(text).__name__}; give several texts to map")
    return text
