"""Models of one operator each, of every kind that other engines read, with the settings that they get wrong first."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tests.models.generate.graph_builder import GraphBuilder, Op

#: What a run brings, as a shape and a dtype, or what the file has.
Operand = tuple[Sequence[int], str] | NDArray[Any]


@dataclass(frozen=True)
class OperatorCase:
    """One operator; `name` begins with the schema's name for it."""

    name: str
    operands: Sequence[Operand]
    outputs: Sequence[tuple[Sequence[int], str]]
    options: Any = None

    @property
    def operator(self) -> str:
        return self.name.split("-")[0]

    def model(self) -> bytes:
        builder = GraphBuilder()
        operands = []
        inputs = []
        for i, operand in enumerate(self.operands):
            if isinstance(operand, np.ndarray):
                operands.append(builder.constant(f"constant_{i}", operand))
            else:
                operands.append(builder.tensor(f"input_{i}", *operand))
                inputs.append(operands[-1])
        results = [builder.tensor(f"result_{i}", *output) for i, output in enumerate(self.outputs)]
        builder.operator(getattr(Op, self.operator), operands, results, options=self.options)
        builder.interface(inputs, results)
        return builder.finish()

    def __str__(self) -> str:
        return self.name


def sums_overflow_here() -> bool:
    """Whether sums of 8-bit products overflow in OpenVINO on this processor, so that they are kept from it: no VNNI."""
    return platform.machine() == "x86_64" and "vnni" not in Path("/proc/cpuinfo").read_text(encoding="utf-8")


def options(name: str, **fields: Any) -> Any:
    """The schema's options of that name, with fields set."""
    made = getattr(schema, f"{name}OptionsT")()
    for field, value in fields.items():
        if not hasattr(made, field):
            raise AttributeError(f"{name}Options has no {field}")
        setattr(made, field, value)
    return made


