"""The modes of quantization, and which options go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zerolite.conversion.source import Source

__all__ = ["QUANTIZATION_MODES", "QuantizationMode", "Quantize", "check_options"]

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
        needs_quantizer: whether litert-quantizer does it, also for models that TensorFlow converts.
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


def check_options(
    source: Source,
    *,
    quantize: str,
    has_data: bool,
    io_dtype: str | None,
    verify: bool,
    reshaped: bool,
    keep_float: Sequence[str] = (),
    searched: bool = False,
    evaluated: bool = False,
) -> None:
    """Refuse options that contradict one another.

    Args:
        source: what is converted.
        quantize: the quantization asked for.
        has_data: whether there is representative data.
        io_dtype: the type of inputs and outputs asked for.
        verify: whether the result is verified.
        reshaped: whether there are options that only TensorFlow's converter has.
        keep_float: the layers that stay as they are, or "auto".
        searched: whether the layers that stay as they are have to be found.
        evaluated: whether there is data to evaluate trials on.

    Raises:
        ValueError: they do.
    """
    mode = QUANTIZATION_MODES.get(quantize)
    if mode is None:
        raise ValueError(f"quantize must be one of {', '.join(QUANTIZATION_MODES)}; came '{quantize}'")
    if mode.needs_data and not has_data:
        raise ValueError(
            f"quantize='{quantize}' needs representative_data: some dozens to hundreds of typical inputs, "
            "from which the range of every activation is taken"
        )
    if has_data and not mode.needs_data and not verify:
        raise ValueError(
            f"quantize='{quantize}' without verification makes no use of representative_data; leave it out, or "
            "verify on it"
        )
    if io_dtype is not None and io_dtype not in mode.io_dtypes:
        with_it = [name for name, one in QUANTIZATION_MODES.items() if io_dtype in one.io_dtypes]
        if not with_it:
            known = dict.fromkeys(dtype for one in QUANTIZATION_MODES.values() for dtype in one.io_dtypes)
            raise ValueError(f"io_dtype must be one of {', '.join(known)}; came '{io_dtype}'")
        raise ValueError(
            f"io_dtype='{io_dtype}' goes with quantize={' or '.join(map(repr, with_it))}; came quantize='{quantize}'"
        )
    if evaluated and not searched:
        raise ValueError("evaluation_data is for max_loss or keep_float='auto'; leave it out, or say what may be lost")
    if (keep_float or searched) and quantize == "none":
        raise ValueError("keep_float says what is not quantized: choose how the rest is, as quantize='int8'")
    if source.kind == "tflite":
        if quantize == "none":
            raise ValueError(
                f"{source.name} is a .tflite file already; choose how to quantize it, as quantize='dynamic'"
            )
        if reshaped:
            raise ValueError(
                f"{source.name} is a .tflite file: input_shapes, outputs, signatures, select_tf_ops and "
                "allow_custom_ops are for models that TensorFlow converts"
            )
