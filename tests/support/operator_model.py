"""Models of one operator, for tests of its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tests.models.generate.graph_builder import GraphBuilder, Op, quantization

Operand = tuple[Sequence[int], str]


def model_of(code: int, inputs: Sequence[Operand], output: Operand, options: Any = None) -> bytes:
    """A model of one operator, whose inputs are input_0, input_1 and so on."""
    builder = GraphBuilder()
    operands = [builder.tensor(f"input_{i}", *operand) for i, operand in enumerate(inputs)]
    result = builder.tensor("result", *output)
    builder.operator(code, operands, [result], options=options)
    builder.interface(operands, [result])
    return builder.finish()


@dataclass(frozen=True)
class Depthwise:
    """A depthwise convolution whose filter is stored as int8 values with scales, as dynamic-range quantization does."""

    image: tuple[int, int, int] = (6, 5, 3)
    window: tuple[int, int] = (3, 3)
    multiplier: int = 1
    stride: int = 1
    dilation: int = 1
    valid: bool = False
    activation: int = 0
    per_channel: bool = True
    zero_point: int = 0
    axis: int = 3
    bias: bool = True
    seed: int = 0

    @property
    def channels(self) -> int:
        return self.image[2] * self.multiplier

    @property
    def output(self) -> tuple[int, ...]:
        def size(image: int, window: int) -> int:
            reach = (window - 1) * self.dilation + 1
            return -(-(image - (reach - 1 if self.valid else 0)) // self.stride)

        return (1, *map(size, self.image[:2], self.window), self.channels)

    @property
    def stored(self) -> NDArray[np.int8]:
        rng = np.random.default_rng(self.seed)
        return rng.integers(-127, 128, (1, *self.window, self.channels)).astype(np.int8)

    @property
    def scales(self) -> NDArray[np.float32]:
        rng = np.random.default_rng(self.seed + 1)
        count = self.channels if self.per_channel else 1
        return rng.uniform(0.001, 0.1, count).astype(np.float32)

    @property
    def dequantized(self) -> NDArray[np.float32]:
        return (self.stored.astype(np.int32) - self.zero_point).astype(np.float32) * self.scales

    def add_to(self, builder: GraphBuilder, source: int, *, as_float: bool, name: str = "") -> int:
        """Add the operator; returns its result."""
        parameters = quantization(self.scales.tolist(), [self.zero_point] * len(self.scales), axis=self.axis)
        if as_float:
            filters = builder.constant(f"{name}filter", self.dequantized)
        else:
            filters = builder.constant(f"{name}filter", self.stored, quantized=parameters)
        return self.add_with(builder, source, filters, name=name)

    def add_with(self, builder: GraphBuilder, source: int, filters: int, *, name: str = "") -> int:
        bias = np.random.default_rng(self.seed + 2).standard_normal(self.channels).astype(np.float32)
        operands = [source, filters, builder.constant(f"{name}bias", bias)] if self.bias else [source, filters]
        result = builder.tensor(f"{name}result", self.output)
        options = schema.DepthwiseConv2DOptionsT()
        options.padding = schema.Padding.VALID if self.valid else schema.Padding.SAME
        options.strideH = options.strideW = self.stride
        options.dilationHFactor = options.dilationWFactor = self.dilation
        options.depthMultiplier = self.multiplier
        options.fusedActivationFunction = self.activation
        builder.operator(Op.DEPTHWISE_CONV_2D, operands, [result], options=options, version=6)
        return result

    def model(self, *, as_float: bool = False) -> bytes:
        builder = GraphBuilder()
        source = builder.tensor("x", (1, *self.image))
        result = self.add_to(builder, source, as_float=as_float)
        builder.interface([source], [result])
        builder.signature("serving_default", {"x": source}, {"y": result})
        return builder.finish()

    def values(self) -> NDArray[np.float32]:
        return np.random.default_rng(self.seed + 3).standard_normal((1, *self.image), dtype=np.float32)
