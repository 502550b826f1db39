"""What kernels of float32 operators make of NaN and infinities, against NumPy: the table of docs/delegates.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support.operator_model import model_of
from zerolite.delegates import Kernels

Array = np.ndarray[Any, Any]
Function = Callable[..., Array]

VALUES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5], np.float32)
# More than a vector of any processor, and no multiple of one: kernels treat the rest apart.
REPEATS = 5
WIDTH = 19
PAIRS = np.tile(np.array([(a, b) for a in VALUES for b in VALUES], np.float32), (REPEATS, 1))


def clipped(least: float, most: float) -> Function:
    return lambda x: np.clip(x, np.float32(least), np.float32(most))


def logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def elu(x: Array) -> Array:
    return np.where(x < 0, np.expm1(x), x)


def leaky(x: Array) -> Array:
    return np.where(x < 0, np.float32(0.5) * x, x)


def gelu(x: Array) -> Array:
    erf = np.vectorize(math.erf, otypes=[np.float32])
    return x * (1 + erf(x / np.sqrt(np.float32(2)))) / 2


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


UNARY: dict[str, tuple[Function, Any]] = {
    "ABS": (np.abs, None),
    "NEG": (np.negative, None),
    "CEIL": (np.ceil, None),
    "FLOOR": (np.floor, None),
    "ROUND": (np.rint, None),
    "EXP": (np.exp, None),
    "LOG": (np.log, None),
    "SQRT": (np.sqrt, None),
    "RSQRT": (lambda x: 1 / np.sqrt(x), None),
    "SIN": (np.sin, None),
    "COS": (np.cos, None),
    "TANH": (np.tanh, None),
    "SQUARE": (np.square, None),
    "LOGISTIC": (logistic, None),
    "RELU": (clipped(0, np.inf), None),
    "RELU6": (clipped(0, 6), None),
    "RELU_N1_TO_1": (clipped(-1, 1), None),
    "RELU_0_TO_1": (clipped(0, 1), None),
    "GELU": (gelu, schema.GeluOptionsT()),
    "ELU": (elu, None),
    "LEAKY_RELU": (leaky, schema.LeakyReluOptionsT()),
    "SIGN": (np.sign, None),
}
UNARY["LEAKY_RELU"][1].alpha = 0.5
UNARY["HARD_SWISH"] = (lambda x: x * np.clip(x + 3, 0, 6) / np.float32(6), None)
BINARY: dict[str, tuple[Function, Any]] = {
    "ADD": (np.add, schema.AddOptionsT()),
    "SUB": (np.subtract, schema.SubOptionsT()),
    "MUL": (np.multiply, schema.MulOptionsT()),
    "DIV": (np.divide, schema.DivOptionsT()),
    "MINIMUM": (np.minimum, None),
    "MAXIMUM": (np.maximum, None),
    "SQUARED_DIFFERENCE": (lambda x, y: np.square(x - y), None),
    "POW": (np.power, None),
    "ATAN2": (np.arctan2, None),
    "ADD_N": (np.add, schema.AddNOptionsT()),
}
COMPARISONS: dict[str, Function] = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
}
REDUCTIONS: dict[str, Function] = {
    "SUM": np.sum,
    "MEAN": np.mean,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_PROD": np.prod,
}
ROW_BY_ROW: dict[str, tuple[Function, Any]] = {
    "SOFTMAX": (softmax, schema.SoftmaxOptionsT()),
    "LOG_SOFTMAX": (log_softmax, None),
}
ROW_BY_ROW["SOFTMAX"][1].beta = 1.0
ROW_BY_ROW["L2_NORMALIZATION"] = (lambda x: x / np.sqrt(np.square(x).sum(-1, keepdims=True)), schema.L2NormOptionsT())
ROW_BY_ROW["CUMSUM"] = (lambda x: np.cumsum(x, -1), None)
PRODUCTS = ["FULLY_CONNECTED", "CONV_2D", "BATCH_MATMUL"]
BY_CHANNEL = ["DEPTHWISE_CONV_2D", "PRELU"]
POSITIONS: dict[str, Function] = {"ARG_MAX": np.argmax, "ARG_MIN": np.argmin}
POOLS: dict[str, Function] = {
    "MAX_POOL_2D": np.max,
    "AVERAGE_POOL_2D": np.mean,
    "L2_POOL_2D": lambda x, axis: np.sqrt(np.square(x).mean(axis)),
}


def rows() -> Array:
    """Rows of finite numbers, with each value at each place of some row."""
    found = []
    for value in VALUES[:3]:
        for place in range(WIDTH):
            row = np.linspace(-1, 1, WIDTH, dtype=np.float32)
            row[place] = value
            found.append(row)
    return np.array(found)


def reduction_model(code: int, shape: Sequence[int]) -> bytes:
    builder = GraphBuilder()
    x = builder.tensor("input_0", shape)
    axis = builder.constant("axis", np.array([1], np.int32))
    y = builder.tensor("result", shape[:1])
    builder.operator(code, [x, axis], [y], options=schema.ReducerOptionsT())
    builder.interface([x], [y])
    return builder.finish()


def cumsum_model(shape: Sequence[int]) -> bytes:
    builder = GraphBuilder()
    x, y = builder.tensor("input_0", shape), builder.tensor("result", shape)
    axis = builder.constant("axis", np.array([1], np.int32))
    builder.operator(Op.CUMSUM, [x, axis], [y], options=schema.CumsumOptionsT())
    builder.interface([x], [y])
    return builder.finish()


def product_case(name: str, table: Array) -> tuple[bytes, list[Array], Array]:
    """Each row times a matrix of five columns, without zeros."""
    weights = np.linspace(0.5, 1.5, WIDTH * 5, dtype=np.float32).reshape(WIDTH, 5)
    expected = table @ weights
    builder = GraphBuilder()
    if name == "CONV_2D":
        x = builder.tensor("input_0", (len(table), 1, 1, WIDTH))
        w = builder.constant("w", weights.T.copy().reshape(5, 1, 1, WIDTH))
        y = builder.tensor("result", (len(table), 1, 1, 5))
        options: Any = schema.Conv2DOptionsT()
        options.strideW = options.strideH = 1
        table, expected = table[:, np.newaxis, np.newaxis], expected[:, np.newaxis, np.newaxis]
    else:
        x, y = builder.tensor("input_0", table.shape), builder.tensor("result", expected.shape)
        is_dense = name == "FULLY_CONNECTED"
        w = builder.constant("w", weights.T.copy() if is_dense else weights)
        options = schema.FullyConnectedOptionsT() if is_dense else schema.BatchMatMulOptionsT()
    operands = [x, w] if name == "BATCH_MATMUL" else [x, w, builder.constant("b", np.zeros(5, np.float32))]
    builder.operator(getattr(Op, name), operands, [y], options=options)
    builder.interface([x], [y])
    return builder.finish(), [table], expected


def channel_case(name: str, table: Array) -> tuple[bytes, list[Array], Array]:
    """Each column with a number of its own."""
    factors = np.linspace(0.5, 1.5, WIDTH, dtype=np.float32)
    pictures = table[:, np.newaxis, np.newaxis]
    builder = GraphBuilder()
    x, y = builder.tensor("input_0", pictures.shape), builder.tensor("result", pictures.shape)
    if name == "PRELU":
        builder.operator(Op.PRELU, [x, builder.constant("alpha", factors.reshape(1, 1, WIDTH))], [y])
        expected = np.where(pictures < 0, pictures * factors, pictures)
    else:
        options = schema.DepthwiseConv2DOptionsT()
        options.strideW = options.strideH = options.depthMultiplier = 1
        w = builder.constant("w", factors.reshape(1, 1, 1, WIDTH))
        b = builder.constant("b", np.zeros(WIDTH, np.float32))
        builder.operator(Op.DEPTHWISE_CONV_2D, [x, w, b], [y], options=options)
        expected = pictures * factors
    builder.interface([x], [y])
    return builder.finish(), [pictures], expected


def position_model(name: str, shape: Sequence[int]) -> bytes:
    builder = GraphBuilder()
    x, y = builder.tensor("input_0", shape), builder.tensor("result", shape[:1], "int32")
    options: Any = schema.ArgMaxOptionsT() if name == "ARG_MAX" else schema.ArgMinOptionsT()
    options.outputType = schema.TensorType.INT32
    builder.operator(getattr(Op, name), [x, builder.constant("axis", np.array([1], np.int32))], [y], options=options)
    builder.interface([x], [y])
    return builder.finish()


def pool_options() -> Any:
    options = schema.Pool2DOptionsT()
    options.padding, options.strideW, options.strideH = 1, 1, 1
    options.filterWidth, options.filterHeight = WIDTH, 1
    return options


def elementwise_case(name: str) -> tuple[bytes, list[Array], Array]:
    """All pairs of the values, or the first of each."""
    x, y = PAIRS[:, 0].copy(), PAIRS[:, 1].copy()
    operand = (x.shape, "float32")
    if name in UNARY:
        function, options = UNARY[name]
        return model_of(getattr(Op, name), [operand], operand, options), [x], function(x)
    if name in BINARY:
        function, options = BINARY[name]
        return model_of(getattr(Op, name), [operand] * 2, operand, options), [x, y], function(x, y)
    return model_of(getattr(Op, name), [operand] * 2, (x.shape, "bool")), [x, y], COMPARISONS[name](x, y)


def row_case(name: str) -> tuple[bytes, list[Array], Array]:
    """An operator that computes with a whole row."""
    code, table = getattr(Op, name), rows()
    operand = (table.shape, "float32")
    if name in REDUCTIONS:
        return reduction_model(code, table.shape), [table], REDUCTIONS[name](table, axis=1)
    if name in ROW_BY_ROW:
        function, options = ROW_BY_ROW[name]
        content = cumsum_model(table.shape) if name == "CUMSUM" else model_of(code, [operand], operand, options)
        return content, [table], function(table)
    if name in PRODUCTS or name in BY_CHANNEL:
        return product_case(name, table) if name in PRODUCTS else channel_case(name, table)
    if name in POSITIONS:
        return position_model(name, table.shape), [table], POSITIONS[name](table, axis=1).astype(np.int32)
    pictures = table[:, np.newaxis, :, np.newaxis]
    result = POOLS[name](table, axis=1)[:, np.newaxis, np.newaxis, np.newaxis]
    content = model_of(code, [(pictures.shape, "float32")], (result.shape, "float32"), pool_options())
    return content, [pictures], result


def case(name: str) -> tuple[bytes, list[Array], Array]:
    """The model of an operator, its inputs, and what NumPy makes of them."""
    is_elementwise = name in UNARY or name in BINARY or name in COMPARISONS
    with np.errstate(all="ignore"):
        return elementwise_case(name) if is_elementwise else row_case(name)


NAMES = [*UNARY, *BINARY, *COMPARISONS, *REDUCTIONS, *ROW_BY_ROW, *PRODUCTS, *BY_CHANNEL, *POSITIONS, *POOLS]


# What docs/delegates.md says of operators that are not NumPy's. "nan": where NumPy's result is NaN; "infinity": the
# largest finite number for an infinity; "logarithm": its logarithm; "invalid": NaN for an infinity; "zero": where the
# operand is 0; "position": where a row has NaN.
DIFFERENT: dict[str, dict[str, set[str]]] = {
    "delegate": {
        "EXP": {"nan"},
        "LOG": {"nan", "logarithm"},  # of AVX2; right with AVX-512
        "RSQRT": {"zero"},
        "MINIMUM": {"nan"},
        "MAXIMUM": {"nan"},
        "REDUCE_MIN": {"nan"},
        "REDUCE_MAX": {"nan"},
        "MAX_POOL_2D": {"nan"},
        "AVERAGE_POOL_2D": {"nan"},
        "L2_POOL_2D": {"infinity"},
        "ADD_N": {"infinity"},
        "DEPTHWISE_CONV_2D": {"invalid"},
        "ARG_MAX": {"position"},
        "ARG_MIN": {"position"},
    },
    "builtin": {
        "ADD": {"infinity"},
        "SUB": {"infinity"},
        "MUL": {"infinity"},
        "DIV": {"infinity"},
        "FULLY_CONNECTED": {"infinity"},
        "CONV_2D": {"infinity"},
        "MINIMUM": {"nan"},
        "MAXIMUM": {"nan"},
        "REDUCE_MIN": {"nan"},
        "REDUCE_MAX": {"nan"},
        "MAX_POOL_2D": {"nan", "infinity"},
        "AVERAGE_POOL_2D": {"infinity"},
        "L2_POOL_2D": {"infinity"},
        "ADD_N": {"infinity"},
        "DEPTHWISE_CONV_2D": {"nan", "infinity"},
        "ARG_MAX": {"position"},
        "ARG_MIN": {"position"},
    },
}


def run(content: bytes, xnnpack: zl.XNNPack, inputs: list[Array]) -> Array:
    with zl.load(content, delegates=xnnpack) as model:
        return np.array(model(*inputs))


def is_right(answer: Array, expected: Array) -> Array:
    if expected.dtype == bool:
        return np.asarray(answer == expected)
    return np.isclose(answer, expected, rtol=1e-4, atol=1e-6, equal_nan=True)


def allowed(kinds: set[str], answer: Array, expected: Array, inputs: list[Array]) -> Array:
    """Where a result may differ from NumPy's, of those that do."""
    allowed_here = np.zeros(expected.shape, bool)
    if "nan" in kinds:
        allowed_here |= np.isnan(expected)
    if "infinity" in kinds:
        largest = np.copysign(np.finfo(np.float32).max, expected)
        allowed_here |= np.isinf(expected) & (answer == largest)
    if "logarithm" in kinds:
        largest = np.log(np.finfo(np.float32).max)
        allowed_here |= np.isposinf(expected) & (np.abs(answer - largest) < 1)
    if "invalid" in kinds:
        allowed_here |= np.isinf(expected) & np.isnan(answer)
    if "position" in kinds:
        allowed_here |= np.isnan(inputs[0]).any(1)
    if "zero" in kinds:
        allowed_here |= inputs[0] == 0
    return allowed_here


