"""What fresh processes need until their first result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FIRST_RESULT_FIGURES", "FirstResult", "FirstResults"]

#: The figures of a `FirstResult`, with their units.
FIRST_RESULT_FIGURES = {
    "start_to_first_result_ms": "ms",
    "import_ms": "ms",
    "load_ms": "ms",
    "first_inference_ms": "ms",
    "peak_rss_bytes": "bytes",
}


@dataclass(frozen=True, slots=True)
class FirstResult:
    """One fresh process.

    Attributes:
        start_to_first_result_ms: wall time from the start of the process until its first result was there.
        import_ms: of that, importing the runtime, with NumPy.
        load_ms: loading the model, until it is ready to run.
        first_inference_ms: the first call, from array in to array out.
        peak_rss_bytes: the most memory that the process had in use by then.
    """

    start_to_first_result_ms: float
    import_ms: float
    load_ms: float
    first_inference_ms: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class FirstResults:
    """The fresh processes of one runtime, in the order in which they ran."""

    processes: tuple[FirstResult, ...]

    def values(self, figure: str) -> list[float]:
        """One of `FIRST_RESULT_FIGURES`, process by process."""
        return [float(getattr(process, figure)) for process in self.processes]

    def median(self, figure: str) -> float:
        """One of `FIRST_RESULT_FIGURES`, of the middle process."""
        return float(np.median(self.values(figure)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: medians, and each process."""
        return {
            **{figure: self.median(figure) for figure in FIRST_RESULT_FIGURES},
            "processes": [
                {figure: getattr(process, figure) for figure in FIRST_RESULT_FIGURES} for process in self.processes
            ],
        }
