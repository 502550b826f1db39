"""Models of one operator whose operands and options are drawn by chance, near enough to sound ones."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from tests.models.generate.graph_builder import serialize

_OPTIONS_OF: dict[str, str] = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MULTINOMIAL": "RandomOptions",
    "RANDOM_STANDARD_NORMAL": "RandomOptions",
    "RANDOM_UNIFORM": "RandomOptions",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_ANY": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "SUM": "ReducerOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
}

# What can't stand alone: numbers that are no operators, and operators that need another subgraph or one another.
_NOT_ALONE = {
    "CALL",
    "CALL_ONCE",
    "CUSTOM",
    "DELEGATE",
    "HASHTABLE",
    "IF",
    "PLACEHOLDER_FOR_GREATER_OP_CODES",
    "STABLEHLO_CASE",
    "STABLEHLO_COMPOSITE",
    "STABLEHLO_CUSTOM_CALL",
    "STABLEHLO_WHILE",
    "VAR_HANDLE",
    "WHILE",
}

# How many inputs there are, most of the time; two where it is not said.
_INPUT_COUNTS: dict[str, int] = json.loads(Path(__file__).with_name("input_counts.json").read_text(encoding="utf-8"))

NUMBERS = {name: number for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}

# What the runtime and its delegates know by a name, as a custom operator or a composite, and a name that they don't.
KNOWN_NAMES = (
    "AudioSpectrogram",
    "Convolution2DTransposeBias",
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D",
    "Mfcc",
    "NumericVerify",
    "TFLite_Detection_PostProcess",
    "aeq.hadamard_rotation",
    "aten.avg_pool2d.default",
    "odml.group_norm",
    "odml.l2_norm",
    "odml.rms_norm",
    "odml.scaled_dot_product_attention",
    "unknown",
)
_CUSTOM, _COMPOSITE = "CUSTOM:", "STABLEHLO_COMPOSITE:"

OPERATORS = [
    *sorted(NUMBERS.keys() - _NOT_ALONE),
    *(f"{kind}{name}" for kind in (_CUSTOM, _COMPOSITE) for name in KNOWN_NAMES),
]

_Type = schema.TensorType
DTYPES: dict[int, type[np.generic]] = {
    _Type.FLOAT32: np.float32,
    _Type.INT8: np.int8,
    _Type.INT32: np.int32,
    _Type.UINT8: np.uint8,
    _Type.INT64: np.int64,
    _Type.INT16: np.int16,
    _Type.BOOL: np.bool_,
    _Type.FLOAT16: np.float16,
    _Type.FLOAT64: np.float64,
}
_TYPE_WEIGHTS = (8, 3, 4, 2, 2, 2, 1, 1, 1)
_QUANTIZED = (_Type.INT8, _Type.UINT8, _Type.INT16)


def single_operator(operator: str, number: int) -> bytes:
    """The model of this number: mostly of operands of one shape and type, with sound options."""
    return _Draft(operator, random.Random(f"{operator}/{number}")).bytes()


class _Draft:
    def __init__(self, operator: str, rng: random.Random) -> None:
        self._operator = operator
        self._rng = rng
        # What most operands have in common.
        is_attention = "attention" in operator and rng.random() < 0.8
        rank = 4 if is_attention else rng.choice((0, 1, 1, 2, 2, 3, 4, 4, 4, 5))
        self._shape = [rng.choice((1, 1, 2, 3, 4)) for _ in range(rank)]
        self._type = _Type.FLOAT32 if is_attention else self._some_type()
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []

    def bytes(self) -> bytes:
        rng = self._rng
        inputs = [self._input(i) for i in range(self._input_count())]
        outputs = [self._output() for _ in range(rng.choices((1, 2, 3), (8, 1, 1))[0])]
        graph = schema.SubGraphT()
        graph.tensors = self._tensors
        graph.operators = [self._operation(inputs, outputs)]
        graph.inputs = [i for i in inputs if i >= 0 and self._tensors[i].buffer == 0]
        graph.outputs = outputs
        code = schema.OperatorCodeT()
        kind, _, name = self._operator.partition(":")
        code.builtinCode = NUMBERS[kind]
        code.customCode = name if kind == "CUSTOM" else None
        code.deprecatedBuiltinCode = min(code.builtinCode, NUMBERS["PLACEHOLDER_FOR_GREATER_OP_CODES"])
        code.version = rng.choice((1, 1, 1, 1, 1, 2, 3, 4, 5))
        model = schema.ModelT()
        model.version = 3
        model.operatorCodes = [code]
        model.subgraphs = [graph]
        if kind == "STABLEHLO_COMPOSITE":
            model.subgraphs.append(self._decomposition(graph, inputs, outputs))
        model.buffers = self._buffers
        return serialize(model)

    def _input_count(self) -> int:
        if self._rng.random() < 0.1:
            return self._rng.randrange(1, 6)
        named = {"attention": 4, "Detection": 3, "Argmax": 1, "Unpooling": 2, "Bias": 3}
        of_name = next((count for part, count in named.items() if part in self._operator), 2)
        return _INPUT_COUNTS.get(self._operator, of_name)

    def _some_type(self) -> int:
        return self._rng.choices(list(DTYPES), _TYPE_WEIGHTS)[0]

    def _some_shape(self) -> list[int]:
        rng = self._rng
        one_size_changed = list(self._shape)
        if one_size_changed:
            one_size_changed[rng.randrange(len(one_size_changed))] = rng.choice((0, 1, 2, 5))
        shapes: Sequence[list[int]] = (
            self._shape,
            [],
            [0],
            [rng.choice((1, 2, 3, 4, len(self._shape)))],
            one_size_changed,
            [*self._shape, rng.choice((1, 2))],
            self._shape[1:],
            [rng.choice((0, 1, 2, 3, 4)) for _ in range(rng.randrange(6))],
        )
        return list(rng.choices(shapes, (55, 10, 7, 8, 6, 4, 4, 6))[0])

    def _input(self, position: int) -> int:
        rng = self._rng
        if position > 0 and rng.random() < 0.06:
            return -1
        # Such as an axis, a size or a permutation.
        if position > 0 and rng.random() < 0.4:
            type_ = rng.choice((_Type.INT32, _Type.INT32, _Type.INT32, _Type.INT64, _Type.BOOL))
            rank = len(self._shape)
            shape = rng.choice(([], [1], [0], [rank], [2], [rank, 2])) if rng.random() < 0.5 else self._some_shape()
            return self._tensor(type_, shape, constant=rng.random() < 0.7)
        type_ = self._type if rng.random() < 0.85 else self._some_type()
        return self._tensor(type_, self._some_shape(), constant=rng.random() < 0.25)

    def _output(self) -> int:
        type_ = self._type if self._rng.random() < 0.75 else self._some_type()
        return self._tensor(type_, self._some_shape(), constant=False)

    def _tensor(self, type_: int, shape: list[int], *, constant: bool) -> int:
        tensor = schema.TensorT()
        tensor.name = f"tensor_{len(self._tensors)}"
        tensor.type = type_
        tensor.shape = shape
        tensor.buffer = self._constant(type_, math.prod(shape)) if constant else 0
        if type_ in _QUANTIZED and self._rng.random() < 0.9:
            tensor.quantization = self._quantization(type_, shape)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _constant(self, type_: int, size: int) -> int:
        rng = self._rng
        values = [rng.choice((0, 0, 1, 1, 2, 3, -1, -2, 4, 100)) for _ in range(size)]
        buffer = schema.BufferT()
        # Without values a buffer says that the tensor is no constant.
        buffer.data = list(np.array(values, np.int64).astype(DTYPES[type_]).tobytes()) or [1, 0, 0, 0]
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def _quantization(self, type_: int, shape: list[int]) -> Any:
        rng = self._rng
        quantization = schema.QuantizationParametersT()
        count = 1
        if shape and rng.random() < 0.15:
            quantization.quantizedDimension = rng.randrange(len(shape))
            count = shape[quantization.quantizedDimension]
        zero_point = 0 if type_ == _Type.INT16 else rng.choice((0, 0, 3))
        quantization.scale = [rng.choice((0.1, 0.5, 1 / 256, 0.003))] * count
        quantization.zeroPoint = [zero_point] * count
        return quantization

    def _operation(self, inputs: list[int], outputs: list[int]) -> Any:
        operation = schema.OperatorT()
        operation.inputs = inputs
        operation.outputs = outputs
        kind, _, own_name = self._operator.partition(":")
        if own_name:
            self._name(operation, kind, own_name)
            return operation
        name = _OPTIONS_OF.get(self._operator) or _options_named_like(self._operator)
        if name and self._rng.random() < 0.97:
            options = self._filled(getattr(schema, f"{name}T")())
            if hasattr(schema.BuiltinOptions, name):
                operation.builtinOptionsType = getattr(schema.BuiltinOptions, name)
                operation.builtinOptions = options
            else:
                operation.builtinOptions2Type = getattr(schema.BuiltinOptions2, name)
                operation.builtinOptions2 = options
        return operation

    def _name(self, operation: Any, kind: str, name: str) -> None:
        settings = random_settings(self._rng)
        if kind == "CUSTOM":
            operation.customOptions = settings
            return
        options = schema.StableHLOCompositeOptionsT()
        options.name, options.version = name, 1
        options.decompositionSubgraphIndex = 1
        options.compositeAttributes = settings
        operation.builtinOptions2Type = schema.BuiltinOptions2.StableHLOCompositeOptions
        operation.builtinOptions2 = options

    def _decomposition(self, graph: Any, inputs: list[int], outputs: list[int]) -> Any:
        """What a composite stands for: here each output is one of the inputs, whatever their shapes."""
        other = schema.SubGraphT()
        other.tensors = [copy.copy(tensor) for tensor in graph.tensors]
        for tensor in other.tensors:
            tensor.buffer = 0
        other.operators = []
        other.inputs = [index for index in inputs if index >= 0]
        other.outputs = [other.inputs[i % len(other.inputs)] for i in range(len(outputs))] if other.inputs else outputs
        return other

    def _filled(self, options: Any) -> Any:
        rng = self._rng
        some: dict[type, Callable[[], Any]] = {
            bool: lambda: rng.random() < 0.4,
            int: lambda: rng.choice((0, 1, 1, 2, 3, -1)) if rng.random() < 0.95 else rng.choice((100, -100, 2**20)),
            float: lambda: rng.choice((0.0, 1.0, 0.5, -1.0, 6.0)),
            type(None): lambda: [rng.choice((0, 1, 2, -1)) for _ in range(rng.choice((0, 1, 2, len(self._shape))))],
        }
        for field, default in vars(options).items():
            if type(default) in some and "ubgraph" not in field and rng.random() < 0.7:
                setattr(options, field, some[type(default)]())
                if not _fits(options):
                    setattr(options, field, default)
        return options


def random_settings(rng: random.Random) -> list[int] | None:
    """Settings or attributes: none, a FlexBuffer, one that was cut or changed, or no such thing."""
    keys = rng.sample(["scale", "logit_cap", "epsilon", "num_classes", "max_detections", "window_size", "axis"], 3)
    sound = list(flexbuffers.Dumps({key: rng.choice((0, 1, 2, 0.5, -1)) for key in keys}))
    cut, changed = sound[: rng.randrange(len(sound))], list(sound)
    changed[rng.randrange(len(changed))] = rng.randrange(256)
    return rng.choices((None, [], sound, cut, changed, [1, 2, 3]), (1, 1, 6, 1, 1, 1))[0]


def _fits(options: Any) -> bool:
    """Whether every field can hold its value, whose type the schema's Python code does not tell."""
    try:
        options.Pack(flatbuffers.Builder(64))
    except TypeError:
        return False
    return True


def _options_named_like(operator: str) -> str | None:
    plain = operator.replace("_", "").lower() + "options"
    names = (*vars(schema.BuiltinOptions), *vars(schema.BuiltinOptions2))
    return next((name for name in names if name.lower() == plain), None)
