"""What all delegates are."""

from abc import abstractmethod
from typing import Any


class Delegate:
    """Something that can run operators of a model; `load` takes one, or a list in order of preference."""

    __slots__ = ()

    @property
    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """What makes another one like this when its class is called with it: texts, numbers and mappings of them."""