@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
@pytest.mark.parametrize("name", NAMES)
def test_results_differ_from_numpy_only_where_the_documentation_says_so(name: str, kernels: Kernels) -> None:
    content, inputs, expected = case(name)
    answer = run(content, zl.XNNPack(kernels=kernels), inputs)
    wrong = ~is_right(answer, expected)
    wrong &= ~allowed(DIFFERENT[kernels].get(name, set()), answer, expected, inputs)
    assert not wrong.any(), (answer[wrong], expected[wrong])


def test_the_setting_that_the_documentation_offers_makes_rsqrt_right() -> None:
    content, inputs, expected = case("RSQRT")
    answer = run(content, zl.XNNPack(flags={"slow_consistent_arithmetic": True}), inputs)
    assert is_right(answer, expected).all()


def test_the_documentation_names_each_operator_that_differs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "delegates.md").read_text(encoding="utf-8")
    section = page.split("### NaN and infinities")[1].split("\n## ")[0]
    rows_of_table = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    named: dict[str, set[str]] = {"delegate": set(), "builtin": set()}
    for operators, delegate, builtin in rows_of_table:
        for kernels, words in (("delegate", delegate), ("builtin", builtin)):
            if words.strip() != "right":
                named[kernels] |= set(operators.replace("`", "").replace(" ", "").split(","))
    assert named == {kernels: set(operators) for kernels, operators in DIFFERENT.items()}
