"""What a process that a model is isolated in may take of the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index

__all__ = ["ProcessIsolation"]

# Far more than a sound model needs, and little enough to do no harm to the machine.
_ADDRESS_SPACE = 8 << 30
_ADDRESS_SPACE_PER_BYTE = 4
#: Below that, an interpreter with NumPy and the runtime does not start.
_LEAST_MEMORY = 512 << 20


@dataclass(frozen=True, kw_only=True)
class ProcessIsolation:
    """A process for a model, and what it may take; ``isolation="process"`` is one with the defaults.

    Attributes:
        memory: how many bytes it may reserve, with the 0.5 GiB or so that the interpreter and its libraries reserve
            themselves; what is reserved need not be used. A model that needs more is an `Error`. None is 8 GiB and four
            times the model's size.
        seconds: how long a run may take, also without a ``timeout=``; then it is an `Error`, and the process is ended.
            None is 60. Loading may take a minute, and another one for each GiB of the model.

    Raises:
        TypeError: `memory` is no integer, or `seconds` no number.
        ValueError: `memory` is less than 512 MiB, or `seconds` is not above 0.
    """

    memory: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Check them."""
        if self.memory is not None and index(self.memory) < _LEAST_MEMORY:
            raise ValueError(
                f"memory is {self.memory}, and must be at least {_LEAST_MEMORY} bytes, which a process without a model "
                "takes"
            )
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"seconds is {self.seconds}, and must be above 0, or None for a minute")

    def address_space_for(self, size: int) -> int:
        """How many bytes the process of a model of this size may reserve."""
        return _ADDRESS_SPACE + _ADDRESS_SPACE_PER_BYTE * size if self.memory is None else self.memory
