"""One item, and what every model makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

__all__ = ["Sample"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sample:
    """An item that some models got wrong.

    Attributes:
        index: its place in the data.
        name: what it is called, such as the path of its image; None where it has no name.
        input: the first input, without the batch.
        label: its label as text: the class's name, or numbers.
        answers: (model, runtime) -> what it says: the class's name, or numbers.
        severity: how wrong the models were: first how many erred, then by how much.
    """

    index: int
    name: str | None
    input: NDArray[Any] = field(repr=False)
    label: str
    answers: Mapping[tuple[str, str], str]
    severity: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the input is left out."""
        return {
            "index": self.index,
            "name": self.name,
            "label": self.label,
            "answers": [
                {"model": model, "runtime": runtime, "answer": answer}
                for (model, runtime), answer in self.answers.items()
            ],
        }
