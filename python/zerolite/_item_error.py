"""A failure of one item among many."""

from zerolite import _native


class ItemError(_native.Error):
    """One item of many failed; the others are not affected. The cause is the exception that it raised.

    Attributes:
        index: the item's position, counted from 0.
    """

    def __init__(self, index: int, cause: BaseException) -> None:
        """Name the item and what became of it."""
        super().__init__(f"item {index}: {cause}")
        self.index = index

    def __reduce__(self) -> tuple[type, tuple[int, BaseException]]:
        """Pickle by what it is made of."""
        return type(self), (self.index, self.__cause__ or _native.Error(str(self)))
