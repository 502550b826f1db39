"""One line of the demonstration's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zerolite.evaluation.evaluation_result import EvaluationResult

__all__ = ["ReportRow"]


@dataclass(frozen=True, slots=True, eq=False)
class ReportRow:
    """One variant in one runtime.

    Attributes:
        variant: the model's form, such as "int8".
        size_bytes: the size of its file.
        result: what was measured.
    """

    variant: str
    size_bytes: int
    result: EvaluationResult

    @property
    def runtime(self) -> str:
        """The runtime's name."""
        return self.result.runtime

    def to_dict(self) -> dict[str, Any]:
        """The line as plain values for JSON."""
        summary = self.result.to_dict()
        return {
            "variant": self.variant,
            "runtime": self.runtime,
            "accuracy": self.result.accuracy,
            "latency_us": summary["latency_us"],
            "images_per_second": self.result.throughput,
            "size_bytes": self.size_bytes,
        }
