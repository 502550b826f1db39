"""A model that was tried in a search, and which of several are worth having."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

__all__ = ["Cost", "PrecisionTrial", "pareto_front"]

#: What a trial costs: the name of one of its attributes.
Cost: TypeAlias = Literal["size", "latency_us"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionTrial:
    """One model that was tried.

    Attributes:
        quantize: how it is quantized; "none" for the float model.
        kept_float: the layers that are left out of that, by name.
        value: the metric.
        loss: how much worse that is than the float model's; negative where it is better.
        size: bytes of the file.
        latency_us: microseconds of a run, all models in turns: the median of the rounds.
    """

    quantize: str
    kept_float: tuple[str, ...]
    value: float
    loss: float
    size: int
    latency_us: float

    @property
    def label(self) -> str:
        """In a few words."""
        if self.quantize == "none":
            return "float32"
        count = len(self.kept_float)
        return f"{self.quantize}, {count} in float" if count else self.quantize

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "quantize": self.quantize,
            "kept_float": list(self.kept_float),
            "value": self.value,
            "loss": self.loss,
            "size_bytes": self.size,
            "latency_us": self.latency_us,
        }


def pareto_front(trials: Sequence[PrecisionTrial], cost: Cost) -> tuple[PrecisionTrial, ...]:
    """The trials that no other beats in the metric and in the cost, the cheapest first."""
    found: list[PrecisionTrial] = []
    for trial in sorted(trials, key=lambda one: (getattr(one, cost), one.loss)):
        if not found or trial.loss < found[-1].loss:
            found.append(trial)
    return tuple(found)
