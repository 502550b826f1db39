"""What tasks on text have in common: many texts, and closing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sized
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from zerolite.tasks.image_task import in_order

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel

__all__ = ["TextTask", "checked_text"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Task = TypeVar("_Task", bound="TextTask[Any, Any]")


class TextTask(ABC, Generic[_Item, _Result]):
    """A model that answers a question about texts; `zerolite.tasks.load` makes them.

    It may be called from several threads. Close it, or use it in a with statement, when it is done.
    """

    #: The task's name, as `load` takes it.
    name: ClassVar[str]

    def __init__(self, model: TaskModel) -> None:
        """Take a model, of which the task becomes the owner."""
        self._model = model

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

    def _answers(
        self,
        answer: Callable[[_Item], _Result],
        texts: Iterable[_Item],
        progress: Callable[[int, int | None], None] | None,
    ) -> Iterator[_Result]:
        total = len(texts) if isinstance(texts, Sized) else None
        for done, found in enumerate(in_order(answer, iter(texts), self._model.workers), 1):
            result = found()
            if progress is not None:
                progress(done, total)
            yield result

    def close(self) -> None:
        """Give back the model. Closing twice does nothing."""
        self._model.close()

    def __enter__(self: _Task) -> _Task:
        """Close the task at the end of a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the task."""
        self.close()

    def __repr__(self) -> str:
        """The task and its model."""
        return f"{type(self).__name__}({self._model!r})"


def checked_text(text: object) -> str:
    """A text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(text, str):
        raise TypeError(f"a text is a string; came {type(text).__name__}; give several texts to map")
    return text
