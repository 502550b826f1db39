"""What was measured of one runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zerolite._timing.timing import Timing
from zerolite.benchmarking.first_result import FirstResults

__all__ = ["RuntimeResult"]


@dataclass(frozen=True, slots=True)
class RuntimeResult:
    """One runtime with the benchmarked model.

    Attributes:
        runtime: a name of `zerolite.benchmarking.RUNTIMES`.
        version: the version of the package that it comes from; None when that is not known.
        call: from arrays in to arrays out: filling the inputs, running, and reading the outputs.
        invoke: running alone, over inputs that are in place; None for batches, and where the runtime has no such call.
        first_result: what fresh processes needed until their first result; None when that was not measured.
    """

    runtime: str
    version: str | None
    call: Timing
    invoke: Timing | None = None
    first_result: FirstResults | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "runtime": self.runtime,
            "version": self.version,
            "call": self.call.to_dict(),
            "invoke": None if self.invoke is None else self.invoke.to_dict(),
            "first_result": None if self.first_result is None else self.first_result.to_dict(),
        }
