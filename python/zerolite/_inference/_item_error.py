"""A failure of one item among many."""

from zerolite import _native


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
        """Pickle by what it is made of; a pickle keeps no `__cause__` of its own accord."""
        return type(self), (self.index, self.cause)
