"""The ways in which a model can be quantized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["QUANTIZATION_MODES", "QuantizationMode", "Quantize"]

#: How a model is quantized: see `convert`.
Quantize = Literal[
    "none",
    "fp16",
    "dynamic",
    "int8",
    "int8-float-io",
    "int16x8",
    "weight-only-int8",
    "weight-only-int4",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationMode:
    """What one way of quantizing needs and offers.

    Attributes:
        needs_data: whether the ranges of activations are taken from representative data.
        io_dtypes: the types that inputs and outputs may have, the default first.
        needs_quantizer: whether ai-edge-quantizer does it, also for models that TensorFlow converts.
    """

    needs_data: bool = False
    io_dtypes: tuple[str, ...] = ("float32",)
    needs_quantizer: bool = False


QUANTIZATION_MODES: dict[str, QuantizationMode] = {
    "none": QuantizationMode(),
    "fp16": QuantizationMode(),
    "dynamic": QuantizationMode(),
    "int8": QuantizationMode(needs_data=True, io_dtypes=("int8", "uint8", "float32")),
    "int8-float-io": QuantizationMode(needs_data=True),
    "int16x8": QuantizationMode(needs_data=True, io_dtypes=("float32", "int16")),
    "weight-only-int8": QuantizationMode(needs_quantizer=True),
    "weight-only-int4": QuantizationMode(needs_quantizer=True),
}
