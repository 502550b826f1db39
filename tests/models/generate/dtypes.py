"""One model for each type of tensor that a kernel of the runtime takes, and quantized inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .graph_builder import GraphBuilder, Op, TensorType, quantization
from .recipe import Recipe

# The operator that computes with two tensors of a type: most kernels take few types, the StableHLO ones most.
_BINARY: dict[str, tuple[int, Callable[[], Any] | None]] = {
    "float16": (Op.ADD, schema.AddOptionsT),
    "float64": (Op.STABLEHLO_ADD, None),
    "bool": (Op.LOGICAL_AND, schema.LogicalAndOptionsT),
    "int8": (Op.MAXIMUM, schema.MaximumMinimumOptionsT),
    "int16": (Op.ADD, schema.AddOptionsT),
    "int32": (Op.ADD, schema.AddOptionsT),
    "int64": (Op.ADD, schema.AddOptionsT),
    "uint8": (Op.MAXIMUM, schema.MaximumMinimumOptionsT),
    "uint16": (Op.STABLEHLO_ADD, None),
    "uint32": (Op.MUL, schema.MulOptionsT),
    "uint64": (Op.STABLEHLO_ADD, None),
    "complex64": (Op.MUL, schema.MulOptionsT),
}


def binary(dtype: str) -> bytes:
    """`x` reshaped from [2, 4] to [8], and what the operator of the type makes of `x` and `y`."""
    code, options = _BINARY[dtype]
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 4], dtype), graph.tensor("y", [2, 4], dtype)
    computed = graph.tensor("computed", [2, 4], dtype)
    graph.operator(code, [x, y], [computed], options=options() if options else None)
    same = _flattened(graph, x, dtype)
    graph.interface([x, y], [same, computed])
    graph.signature("serving_default", {"x": x, "y": y}, {"same": same, "computed": computed})
    return graph.finish()


def _flattened(graph: GraphBuilder, x: int, dtype: str | int, size: int = 8) -> int:
    shape = graph.constant("flat", np.array([size], np.int32))
    same = graph.tensor("same", [size], dtype)
    graph.operator(Op.RESHAPE, [x, shape], [same])
    return same


def to_float(dtype: int, size: int) -> bytes:
    """`x` cast to float32; for types narrower than a byte, which the file and the runtime pack."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [size], dtype), graph.tensor("y", [size])
    graph.operator(Op.CAST, [x], [y], options=schema.CastOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def from_float(dtype: int, size: int) -> bytes:
    """float32 cast to a type narrower than a byte."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [size]), graph.tensor("y", [size], dtype)
    graph.operator(Op.CAST, [x], [y], options=schema.CastOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def reshape_only(dtype: int) -> bytes:
    """A type that no kernel computes with, from [2, 4] to [8]."""
    graph = GraphBuilder()
    x = graph.tensor("x", [2, 4], dtype)
    same = _flattened(graph, x, dtype)
    graph.interface([x], [same])
    graph.signature("serving_default", {"x": x}, {"same": same})
    return graph.finish()


def bfloat16_inside() -> bytes:
    """float32 rounded to bfloat16 and back."""
    graph = GraphBuilder()
    x, y = graph.tensor("x", [2, 4]), graph.tensor("y", [2, 4])
    rounded = graph.tensor("rounded", [2, 4], TensorType.BFLOAT16)
    graph.operator(Op.CAST, [x], [rounded], options=schema.CastOptionsT())
    graph.operator(Op.CAST, [rounded], [y], options=schema.CastOptionsT())
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def complex_parts(dtype: str, part: str) -> bytes:
    """Real part, imaginary part and absolute value."""
    graph = GraphBuilder()
    x = graph.tensor("x", [2, 4], dtype)
    operators = {"real": Op.REAL, "imaginary": Op.IMAG, "absolute": Op.COMPLEX_ABS}
    outputs = {name: graph.tensor(name, [2, 4], part) for name in operators}
    for name, code in operators.items():
        graph.operator(code, [x], [outputs[name]])
    graph.interface([x], list(outputs.values()))
    graph.signature("serving_default", {"x": x}, outputs)
    return graph.finish()


def quantized_add(dtype: str) -> bytes:
    """A quantized sum; the three tensors have different scales and, but for int16, zero points."""
    points = {"int8": (3, -7, 5), "uint8": (128, 121, 133), "int16": (0, 0, 0)}[dtype]
    graph = GraphBuilder()
    left, right, total = (
        graph.tensor(name, [2, 4], dtype, quantized=quantization([scale], [point]))
        for name, scale, point in zip(("left", "right", "total"), (0.02, 0.03, 0.05), points, strict=True)
    )
    options = schema.AddOptionsT()
    graph.operator(Op.ADD, [left, right], [total], options=options, version=2)
    graph.interface([left, right], [total])
    graph.signature("serving_default", {"left": left, "right": right}, {"total": total})
    return graph.finish()


def per_channel_input() -> bytes:
    """An int8 input [2, 3] with a scale and a zero point for each column, dequantized."""
    graph = GraphBuilder()
    parameters = quantization([0.1, 0.01, 2.0], [0, 4, -3], axis=1)
    x, y = graph.tensor("x", [2, 3], "int8", quantized=parameters), graph.tensor("y", [2, 3])
    graph.operator(Op.DEQUANTIZE, [x], [y], options=schema.DequantizeOptionsT(), version=5)
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def int4_weights() -> bytes:
    """A dense layer of 4 outputs whose weights are int4, packed two to a byte, with a scale each."""
    rng = np.random.default_rng(11)
    values = rng.integers(-7, 8, size=(4, 16))
    pairs = values.reshape(-1, 2) & 0xF
    packed = (pairs[:, 0] | (pairs[:, 1] << 4)).astype(np.uint8)
    graph = GraphBuilder()
    x, y = graph.tensor("x", [1, 16]), graph.tensor("y", [1, 4])
    parameters = quantization([0.1, 0.2, 0.05, 0.3], [0, 0, 0, 0])
    weights = graph.constant("weights", packed, quantized=parameters, dtype=TensorType.INT4, shape=[4, 16])
    options = schema.FullyConnectedOptionsT()
    options.asymmetricQuantizeInputs = False
    graph.operator(Op.FULLY_CONNECTED, [x, weights, -1], [y], options=options, version=12)
    graph.interface([x], [y])
    graph.signature("serving_default", {"x": x}, {"y": y})
    return graph.finish()


def _range(dtype: str) -> dict[str, tuple[float, float]]:
    # Sums of signed integers must not overflow, which C++ leaves undefined.
    return {"x": (-16000, 16000), "y": (-16000, 16000)} if dtype in ("int16", "int32", "int64") else {}


def recipes() -> list[Recipe]:
    found = [
        Recipe(
            name=f"dtype_{dtype}",
            purpose=f"two {dtype} inputs, two {dtype} outputs: a copy and a computed one",
            tags=("dtype", dtype, "multi_input", "multi_output"),
            build=partial(binary, dtype),
            input_ranges=_range(dtype),
        )
        for dtype in _BINARY
    ]
    found += [
        Recipe(
            name=f"dtype_{dtype}_parts",
            purpose=f"{dtype} in, real and imaginary part and absolute value out as {part}",
            tags=("dtype", dtype, part, "multi_output"),
            build=partial(complex_parts, dtype, part),
        )
        for dtype, part in (("complex64", "float32"), ("complex128", "float64"))
    ]
    narrow = {
        "int4": (TensorType.INT4, 8, (-8, 7)),
        "int4_odd": (TensorType.INT4, 7, (-8, 7)),
        "uint4": (TensorType.UINT4, 8, (0, 15)),
        "int2": (TensorType.INT2, 8, (-2, 1)),
    }
    for name, (dtype, size, limits) in narrow.items():
        tags = ("dtype", name.removesuffix("_odd"), "packed")
        found += [
            Recipe(
                name=f"dtype_{name}_input",
                purpose=f"{size} elements of {tags[1]} in, float32 out",
                # The reference's Python hands over int8, which the runtime then refuses for an int2 input.
                tags=(*tags, "packed_input", *(("reference_limited",) if name == "int2" else ())),
                build=partial(to_float, dtype, size),
                input_ranges={"x": limits},
            ),
            Recipe(
                name=f"dtype_{name}_output",
                purpose=f"float32 in, {size} elements of {tags[1]} out",
                tags=(*tags, "packed_output"),
                build=partial(from_float, dtype, size),
                input_ranges={"x": limits},
            ),
        ]
    found += [
        Recipe(
            name=f"dtype_{name}",
            purpose=f"{name} in and out, a copy",
            # NumPy knows bfloat16 only with the package ml_dtypes; the reference fails without it.
            tags=("dtype", name, *(("reference_limited",) if name == "bfloat16" else ())),
            build=partial(reshape_only, dtype),
        )
        for name, dtype in (
            ("bfloat16", TensorType.BFLOAT16),
            ("complex128", TensorType.COMPLEX128),
            ("float8_e4m3fn", TensorType.FLOAT8_E4M3FN),
            ("float8_e5m2", TensorType.FLOAT8_E5M2),
        )
    ]
    found += [
        Recipe(
            name=f"quantized_add_{dtype}",
            purpose=f"{dtype} inputs and output, quantized per tensor with different parameters",
            tags=("quantized", dtype, "multi_input"),
            build=partial(quantized_add, dtype),
        )
        for dtype in ("int8", "uint8", "int16")
    ]
    return [
        *found,
        Recipe(
            name="bfloat16_inside",
            purpose="float32 in and out, a bfloat16 tensor between",
            tags=("float", "bfloat16_inside"),
            build=bfloat16_inside,
        ),
        Recipe(
            name="per_channel_input",
            purpose="an int8 input with scales and zero points per channel",
            tags=("quantized", "int8", "per_channel_io"),
            build=per_channel_input,
        ),
        Recipe(
            name="int4_weights",
            purpose="float32 in and out, int4 weights with a scale per channel",
            tags=("float", "int4_weights"),
            build=int4_weights,
        ),
    ]
