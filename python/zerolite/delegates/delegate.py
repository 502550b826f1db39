"""What all delegates are."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

MOST_THREADS = 1024  # as in the core; more is a typing error rather than a wish


class Delegate:
    """Something that can run operators of a model; `load` takes one, or a list in order of preference."""

    __slots__ = ()

    @property
    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments that make an equal delegate: plain values, which JSON can hold."""

    @property
    @abstractmethod
    def native_settings(self) -> Any:
        """The settings as the native core takes them."""


#: One delegate, or several in order of preference.
Delegates: TypeAlias = Delegate | Sequence[Delegate]
