"""What `convert` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.quantization_mode import Quantize
from zerolite.conversion.verification import Verification

__all__ = ["ConversionResult", "Quantize"]


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """A converted model.

    Attributes:
        path: where the model was written; None when it was not.
        content: the .tflite file's bytes.
        quantize: how the model was quantized.
        log: what the converter printed.
        source_size: how many bytes the source takes up on disk.
        operators: how often each operator occurs, the most frequent first.
        unsupported: operators that zerolite has no kernel for, with advice.
        verification: source and result beside each other; None when they were not compared.
        not_verified: why they were not, although it was asked for; None when they were.
        seconds: how long the whole conversion took.
        peak_memory: the most memory, in bytes, that the conversion's process had in use.
    """

    path: Path | None
    content: bytes = field(repr=False)
    quantize: Quantize
    log: str = field(default="", repr=False)
    source_size: int = 0
    operators: Mapping[str, int] = field(default_factory=dict)
    unsupported: tuple[UnsupportedOperator, ...] = ()
    verification: Verification | None = None
    not_verified: str | None = None
    seconds: float = 0.0
    peak_memory: int = 0

    @property
    def size(self) -> int:
        """The model's size in bytes."""
        return len(self.content)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: everything but the bytes and the log."""
        return {
            "file": None if self.path is None else str(self.path),
            "quantize": self.quantize,
            "size_bytes": self.size,
            "source_size_bytes": self.source_size,
            "operators": dict(self.operators),
            "unsupported": [{"name": one.name, "advice": one.advice} for one in self.unsupported],
            "verification": None if self.verification is None else self.verification.to_dict(),
            "not_verified": self.not_verified,
            "seconds": round(self.seconds, 3),
            "peak_memory_bytes": self.peak_memory,
        }
