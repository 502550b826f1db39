"""The modes of quantization, and which options go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zerolite.conversion.sources.recognition import Source

__all__ = [
    "BLOCK_SIZES",
    "QUANTIZATION_MODES",
    "IoDtype",
    "IoDtypes",
    "KeptAs",
    "QuantizationMode",
    "Quantize",
    "check_options",
    "interface_dtypes",
]

#: How a model is quantized: see `convert`.
Quantize = Literal[
    "none",
    "fp16",
    "dynamic",
    "dynamic-int4",
    "int8",
    "int8-float-io",
    "int16x8",
    "weight-only-int8",
    "weight-only-int4",
]


#: The type of inputs and outputs.
IoDtype = Literal["int8", "uint8", "int16", "float32"]
#: One for both, or one for the inputs and one for the outputs.
IoDtypes = IoDtype | tuple[IoDtype, IoDtype]

#: The type of the activations of layers that are kept.
KeptAs = Literal["float32", "int16"]

#: How many weights may share a scale (litert-quantizer 0.11).
BLOCK_SIZES = (32, 64, 128, 256)


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
    "dynamic-int4": QuantizationMode(needs_quantizer=True),
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
    io_dtype: str | Sequence[str] | None,
    verify: bool,
    reshaped: bool,
    keep_float: Sequence[str] = (),
    kept_as: str = "float32",
    searched: bool = False,
    evaluated: bool = False,
    block_size: int | None = None,
    quantization_aware: bool = False,
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
        kept_as: the type of their activations.
        searched: whether the layers that stay as they are have to be found.
        evaluated: whether there is data to evaluate trials on.
        block_size: how many weights share a scale.
        quantization_aware: whether the model has the ranges of its activations already.

    Raises:
        ValueError: they do.
    """
    mode = QUANTIZATION_MODES.get(quantize)
    if mode is None:
        raise ValueError(f"quantize must be one of {', '.join(QUANTIZATION_MODES)}; came '{quantize}'")
    if quantization_aware:
        _check_quantization_aware(source, quantize, has_data=has_data, changed=bool(keep_float) or searched)
    elif mode.needs_data and not has_data:
        raise ValueError(
            f"quantize='{quantize}' needs representative_data (--representative-data): some dozens to hundreds of "
            "typical inputs, from which the range of every activation is taken"
        )
    if has_data and not mode.needs_data and not verify:
        raise ValueError(
            f"quantize='{quantize}' without verification makes no use of representative_data; leave it out, or "
            "verify on it"
        )
    _check_interface(quantize, mode, io_dtype)
    if block_size is not None and (quantize != "dynamic-int4" or block_size not in BLOCK_SIZES):
        raise ValueError(
            f"block_size is {' or '.join(map(str, BLOCK_SIZES))}, and goes with quantize='dynamic-int4', whose kernels "
            f"take blocks; came {block_size} and quantize='{quantize}'"
        )
    if evaluated and not searched:
        raise ValueError(
            "evaluation_data is for max_loss or keep_float='auto'; leave it (--data) out, or say what may be lost, as "
            "max_loss=0.01 (--max-loss 0.01)"
        )
    if (keep_float or searched) and quantize == "none":
        raise ValueError("keep_float says what is not quantized: choose how the rest is, as quantize='int8'")
    if kept_as not in ("float32", "int16"):
        raise ValueError(f"kept_as must be 'float32' or 'int16'; came '{kept_as}'")
    if kept_as == "int16" and (quantize not in ("int8", "int8-float-io") or not (keep_float or searched)):
        raise ValueError(
            "kept_as='int16' is for the layers of keep_float or max_loss, beside quantize='int8' or 'int8-float-io'; "
            f"came quantize='{quantize}'"
        )
    if source.kind == "tflite":
        if quantize == "none":
            raise ValueError(
                f"{source.name} is a .tflite file already; choose how to quantize it, as quantize='dynamic' "
                "(--quantize dynamic)"
            )
        if reshaped:
            raise ValueError(
                f"{source.name} is a .tflite file: input_shapes, outputs, signatures, select_tf_ops and "
                "allow_custom_ops are for models that TensorFlow converts"
            )


def interface_dtypes(quantize: str, io_dtype: str | Sequence[str] | None) -> tuple[str, str]:
    """The types of inputs and of outputs, where `check_options` found nothing wrong with them."""
    if io_dtype is None:
        io_dtype = QUANTIZATION_MODES[quantize].io_dtypes[0]
    if isinstance(io_dtype, str):
        return io_dtype, io_dtype
    inputs, outputs = io_dtype
    return inputs, outputs


def _check_interface(quantize: str, mode: QuantizationMode, io_dtype: str | Sequence[str] | None) -> None:
    if not isinstance(io_dtype, str) and io_dtype is not None and len(io_dtype) != len(("inputs", "outputs")):
        raise ValueError(
            f"io_dtype is one type, or a pair of the inputs' and the outputs', as ('uint8', 'float32'); came {io_dtype}"
        )
    for dtype in [io_dtype] if isinstance(io_dtype, str) else io_dtype or ():
        if dtype in mode.io_dtypes:
            continue
        with_it = [name for name, one in QUANTIZATION_MODES.items() if dtype in one.io_dtypes]
        if not with_it:
            known = dict.fromkeys(dtype for one in QUANTIZATION_MODES.values() for dtype in one.io_dtypes)
            raise ValueError(f"io_dtype must be one of {', '.join(known)}; came '{dtype}'")
        raise ValueError(
            f"io_dtype='{dtype}' goes with quantize={' or '.join(map(repr, with_it))}; came quantize='{quantize}'"
        )


def _check_quantization_aware(source: Source, quantize: str, *, has_data: bool, changed: bool) -> None:
    if quantize not in ("int8", "int8-float-io"):
        raise ValueError(
            f"quantization_aware goes with quantize='int8' and 'int8-float-io'; came quantize='{quantize}'"
        )
    if has_data or changed or not source.needs_tensorflow:
        raise ValueError(
            "quantization_aware takes the ranges that the model of TensorFlow was trained with: leave out "
            "representative_data, keep_float and max_loss, and give the model itself and no .tflite file"
        )