def ints(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def weights(*shape: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


VECTOR = (3, 17)
IMAGE = (1, 7, 9, 4)
_SAME, _VALID = schema.Padding.SAME, schema.Padding.VALID
_RELU6 = schema.ActivationFunctionType.RELU6
_RELU = schema.ActivationFunctionType.RELU


_FUNCTIONS = (
    *("ABS", "NEG", "CEIL", "FLOOR", "ROUND", "EXP", "LOG", "SQRT", "RSQRT", "SIN", "COS", "TANH", "SQUARE", "SIGN"),
    *("LOGISTIC", "RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "ELU", "HARD_SWISH", "ZEROS_LIKE"),
)
_BINARY = {
    "ADD": options("Add"),
    "SUB": options("Sub"),
    "MUL": options("Mul"),
    "DIV": options("Div"),
    "MAXIMUM": None,
    "MINIMUM": None,
    "POW": None,
    "SQUARED_DIFFERENCE": None,
    "FLOOR_DIV": None,
    "FLOOR_MOD": None,
    "ATAN2": None,
}


def all_cases() -> Iterator[OperatorCase]:
    yield from _elementwise()
    yield from _reductions()
    yield from _layers()
    yield from _images()
    for dtype in ("float32", "int32"):
        yield from _moves(dtype)
    yield from _indices()


def _elementwise() -> Iterator[OperatorCase]:
    yield from _unary()
    yield from _binary()
    yield from _comparisons()


def _unary() -> Iterator[OperatorCase]:
    for name in _FUNCTIONS:
        yield OperatorCase(name, [(VECTOR, "float32")], [(VECTOR, "float32")])
    for name in ("ABS", "NEG", "ZEROS_LIKE"):
        yield OperatorCase(f"{name}-int32", [(VECTOR, "int32")], [(VECTOR, "int32")])
    unary = {
        "GELU": options("Gelu"),
        "GELU-approximate": options("Gelu", approximate=True),
        "LEAKY_RELU": options("LeakyRelu", alpha=0.3),
        "SOFTMAX": options("Softmax", beta=1.0),
        "SOFTMAX-beta": options("Softmax", beta=0.5),
        "LOG_SOFTMAX": options("LogSoftmax"),
        "L2_NORMALIZATION": options("L2Norm"),
    }
    for name, chosen in unary.items():
        yield OperatorCase(name, [(VECTOR, "float32")], [(VECTOR, "float32")], chosen)
    yield OperatorCase("SOFTMAX-rank_4", [(IMAGE, "float32")], [(IMAGE, "float32")], options("Softmax", beta=1.0))
    yield OperatorCase("L2_NORMALIZATION-rank_4", [(IMAGE, "float32")], [(IMAGE, "float32")], options("L2Norm"))
    yield OperatorCase("PRELU", [(IMAGE, "float32"), weights(1, 1, 4)], [(IMAGE, "float32")])
    yield OperatorCase("PRELU-whole", [(IMAGE, "float32"), weights(7, 9, 4)], [(IMAGE, "float32")])


def _binary() -> Iterator[OperatorCase]:
    operands: list[Operand]
    for name, chosen in _BINARY.items():
        yield OperatorCase(name, [(VECTOR, "float32"), (VECTOR, "float32")], [(VECTOR, "float32")], chosen)
        if name != "ATAN2":
            operands = [(VECTOR, "float32"), ((17,), "float32")]
            yield OperatorCase(f"{name}-broadcast", operands, [(VECTOR, "float32")], chosen)
        if name not in ("ATAN2", "POW"):
            yield OperatorCase(f"{name}-int32", [(VECTOR, "int32"), (VECTOR, "int32")], [(VECTOR, "int32")], chosen)
    for name in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "FLOOR_MOD"):
        operands = [(VECTOR, "int64"), (VECTOR, "int64")]
        yield OperatorCase(f"{name}-int64", operands, [(VECTOR, "int64")], _BINARY[name])
    yield OperatorCase("POW-int32", [(VECTOR, "int32"), ints(2)], [(VECTOR, "int32")])
    for name, kind in {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div"}.items():
        chosen = options(kind, fusedActivationFunction=_RELU6)
        yield OperatorCase(f"{name}-relu6", [(VECTOR, "float32"), (VECTOR, "float32")], [(VECTOR, "float32")], chosen)


def _comparisons() -> Iterator[OperatorCase]:
    operands: list[Operand]
    for name in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        for dtype in ("float32", "int32", "int64"):
            yield OperatorCase(f"{name}-{dtype}", [(VECTOR, dtype), (VECTOR, dtype)], [(VECTOR, "bool")])
    for name in ("LOGICAL_AND", "LOGICAL_OR"):
        yield OperatorCase(name, [(VECTOR, "bool"), (VECTOR, "bool")], [(VECTOR, "bool")])
    yield OperatorCase("LOGICAL_NOT", [(VECTOR, "bool")], [(VECTOR, "bool")])
    yield OperatorCase("ADD_N", [(VECTOR, "float32")] * 3, [(VECTOR, "float32")], options("AddN"))
    for name in ("SELECT", "SELECT_V2"):
        for dtype in ("float32", "int32"):
            operands = [(VECTOR, "bool"), (VECTOR, dtype), (VECTOR, dtype)]
            yield OperatorCase(f"{name}-{dtype}", operands, [(VECTOR, dtype)])
    for source in ("float32", "int32", "int64", "uint8", "bool"):
        for target in ("float32", "int32", "int64", "uint8", "int8", "bool"):
            if source != target:
                yield OperatorCase(f"CAST-{source}-{target}", [(VECTOR, source)], [(VECTOR, target)], options("Cast"))


def _reductions() -> Iterator[OperatorCase]:
    operands: list[Operand]
    for name in ("SUM", "MEAN", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"):
        kept = options("Reducer", keepDims=True)
        yield OperatorCase(name, [(IMAGE, "float32"), ints(1, 2)], [((1, 4), "float32")], options("Reducer"))
        yield OperatorCase(f"{name}-kept", [(IMAGE, "float32"), ints(-1)], [((1, 7, 9, 1), "float32")], kept)
        yield OperatorCase(f"{name}-int32", [(VECTOR, "int32"), ints(1)], [((3,), "int32")], options("Reducer"))
    for name in ("REDUCE_ANY", "REDUCE_ALL"):
        yield OperatorCase(name, [(VECTOR, "bool"), ints(1)], [((3,), "bool")], options("Reducer"))
    for name, kind in {"ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin"}.items():
        for dtype, number in {"int32": schema.TensorType.INT32, "int64": schema.TensorType.INT64}.items():
            chosen = options(kind, outputType=number)
            yield OperatorCase(f"{name}-{dtype}", [(VECTOR, "float32"), ints(-1)], [((3,), dtype)], chosen)
        chosen = options(kind, outputType=schema.TensorType.INT32)
        yield OperatorCase(f"{name}-ties", [((40, 3), "int8"), ints(0)], [((3,), "int32")], chosen)
    five = np.array(5, np.int32)
    for dtype in ("float32", "int32"):
        yield OperatorCase(f"TOPK_V2-{dtype}", [(VECTOR, dtype), five], [((3, 5), dtype), ((3, 5), "int32")])
    for exclusive in (False, True):
        for reverse in (False, True):
            chosen = options("Cumsum", exclusive=exclusive, reverse=reverse)
            name = f"CUMSUM-{exclusive}-{reverse}"
            yield OperatorCase(name, [(VECTOR, "float32"), np.array(1, np.int32)], [(VECTOR, "float32")], chosen)
    operands = [(VECTOR, "int32"), np.array(1, np.int32)]
    yield OperatorCase("CUMSUM-int32", operands, [(VECTOR, "int32")], options("Cumsum"))


def _layers() -> Iterator[OperatorCase]:
    operands: list[Operand]
    bias = weights(5, seed=2)
    for padding, size in {_SAME: (4, 5), _VALID: (3, 4)}.items():
        chosen = options("Conv2D", padding=padding, strideW=2, strideH=2, fusedActivationFunction=_RELU)
        operands = [(IMAGE, "float32"), weights(5, 3, 3, 4), bias]
        yield OperatorCase(f"CONV_2D-{padding}", operands, [((1, *size, 5), "float32")], chosen)
    chosen = options("Conv2D", strideW=1, strideH=1, dilationHFactor=2, dilationWFactor=2)
    operands = [(IMAGE, "float32"), weights(5, 3, 3, 4), bias]
    yield OperatorCase("CONV_2D-dilated", operands, [((1, 7, 9, 5), "float32")], chosen)
    yield OperatorCase(
        "CONV_2D-grouped",
        [(IMAGE, "float32"), weights(6, 3, 3, 2), weights(6)],
        [((1, 7, 9, 6), "float32")],
        options("Conv2D", strideW=1, strideH=1),
    )
    yield OperatorCase(
        "CONV_2D-weights",
        [(IMAGE, "float32"), ((5, 3, 3, 4), "float32"), bias],
        [((1, 7, 9, 5), "float32")],
        options("Conv2D", strideW=1, strideH=1),
    )
    for multiplier in (1, 2):
        channels = 4 * multiplier
        chosen = options("DepthwiseConv2D", strideW=2, strideH=2, depthMultiplier=multiplier)
        operands = [(IMAGE, "float32"), weights(1, 3, 3, channels), weights(channels)]
        yield OperatorCase(f"DEPTHWISE_CONV_2D-{multiplier}", operands, [((1, 4, 5, channels), "float32")], chosen)
    for padding, size in {_SAME: (14, 18), _VALID: (15, 19)}.items():
        chosen = options("TransposeConv", padding=padding, strideW=2, strideH=2)
        operands = [ints(1, *size, 5), weights(5, 3, 3, 4), (IMAGE, "float32"), bias]
        yield OperatorCase(f"TRANSPOSE_CONV-{padding}", operands, [((1, *size, 5), "float32")], chosen)
    for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        for padding, size in {_SAME: (4, 5), _VALID: (3, 4)}.items():
            chosen = options("Pool2D", padding=padding, strideW=2, strideH=2, filterWidth=3, filterHeight=3)
            yield OperatorCase(f"{name}-{padding}", [(IMAGE, "float32")], [((1, *size, 4), "float32")], chosen)
    dense: list[Operand] = [((2, 3, 17), "float32"), weights(6, 17), weights(6)]
    yield OperatorCase("FULLY_CONNECTED", dense, [((6, 6), "float32")], options("FullyConnected"))
    chosen = options("FullyConnected", keepNumDims=True, fusedActivationFunction=_RELU)
    yield OperatorCase("FULLY_CONNECTED-kept", dense, [((2, 3, 6), "float32")], chosen)
    yield OperatorCase(
        "FULLY_CONNECTED-weights",
        [(VECTOR, "float32"), ((6, 17), "float32"), weights(6)],
        [((3, 6), "float32")],
        options("FullyConnected"),
    )
    for x in (False, True):
        for y in (False, True):
            left, right = ((2, 5, 3) if x else (2, 3, 5)), ((2, 4, 5) if y else (2, 5, 4))
            chosen = options("BatchMatMul", adjX=x, adjY=y)
            operands = [(left, "float32"), (right, "float32")]
            yield OperatorCase(f"BATCH_MATMUL-{x}-{y}", operands, [((2, 3, 4), "float32")], chosen)
    yield OperatorCase(
        "LOCAL_RESPONSE_NORMALIZATION",
        [(IMAGE, "float32")],
        [(IMAGE, "float32")],
        options("LocalResponseNormalization", radius=2, bias=1.0, alpha=0.5, beta=0.75),
    )


def _images() -> Iterator[OperatorCase]:
    for name, kind in {"RESIZE_BILINEAR": "ResizeBilinear", "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighbor"}.items():
        for corners, centers in ((False, False), (True, False), (False, True)):
            for size in ((14, 18), (5, 4), (7, 13)):
                chosen = options(kind, alignCorners=corners, halfPixelCenters=centers)
                yield OperatorCase(
                    f"{name}-{corners}-{centers}-{size[0]}",
                    [(IMAGE, "float32"), ints(*size)],
                    [((1, *size, 4), "float32")],
                    chosen,
                )
    yield OperatorCase(
        "SPACE_TO_DEPTH",
        [((1, 6, 8, 4), "float32")],
        [((1, 3, 4, 16), "float32")],
        options("SpaceToDepth", blockSize=2),
    )
    yield OperatorCase(
        "DEPTH_TO_SPACE",
        [((1, 3, 4, 16), "float32")],
        [((1, 6, 8, 4), "float32")],
        options("DepthToSpace", blockSize=2),
    )
    yield OperatorCase(
        "SPACE_TO_BATCH_ND",
        [((1, 5, 8, 3), "float32"), ints(2, 2), np.array([[1, 0], [0, 0]], np.int32)],
        [((4, 3, 4, 3), "float32")],
    )
    yield OperatorCase(
        "BATCH_TO_SPACE_ND",
        [((4, 3, 4, 3), "float32"), ints(2, 2), np.array([[1, 0], [0, 0]], np.int32)],
        [((1, 5, 8, 3), "float32")],
    )


def _moves(dtype: str) -> Iterator[OperatorCase]:
    around = np.array([[0, 0], [1, 2], [2, 1], [0, 0]], np.int32)
    padded = ((1, 10, 12, 4), dtype)
    yield OperatorCase(f"PAD-{dtype}", [(IMAGE, dtype), around], [padded], options("Pad"))
    yield OperatorCase(f"PADV2-{dtype}", [(IMAGE, dtype), around, np.array(1, dtype)], [padded], options("PadV2"))
    for mode in (schema.MirrorPadMode.REFLECT, schema.MirrorPadMode.SYMMETRIC):
        chosen = options("MirrorPad", mode=mode)
        yield OperatorCase(f"MIRROR_PAD-{mode}-{dtype}", [(IMAGE, dtype), around], [padded], chosen)
    yield OperatorCase(f"TRANSPOSE-{dtype}", [(IMAGE, dtype), ints(0, 3, 1, 2)], [((1, 4, 7, 9), dtype)])
    yield OperatorCase(f"RESHAPE-{dtype}", [(IMAGE, dtype), ints(7, 36)], [((7, 36), dtype)])
    yield OperatorCase(f"RESHAPE-open-{dtype}", [(IMAGE, dtype), ints(-1, 36)], [((7, 36), dtype)])
    yield OperatorCase(f"SQUEEZE-{dtype}", [(IMAGE, dtype)], [(IMAGE[1:], dtype)], options("Squeeze", squeezeDims=[0]))
    yield OperatorCase(f"EXPAND_DIMS-{dtype}", [(VECTOR, dtype), ints(-1)], [((3, 17, 1), dtype)])
    yield OperatorCase(f"SLICE-{dtype}", [(IMAGE, dtype), ints(0, 2, 1, 0), ints(1, 3, -1, 2)], [((1, 3, 8, 2), dtype)])
    yield OperatorCase(
        f"STRIDED_SLICE-{dtype}",
        [(IMAGE, dtype), ints(0, 1, 8, 0), ints(1, 7, 0, 2), ints(1, 2, -3, 1)],
        [((1, 3, 3, 2), dtype)],
        options("StridedSlice"),
    )
    yield OperatorCase(
        f"STRIDED_SLICE-masks-{dtype}",
        [(IMAGE, dtype), ints(0, 5, 0, 1), ints(0, 2, 0, 2), ints(1, 1, 2, 1)],
        [((1, 2, 5), dtype)],
        options("StridedSlice", beginMask=0b0010, endMask=0b0101, shrinkAxisMask=0b1000),
    )
    yield OperatorCase(
        f"STRIDED_SLICE-new_axis-{dtype}",
        [(VECTOR, dtype), ints(0, 0, 0), ints(0, 2, 17), ints(1, 1, 1)],
        [((1, 2, 17), dtype)],
        options("StridedSlice", newAxisMask=0b001),
    )
    yield OperatorCase(
        f"SPLIT-{dtype}",
        [np.array(1, np.int32), ((3, 18), dtype)],
        [((3, 6), dtype)] * 3,
        options("Split", numSplits=3),
    )
    yield OperatorCase(
        f"SPLIT_V-{dtype}",
        [(VECTOR, dtype), ints(4, 8, 5), np.array(1, np.int32)],
        [((3, size), dtype) for size in (4, 8, 5)],
        options("SplitV", numSplits=3),
    )
    yield OperatorCase(
        f"PACK-{dtype}",
        [(VECTOR, dtype), (VECTOR, dtype)],
        [((3, 2, 17), dtype)],
        options("Pack", axis=1, valuesCount=2),
    )
    yield OperatorCase(f"UNPACK-{dtype}", [(VECTOR, dtype)], [((17,), dtype)] * 3, options("Unpack", axis=0, num=3))
    yield OperatorCase(
        f"CONCATENATION-{dtype}",
        [(VECTOR, dtype), ((3, 2), dtype)],
        [((3, 19), dtype)],
        options("Concatenation", axis=-1),
    )
    yield OperatorCase(f"TILE-{dtype}", [(VECTOR, dtype), ints(2, 3)], [((6, 51), dtype)])
    yield OperatorCase(f"REVERSE_V2-{dtype}", [(VECTOR, dtype), ints(1)], [(VECTOR, dtype)])
    yield OperatorCase(f"SHAPE-{dtype}", [(VECTOR, dtype)], [((2,), "int32")], options("Shape", outType=2))
    yield OperatorCase(f"RANK-{dtype}", [(VECTOR, dtype)], [((), "int32")])
    yield OperatorCase(f"MATRIX_DIAG-{dtype}", [(VECTOR, dtype)], [((3, 17, 17), dtype)])


def _indices() -> Iterator[OperatorCase]:
    table = weights(10, 6)
    yield OperatorCase("GATHER", [table, ((4,), "int32")], [((4, 6), "float32")], options("Gather"))
    yield OperatorCase("GATHER-int32", [((10,), "int32"), ints(3, 0, 9)], [((3,), "int32")], options("Gather"))
    yield OperatorCase("GATHER-data", [((10, 6), "float32"), ints(3, 0, 9)], [((3, 6), "float32")], options("Gather"))
    yield OperatorCase(
        "GATHER-axis", [((3, 10), "float32"), ints(3, 0, 9)], [((3, 3), "float32")], options("Gather", axis=1)
    )
    yield OperatorCase(
        "GATHER-batch",
        [((2, 10), "float32"), np.array([[3, 0], [9, 1]], np.int32)],
        [((2, 2), "float32")],
        options("Gather", axis=1, batchDims=1),
    )
    places = np.array([[0, 1], [2, 3]], np.int32)
    yield OperatorCase("GATHER_ND", [((3, 5, 2), "float32"), places], [((2, 2), "float32")])
    yield OperatorCase("GATHER_ND-input", [weights(4, 5), ((3, 2), "int32")], [((3,), "float32")])
    yield OperatorCase("SCATTER_ND", [places, ((2,), "float32"), ints(4, 5)], [((4, 5), "float32")])
    yield OperatorCase(
        "SCATTER_ND-twice",
        [np.array([[1], [1]], np.int32), ((2, 3), "float32"), ints(4, 3)],
        [((4, 3), "float32")],
    )
    yield OperatorCase("SCATTER_ND-input", [((3, 1), "int32"), ((3,), "float32"), ints(4)], [((4,), "float32")])
    yield OperatorCase("EMBEDDING_LOOKUP", [((4,), "int32"), table], [((4, 6), "float32")])
    one_hot: list[Operand] = [((4,), "int32"), np.array(5, np.int32), np.array(2, np.float32), np.array(-1, np.float32)]
    yield OperatorCase("ONE_HOT", one_hot, [((4, 5), "float32")], options("OneHot", axis=-1))
    yield OperatorCase(
        "REVERSE_SEQUENCE",
        [((3, 5), "float32"), ints(2, 5, 1)],
        [((3, 5), "float32")],
        options("ReverseSequence", seqDim=1, batchDim=0),
    )
    yield OperatorCase(
        "REVERSE_SEQUENCE-input",
        [((3, 5), "float32"), ((3,), "int32")],
        [((3, 5), "float32")],
        options("ReverseSequence", seqDim=1, batchDim=0),
    )
    yield OperatorCase("SEGMENT_SUM", [((4, 3), "float32"), ints(0, 0, 1, 2)], [((3, 3), "float32")])
    yield OperatorCase(
        "RANGE",
        [np.array(0, np.int32), np.array(6, np.int32), np.array(2, np.int32)],
        [((3,), "int32")],
    )
