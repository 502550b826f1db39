"""What `convert` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["ConversionResult", "Quantize"]

#: How a model is quantized: see `convert`.
Quantize = Literal["none", "fp16", "dynamic", "int8", "int8-float-io"]


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """A converted model.

    Attributes:
        path: where the model was written; None when it was not.
        content: the .tflite file's bytes.
        quantize: how the model was quantized.
        log: what the converter printed.
    """

    path: Path | None
    content: bytes = field(repr=False)
    quantize: Quantize
    log: str = field(default="", repr=False)

    @property
    def size(self) -> int:
        """The model's size in bytes."""
        return len(self.content)
