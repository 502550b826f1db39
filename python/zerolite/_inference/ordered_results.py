"""Results of many items, in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from zerolite import _native
from zerolite._runtime.tensor import Value

if TYPE_CHECKING:
    from concurrent.futures import Future

    _Result = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]

__all__ = ["ItemError", "OrderedResults", "closed_error"]


class ItemError(_native.Error):
    """One item of many failed; the others are not affected. The cause is the exception that it raised.

    Attributes:
        index: the item's position, counted from 0.
        cause: the exception that it raised, also after pickling.
    """

    def __init__(self, index: int, cause: BaseException) -> None:
        """Name the item and what became of it."""
        super().__init__(f"item {index}: {str(cause) or type(cause).__name__}")
        self.index = index
        self.cause = cause
        self.__cause__ = cause

    def __reduce__(self) -> tuple[type, tuple[int, BaseException]]:
        """Pickle the index and the cause; pickling alone would lose `__cause__`."""
        return type(self), (self.index, self.cause)


class OrderedResults(Iterator["_Result"]):
    """The results of `Pool.imap`."""

    def __init__(
        self, submit: Callable[[tuple[Value, ...]], Future[_Result]], items: Iterator[Value], ahead: int
    ) -> None:
        """Take what submits an item, the items, and how many of them may be under way."""
        self._submit = submit
        self._items: Iterator[Value] | None = items
        self._ahead = ahead
        self._next_index = 0
        self._pending: deque[tuple[int, Future[_Result]]] = deque()
        self._source_error: Exception | None = None

    def __next__(self) -> _Result:
        """Wait for the next result.

        Raises:
            ItemError: the item failed.
            Error: the pool was closed before the item had begun.
        """
        self._fill()
        if not self._pending:
            error, self._source_error = self._source_error, None
            if error is not None:
                raise error
            raise StopIteration
        index, future = self._pending.popleft()
        try:
            return future.result()
        except KeyboardInterrupt:
            self._pending.appendleft((index, future))
            raise
        except BaseException as error:
            if future.cancelled():
                raise closed_error() from error
            raise ItemError(index, error) from error

    def _fill(self) -> None:
        while self._items is not None and len(self._pending) < self._ahead:
            try:
                item = next(self._items)
            except StopIteration:
                self._items = None
                return
            except Exception as error:  # noqa: BLE001 - raised when the results before it were taken
                self._items = None
                self._source_error = error
                return
            args = item if isinstance(item, tuple) else (item,)
            self._pending.append((self._next_index, self._submit(args)))
            self._next_index += 1

    def __del__(self) -> None:
        """Cancel what has not begun."""
        for _, future in self._pending:
            future.cancel()


def closed_error() -> _native.Error:
    """What using a closed pool raises."""
    return _native.Error("the pool is closed; make another one to use it")
