"""The rows of what kernels take for granted: sound operators run, and those that break a row are refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization

Array = NDArray[Any]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Given:
    """An operand that a caller gives, that the kernel keeps as a state, or that it writes."""

    shape: Sequence[int]
    dtype: str = "float32"
    is_state: bool = False
    scale: float | None = None


Operand = Given | Array | None


def options_of(kind: Any, **fields: Any) -> Any:
    options = kind()
    for name, value in fields.items():
        setattr(options, name, value)
    return options


def model_of(code: int, inputs: Sequence[Operand], *outputs: Given, options: Any = None) -> bytes:
    """A model of one operator; arrays are its constants."""
    builder = GraphBuilder()
    free = []

    def add(name: str, operand: Operand) -> int:
        if operand is None:
            return -1
        if isinstance(operand, np.ndarray):
            return builder.constant(name, operand)
        scaled = None if operand.scale is None else quantization([operand.scale], [0])
        tensor = builder.tensor(name, list(operand.shape), operand.dtype, variable=operand.is_state, quantized=scaled)
        if not operand.is_state and name.startswith("input"):
            free.append(tensor)
        return tensor

    operands = [add(f"input_{i}", operand) for i, operand in enumerate(inputs)]
    results = [add(f"output_{i}", output) for i, output in enumerate(outputs)]
    builder.operator(code, operands, results, options=options)
    builder.interface(free, results)
    return builder.finish()


def ints(*values: int) -> Array:
    return np.array(values, np.int32)


def ones(*shape: int, dtype: str = "float32") -> Array:
    return np.ones(shape, dtype)


def scatter(updates: Sequence[int]) -> bytes:
    return model_of(Op.SCATTER_ND, [Given((2, 1, 1), "int32"), Given(updates), ints(4)], Given((4,)))


def one_hot(depth: str) -> bytes:
    operands: list[Operand] = [Given((2,), "int32"), np.array(3, depth), np.array(1, "float32"), np.array(0, "float32")]
    return model_of(Op.ONE_HOT, operands, Given((2, 3)), options=schema.OneHotOptionsT())


def slice_of(begins: int, *, ellipsis: int = 0, added: int = 0) -> bytes:
    options = options_of(schema.StridedSliceOptionsT, ellipsisMask=ellipsis, newAxisMask=added)
    constants: list[Operand] = [np.full(begins, value, np.int32) for value in (0, 1, 1)]
    rank = 1 + bin(added).count("1")
    return model_of(Op.STRIDED_SLICE, [Given((4,), "int32"), *constants], Given((1,) * rank, "int32"), options=options)


def concatenation(other: str) -> bytes:
    scalars: list[Operand] = [np.array(1, "int64"), np.array(1, other)]
    return model_of(Op.CONCATENATION, scalars, Given((2,), "int64"), options=schema.ConcatenationOptionsT())


def sparse_lookup(table: str = "float32", indices: Sequence[int] = (2, 2)) -> bytes:
    places: list[Operand] = [ints(0, 1), Given(indices, "int32"), ints(*[2] * indices[1]), ones(2)]
    options = options_of(schema.EmbeddingLookupSparseOptionsT, combiner=1)
    return model_of(Op.EMBEDDING_LOOKUP_SPARSE, [*places, Given((4, 3), table)], Given((2, 3)), options=options)


def projection(hashes: str = "float32", result: str = "int32") -> bytes:
    options = options_of(schema.LSHProjectionOptionsT, type=2)
    return model_of(Op.LSH_PROJECTION, [ones(3, 4, dtype=hashes), Given((2,))], Given((12,), result), options=options)


def recurrent(*, bias: str = "float32", result: str = "float32", weights: str = "float32") -> bytes:
    operands: list[Operand] = [Given((1, 3)), ones(2, 3), ones(2, 2, dtype=weights), ones(2, dtype=bias)]
    return model_of(
        Op.RNN, [*operands, Given((1, 2), is_state=True)], Given((1, 2), result), options=schema.RNNOptionsT()
    )


def sequence(result: str = "float32") -> bytes:
    operands: list[Operand] = [Given((1, 5, 3)), ones(2, 3), ones(2, 2), ones(2), Given((1, 2), is_state=True)]
    options = schema.SequenceRNNOptionsT()
    return model_of(Op.UNIDIRECTIONAL_SEQUENCE_RNN, operands, Given((1, 5, 2), result), options=options)


def both_ways(*, recurrent_size: int = 2, second: Sequence[int] | None = None, with_weights: bool = False) -> bytes:
    """A sequence in both directions, with a second input or the weights for one."""
    one_way: list[Operand] = [ones(2, 3), ones(2, recurrent_size), ones(2), Given((1, 2), is_state=True)]
    other_way: list[Operand] = [ones(2, 3), ones(2, 2), ones(2), Given((1, 2), is_state=True)]
    weights: list[Operand] = [ones(2, 4), ones(2, 4)] if with_weights else [None, None]
    operands: list[Operand] = [
        Given((1, 5, 3)),
        *one_way,
        *other_way,
        None if second is None else Given(second),
        *weights,
    ]
    options = schema.BidirectionalSequenceRNNOptionsT()
    return model_of(Op.BIDIRECTIONAL_SEQUENCE_RNN, operands, Given((1, 5, 2)), Given((1, 5, 2)), options=options)


def filtered(*, result: str = "float32", times: str = "float32") -> bytes:
    operands: list[Operand] = [Given((1, 3)), ones(2, 3), ones(2, 4, dtype=times), None, Given((1, 8), is_state=True)]
    return model_of(Op.SVDF, operands, Given((1, 2), result), options=options_of(schema.SVDFOptionsT, rank=1))


def dilation(padding: Sequence[int] = (), factors: int = 2) -> bytes:
    operands: list[Operand] = [Given((2, 2), "int32"), ints(*[2] * factors), np.zeros(padding, np.int32)]
    return model_of(Op.DILATE, operands, Given((3, 3), "int32"), options=schema.DilateOptionsT())


def product(left: Sequence[int]) -> bytes:
    return model_of(Op.BATCH_MATMUL, [Given(left), Given((3, 2))], Given((2, 2)), options=schema.BatchMatMulOptionsT())


def dense(result: str) -> bytes:
    weights = Given((2, 3), "int8", scale=0.1)
    operands: list[Operand] = [Given((1, 3), "int16", scale=0.1), weights, None]
    output = Given((1, 2), result, scale=0.1)
    return model_of(Op.FULLY_CONNECTED, operands, output, options=schema.FullyConnectedOptionsT())


def convolution(weights: str) -> bytes:
    options = options_of(schema.Conv2DOptionsT, strideH=1, strideW=1)
    operands: list[Operand] = [Given((1, 2, 2, 1)), ones(1, 1, 1, 1, dtype=weights), ones(1)]
    return model_of(Op.CONV_2D, operands, Given((1, 2, 2, 1)), options=options)


def transposed_convolution(*sizes: int) -> bytes:
    options = options_of(schema.TransposeConvOptionsT, strideH=1, strideW=1)
    operands: list[Operand] = [ints(*sizes), ones(1, 1, 1, 1), Given((1, 2, 2, 1))]
    return model_of(Op.TRANSPOSE_CONV, operands, Given((1, 2, 2, 1)), options=options)


def rectified(slopes: str) -> bytes:
    return model_of(Op.PRELU, [Given((2, 3)), ones(1, 3, dtype=slopes)], Given((2, 3)))


def cell(recurrent_rows: int = 2) -> bytes:
    """A sequence of an LSTM without an input gate."""
    operands: list[Operand] = [None] * 24
    operands[0] = Given((1, 5, 3))
    operands[2:5] = [ones(2, 3)] * 3
    operands[6:9] = [ones(2, 2), ones(recurrent_rows, 2), ones(2, 2)]
    operands[13:16] = [ones(2)] * 3
    operands[18:20] = [Given((1, 2), is_state=True)] * 2
    options = options_of(schema.UnidirectionalSequenceLSTMOptionsT, fusedActivationFunction=4)
    return model_of(Op.UNIDIRECTIONAL_SEQUENCE_LSTM, operands, Given((1, 5, 2)), options=options)


def windows(size: int = 2, *, stride: int = 1, count: int = 2, start: int = 1) -> bytes:
    constants: list[Operand] = [np.full(count, value, np.int64) for value in (size, stride, 1)]
    operands: list[Operand] = [Given((4, 4), "int32"), np.zeros(start, np.int32), *constants]
    options = options_of(schema.ReduceWindowOptionsT, reduceFunction=1)
    return model_of(Op.REDUCE_WINDOW, operands, Given((3, 3), "int32"), options=options)


SOUND: dict[str, bytes] = {
    "scatter": scatter((2, 1)),
    "one hot": one_hot("int32"),
    "slice": slice_of(1),
    "slice with an ellipsis": slice_of(2, ellipsis=1),
    "slice with an axis": slice_of(2, added=2),
    "concatenation": concatenation("int64"),
    "sparse lookup": sparse_lookup(),
    "projection": projection(),
    "recurrent": recurrent(),
    "sequence": sequence(),
    "both ways": both_ways(),
    "both ways with a second input": both_ways(second=(1, 5, 4), with_weights=True),
    "filtered": filtered(),
    "dilation": dilation(),
    "product": product((2, 3)),
    "dense": dense("int16"),
    "convolution": convolution("float32"),
    "transposed convolution": transposed_convolution(1, 2, 2, 1),
    "rectified": rectified("float32"),
    "cell": cell(),
    "windows": windows(),
}

REFUSED: dict[str, tuple[bytes, str]] = {
    "updates of one dimension": (scatter((2,)), r"indices of the shape \(2, 1, 1\) and updates of the shape \(2,\)"),
    "depth of 8 bits": (one_hot("int8"), r"'input_1' of the type int8 as input 1, and int32 is expected"),
    "more begins than dimensions": (slice_of(10, added=0x300), r"takes 8 dimensions of an input of the shape \(4,\)"),
    "two ellipses": (slice_of(3, ellipsis=3), "has an ellipsis mask of 3, and one bit of it at most is expected"),
    "scalars of two types": (concatenation("int8"), "of the type int8 as input 1, and that of input 0, int64"),
    "table of 8 bits": (sparse_lookup("int8"), "of the type int8 as input 4, and float32 is expected"),
    "places of no numbers": (
        sparse_lookup(indices=(2, 0)),
        "reads the values of input 1, its tensor 'input_1'",
    ),
    "hashes of 8 bits": (projection(hashes="int8"), "of the type int8 as input 0, and float32 is expected"),
    "projection to 8 bits": (projection(result="int8"), "of the type int8 as output 0, and int32 is expected"),
    "bias of 8 bits": (recurrent(bias="int8"), "of the type int8 as input 3, and float32 is expected"),
    "recurrent result of 8 bits": (recurrent(result="int8"), "an input of float32 and an output of int8, and one type"),
    "weights of two types": (recurrent(weights="int8"), "of the type int8 as input 2, and that of input 1, float32"),
    "sequence of 8 bits": (sequence("int8"), "an input of float32 and an output of int8, and one type for both"),
    "recurrent weights too short": (
        both_ways(recurrent_size=1),
        r"of the shape \(2, 1\) as input 2, and 2 along axis 1",
    ),
    "weights for no second input": (both_ways(with_weights=True), "leaves out input 9, which it needs for input 10"),
    "second input too short": (
        both_ways(second=(1, 4, 4), with_weights=True),
        r"of the shape \(1, 4, 4\) as input 9, and 5 along axis 1 is expected",
    ),
    "filtered result of 8 bits": (filtered(result="int8"), "an input of float32 and an output of int8, and one type"),
    "times of 8 bits": (filtered(times="int8"), "of the type int8 as input 2, and that of input 1, float32"),
    "dilation by no value": (dilation((0,)), "reads the values of input 2, its tensor 'input_2', which is empty"),
    "too few dilations": (dilation(factors=1), r"of the shape \(1,\) as input 1, and 2 along axis 0 is expected"),
    "product of a vector": (product((3,)), r"has an input of the shape \(3,\), and 2 to 5 dimensions are expected"),
    "dense result of 8 bits": (dense("int8"), "of the type int8 as output 0, and int16 is expected"),
    "weights of 16 bits": (convolution("int16"), "of the type int16 as input 1, and float32 or uint8 or int8 or int4"),
    "sizes of five dimensions": (transposed_convolution(1, 2, 2, 1, 1), r"\(5,\) as input 0, and 4 along axis 0"),
    "slopes of 8 bits": (rectified("int8"), "of the type int8 as input 1, and that of input 0, float32, is expected"),
    "windows without a stride": (windows(stride=0), "as input 3, and values from 1 to 32768 are expected in it"),
    "windows of one dimension": (windows(count=1), r"\(1,\) as input 2, and 2 along axis 0 is expected, as input 0"),
    "windows of no beginning": (windows(start=0), "reads the values of input 1, its tensor 'input_1', which is empty"),
    "recurrent weights of one cell": (cell(1), r"of the shape \(1, 2\) as input 7, and 2 along axis 0 is expected"),
}


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
def test_sound_operators_run(content: bytes) -> None:
    with zl.load(content, verify="full", delegates=[zl.XNNPack(kernels="builtin")]) as model:
        model({name: np.zeros(tensor.shape, tensor.dtype) for name, tensor in model.inputs.items()})


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_breaks_a_row_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(content, verify="full")


def test_constants_are_as_long_as_their_shape() -> None:
    def expanded(shape: list[int]) -> bytes:
        builder = GraphBuilder()
        axis, result = builder.tensor("axis", [], "int32"), builder.tensor("result", [1, *shape])
        builder.operator(Op.EXPAND_DIMS, [builder.constant("values", ones(1), shape=shape), axis], [result])
        builder.interface([axis], [result])
        return builder.finish()

    with zl.load(expanded([1]), verify="full") as model:
        assert np.asarray(model(np.array(0, np.int32))).shape == (1, 1)
    with pytest.raises(zl.InvalidModelError, match="'values' of 0 bytes by its shape, and its buffer holds 4"):
        zl.load(expanded([0]), verify="full")


def test_places_of_a_sparse_lookup_lie_within_its_shape() -> None:
    with zl.load(sparse_lookup(), verify="full") as model:
        for place in (-1, 2, 100_000_000):
            with pytest.raises(zl.Error, match="'input_1' holds a place outside of the shape after it"):
                model({"input_1": np.array([[0, 0], [place, 0]], np.int32), "input_4": ones(4, 3)})
        values = model({"input_1": np.array([[0, 0], [1, 9]], np.int32), "input_4": ones(4, 3)})
        np.testing.assert_array_equal(values, ones(2, 3))


def test_a_condition_stays_as_it_was() -> None:
    """The kernel never forgets that a condition chose whole rows."""
    content = model_of(Op.SELECT, [Given((4,), "bool"), Given((4, 3)), Given((4, 3))], Given((4, 3)))
    rows = {"input_1": ones(4, 3), "input_2": ones(4, 3) * 2}
    with zl.load(content, verify="full") as model:
        chosen = model({"input_0": np.array([True, False] * 2), **rows})
        np.testing.assert_array_equal(chosen, np.array([[1] * 3, [2] * 3] * 2, np.float32))
        model.resize({"input_0": (4, 3)})
        with pytest.raises(zl.Error, match="'input_0' has as many dimensions as the values to choose from"):
            model({"input_0": np.ones((4, 3), bool), **rows})


def test_the_page_lists_operators_whose_sources_were_not_read() -> None:
    table = ROOT.joinpath("cpp/core/zerolite/model/operators.def").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^OPERATOR\(\d+, (\w+), (kRead|kUnread|kNoKernel),", table, re.MULTILINE))
    assert len(rows) > 200
    page = ROOT.joinpath("docs/reliability.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"<!-- unread -->\n(.*?)\n<!-- /unread -->", page, re.DOTALL)
    assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(name for name, read in rows.items() if read == "kUnread")
    with_kernel = sum(read != "kNoKernel" for read in rows.values())
    assert f"Of the {len(rows)} operators the runtime has {with_kernel}." in page
