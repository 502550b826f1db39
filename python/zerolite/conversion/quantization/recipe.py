"""What litert-quantizer is told to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from zerolite.conversion.options import interface_dtypes
from zerolite.conversion.quantization.layer_choice import Layer

__all__ = ["quantization_recipe"]

# litert-quantizer (0.11) looks at no more of the names of a layer's tensors than this.
_LONGEST_SCOPE = 10_000
# Expressions that match everything: entries count in the order in which their expressions came up first.
_EVERYWHERE, _IN_BLOCKS, _AT_THE_INTERFACE = ".*", "", "^"


def quantization_recipe(
    quantize: str,
    io_dtype: str | Sequence[str] | None,
    *,
    block_size: int | None = None,
    keep_float: Sequence[Layer] = (),
    kept_as: str = "float32",
) -> Any:
    """litert-quantizer 0.11's recipe for a mode: weights symmetric, by channel.

    Args:
        quantize: a key of `QUANTIZATION_MODES` other than "none".
        io_dtype: the type of inputs and outputs, or one for either; None is the mode's default.
        block_size: how many weights of the operators that can share a scale; the others have one for each channel.
        keep_float: layers that stay as they are. An integer input or output of the model stays one beside them.
        kept_as: "int16" gives them activations of 16 bits and weights of 8 instead.
    """
    from litert_quantizer import algorithm_manager, qtyping, recipe_manager

    algorithm, operation = algorithm_manager.AlgorithmName, qtyping.TFLOperationName
    manager = recipe_manager.RecipeManager()
    everything = (_EVERYWHERE, operation.ALL_SUPPORTED)
    if quantize.startswith("dynamic"):
        manager.add_dynamic_config(*everything, num_bits=4 if quantize.endswith("int4") else 8)
        if block_size is not None:
            _add_blocks(manager, block_size)
    elif quantize.startswith("weight-only"):
        manager.add_weight_only_config(*everything, num_bits=8 if quantize.endswith("int8") else 4)
    elif quantize == "fp16":
        manager.add_weight_only_config(*everything, num_bits=16, algorithm_key=algorithm.FLOAT_CASTING)
    else:
        manager.add_static_config(*everything, activation_num_bits=_bits(quantize), weight_num_bits=8)
    for layer in keep_float:
        # The latest entry that fits a layer counts.
        if kept_as == "int16":
            scope = (_scope(layer), operation.ALL_SUPPORTED)
            manager.add_static_config(*scope, activation_num_bits=_bits("int16x8"), weight_num_bits=8)
            continue
        manager.add_quantization_config(_scope(layer), operation.ALL_SUPPORTED, algorithm_key=algorithm.NO_QUANTIZE)
    if quantize in ("int8", "int8-float-io", "int16x8"):
        inputs, outputs = interface_dtypes(quantize, io_dtype)
        _add_interface(manager, quantize, operation.INPUT, inputs)
        _add_interface(manager, quantize, operation.OUTPUT, outputs)
    return manager.get_quantization_recipe()


def _bits(quantize: str) -> int:
    return 16 if quantize == "int16x8" else 8


def _scope(layer: Layer) -> str:
    """An expression for one layer: the quantizer knows it by its tensors, each followed by a semicolon."""
    scope = "".join(f"{tensor};" for tensor in layer.tensors if tensor)
    return f"^{re.escape(scope[:_LONGEST_SCOPE])}$"


def _add_blocks(manager: Any, block_size: int) -> None:
    from litert_quantizer import qtyping

    for operation in (qtyping.TFLOperationName.FULLY_CONNECTED, qtyping.TFLOperationName.EMBEDDING_LOOKUP):
        manager.add_dynamic_config(
            _IN_BLOCKS, operation, num_bits=4, granularity=qtyping.QuantGranularity[f"BLOCKWISE_{block_size}"]
        )


def _add_interface(manager: Any, quantize: str, side: Any, dtype: str) -> None:
    """What inputs or outputs are, which go by the names of the layers beside them."""
    from litert_quantizer import algorithm_manager, qtyping

    where = (_AT_THE_INTERFACE, side)
    if dtype == "float32":
        manager.add_quantization_config(*where, algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE)
    elif dtype == "uint8":
        manager.add_quantization_config(*where, _unsigned(qtyping))
    else:
        manager.add_static_config(*where, activation_num_bits=_bits(quantize), weight_num_bits=8)


def _unsigned(qtyping: Any) -> Any:
    return qtyping.OpQuantizationConfig(
        activation_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=8,
            symmetric=False,
            granularity=qtyping.QuantGranularity.TENSORWISE,
            dtype=qtyping.TensorDataType.UINT,
        ),
        weight_tensor_config=qtyping.TensorQuantizationConfig(
            num_bits=8, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE
        ),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )
