"""Operators that are known by a name, and states of recurrent ones: no level lets a broken one pass."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, quantization
from tests.mutations.mutation import Mutation
from tests.mutations.single_operator import OPERATORS
from tests.support.python_process import ROOT

LEVELS: list[Any] = ["structure", "full"]
ATTENTION = "odml.scaled_dot_product_attention"
SHAPES = [[1, 4, 2, 8], [1, 4, 2, 8], [1, 4, 2, 8], [1, 1, 4, 4]]


def attention(shapes: list[list[int]], *, options: bytes, dtype: str = "float32") -> bytes:
    builder = GraphBuilder()
    inputs = [builder.tensor(f"x{i}", shape, dtype) for i, shape in enumerate(shapes)]
    result = builder.tensor("y", shapes[0], dtype)
    builder.custom_operator(ATTENTION, inputs, [result], options=options)
    builder.interface(inputs, [result])
    return builder.finish()


SOUND = bytes(flexbuffers.Dumps({"scale": 0.5}))
BROKEN: dict[str, tuple[bytes, str]] = {
    "one input": (attention(SHAPES[:1], options=SOUND), r"has 1 inputs and 1 outputs, and 4"),
    "three inputs": (attention(SHAPES[:3], options=SOUND), r"has 3 inputs"),
    "two dimensions": (attention([[4, 8]] * 4, options=SOUND), r"shape \(4, 8\), and four dimensions"),
    "nothing in it": (attention([[1, 0, 2, 8], *SHAPES[1:]], options=SOUND), r"at least 1"),
    "no float32": (attention(SHAPES, options=SOUND, dtype="float16"), r"type float16, and float32"),
    "another depth": (attention([[1, 4, 2, 7], *SHAPES[1:]], options=SOUND), r"don't fit one another"),
    "another mask": (attention([*SHAPES[:3], [1, 1, 4, 5]], options=SOUND), r"don't fit one another"),
    "no attributes": (attention(SHAPES, options=b""), r"attributes that can't be read"),
    "cut attributes": (attention(SHAPES, options=SOUND[:-3]), r"attributes that can't be read"),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", BROKEN)
def test_attention_that_is_broken_is_refused(kind: str, level: Any) -> None:
    content, message = BROKEN[kind]
    with pytest.raises(zl.InvalidModelError, match=message):
        zl.load(content, verify=level)


def attended(query: Any, key: Any, value: Any, mask: Any, *, scale: float) -> Any:
    """In NumPy: query heads share key heads block by block."""
    group = query.shape[2] // key.shape[2]
    keys, values = (np.repeat(array, group, axis=2) for array in (key, value))
    scores = np.einsum("bthd,blhd->bhtl", query, keys) * scale + mask
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("bhtl,blhd->bthd", weights / weights.sum(-1, keepdims=True), values)


@pytest.mark.parametrize(("heads", "key_heads", "batch"), [(2, 2, 1), (4, 1, 1), (4, 2, 1), (4, 2, 2)])
def test_heads_that_share_keys(heads: int, key_heads: int, batch: int) -> None:
    rng = np.random.default_rng(0)
    shapes = [[batch, 3, heads, 8], [batch, 5, key_heads, 8], [batch, 5, key_heads, 8], [1, 1, 3, 5]]
    operands = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    with zl.load(attention(shapes, options=SOUND), verify="full") as model:
        result = model(dict(zip(model.inputs, operands, strict=True)))
    np.testing.assert_allclose(result, attended(*operands, scale=0.5), rtol=1e-4, atol=1e-5)


def verification(shapes: list[list[int]], dtype: str) -> bytes:
    """By NumericVerify, of int8 and what it came from."""
    builder = GraphBuilder()
    x = builder.tensor("x", shapes[0], "int8", quantized=quantization([0.5], [0]))
    expected = builder.tensor("expected", shapes[1], dtype)
    difference = builder.tensor("difference", shapes[0])
    options = bytes(flexbuffers.Dumps({"log_if_failed": False, "tolerance": 1.0}))
    builder.custom_operator("NumericVerify", [x, expected], [difference], options=options)
    builder.interface([x, expected], [difference])
    return builder.finish()


def spectrogram(inputs: int, **settings: int) -> bytes:
    builder = GraphBuilder()
    operands = [builder.tensor(f"x{i}", [64, 1]) for i in range(inputs)]
    y = builder.tensor("y", [1, 7, 9])
    builder.custom_operator("AudioSpectrogram", operands, [y], options=bytes(flexbuffers.Dumps(settings)))
    builder.interface(operands, [y])
    return builder.finish()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (verification([[2, 3], [3]], "float32"), r"verifies an input of the shape \(2, 3\) by one of float32"),
        (verification([[2, 3], [2, 3]], "int32"), r"by one of int32"),
        (spectrogram(2, window_size=16, stride=8), "has 2 inputs and 1 outputs, and one each"),
        (spectrogram(1, window_size=16, stride=0), "has 0 for its setting stride"),
        (spectrogram(1, stride=8), "has nothing for its setting window_size"),
    ],
    ids=["shape", "type", "inputs", "stride", "window"],
)
def test_named_operators_of_other_operands(content: bytes, words: str) -> None:
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(content, verify="full")


def test_sound_ones_run() -> None:
    with zl.load(verification([[2, 3], [2, 3]], "float32"), verify="full") as model:
        model({"x": np.full((2, 3), 2, np.int8), "expected": np.ones((2, 3), np.float32)})
        model.resize({"x": (4, 3), "expected": (4, 3)})
        model({"x": np.full((4, 3), 2, np.int8), "expected": np.ones((4, 3), np.float32)})
    with zl.load(spectrogram(1, window_size=16, stride=8), verify="full") as model:
        assert np.shape(model(np.ones((64, 1), np.float32))) == (1, 7, 9)


def svdf(weights: str, state: str) -> bytes:
    builder = GraphBuilder()
    scaled = quantization([0.1], [0])
    x = builder.tensor("x", [1, 3], "int8", quantized=scaled)
    feature = builder.tensor("feature", [4, 3], "int8", quantized=scaled)
    time = builder.tensor("time", [4, 2], weights, quantized=scaled)
    memory = builder.tensor("memory", [1, 8], state, quantized=scaled, variable=True)
    y = builder.tensor("y", [1, 4], "int8", quantized=scaled)
    options = schema.SVDFOptionsT()
    options.rank = 1
    builder.operator(Op.SVDF, [x, feature, time, -1, memory], [y], options=options, version=3)
    builder.interface([x, feature, time], [y])
    return builder.finish()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("weights", "state"), [("int8", "int8"), ("int16", "int8"), ("int8", "int16")])
def test_a_state_of_another_type_than_the_kernels_is_refused(weights: str, state: str, level: Any) -> None:
    with pytest.raises(zl.InvalidModelError, match=r"\(SVDF\) has an input of int8, .*where its kernel takes int16"):
        zl.load(svdf(weights, state), verify=level)


@pytest.mark.parametrize(
    ("kind", "inputs", "state"),
    [
        (Op.UNIDIRECTIONAL_SEQUENCE_RNN, 5, 4),
        (Op.UNIDIRECTIONAL_SEQUENCE_LSTM, 24, 19),
        (Op.BIDIRECTIONAL_SEQUENCE_LSTM, 48, 37),
    ],
)
def test_states_of_other_recurrent_operators_too(kind: int, inputs: int, state: int) -> None:
    builder = GraphBuilder()
    operands = [
        builder.tensor(f"x{i}", [2, 2], "int8" if i == state else "float32", variable=i == state) for i in range(inputs)
    ]
    y = builder.tensor("y", [2, 2])
    builder.operator(kind, operands, [y])
    builder.interface([operand for operand in operands if operand != operands[state]], [y])
    with pytest.raises(zl.InvalidModelError, match=r"of the type int8, where its kernel takes float32"):
        zl.load(builder.finish())


def test_named_operators_drawn_by_chance_end_no_process() -> None:
    named = [operator for operator in OPERATORS if ":" in operator]
    assert len(named) == 28
    drawn = [str(Mutation(operator, "operator", number)) for operator in named for number in range(20)]
    # In a process of its own, which forks.
    command = [sys.executable, "-m", "tests.mutations", "--json", "--verify", "full", "--replay", "/dev/stdin"]
    process = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT, input="\n".join(drawn), timeout=600
    )
    *lines, _ = process.stdout.splitlines()
    assert len(lines) == len(drawn)
    assert not [line for line in lines if " died " in line or " hung " in line]


# Attention of open shapes

OPEN_SHAPES = [(1, 4, 2, 8), (1, 5, 2, 8), (1, 5, 2, 8), (1, 1, 4, 5)]
ODD: dict[str, list[tuple[int, ...]]] = {
    "key": [(2, 4, 2, 8), (1, 5, 2, 8), (2, 5, 2, 8), (1, 1, 4, 5)],
    "value": [(1, 4, 2, 8), (1, 5, 2, 8), (1, 6, 2, 8), (1, 1, 4, 5)],
    "mask": [(1, 4, 2, 8), (1, 5, 2, 8), (1, 5, 2, 8), (1, 1, 4, 1)],
    "query": [(1, 4, 8), (1, 5, 2, 8), (1, 5, 2, 8), (1, 1, 4, 5)],
}


def open_attention(*, composite: bool, signs: bool) -> bytes:
    """Attention over its inputs, or over their signs, which XNNPACK does not compute."""
    builder = GraphBuilder()
    settings = bytes(flexbuffers.Dumps({"scale": 0.5}))
    open_shape: dict[str, Any] = {"shape_signature": [-1] * 4}
    inputs = [builder.tensor(f"x{i}", shape, **open_shape) for i, shape in enumerate(OPEN_SHAPES)]
    operands = inputs
    if signs:
        operands = [builder.tensor(f"sign_{i}", shape, **open_shape) for i, shape in enumerate(OPEN_SHAPES)]
        for x, sign in zip(inputs, operands, strict=True):
            builder.operator(Op.SIGN, [x], [sign])
    y = builder.tensor("y", OPEN_SHAPES[0], **open_shape)
    if composite:
        options = schema.StableHLOCompositeOptionsT()
        options.name, options.decompositionSubgraphIndex, options.version = ATTENTION, 1, 1
        options.compositeAttributes = list(settings)
        builder.operator(Op.STABLEHLO_COMPOSITE, operands, [y], options=options)
    else:
        builder.custom_operator(ATTENTION, operands, [y], options=settings)
    builder.interface(inputs, [y])
    if composite:
        builder.start_subgraph("decomposition")
        inner = [builder.tensor(f"x{i}", shape, **open_shape) for i, shape in enumerate(OPEN_SHAPES)]
        result = builder.tensor("y", OPEN_SHAPES[0], **open_shape)
        builder.operator(Op.NEG, [inner[0]], [result], options=schema.NegOptionsT())
        builder.interface(inner, [result])
    return builder.finish()


def expected_attention(values: list[NDArray[Any]]) -> NDArray[Any]:
    query, key, value, mask = values
    weights = np.exp(np.einsum("bthd,blhd->bhtl", query, key) / 2 + mask)
    return np.einsum("bhtl,blhd->bthd", weights / weights.sum(-1, keepdims=True), value)


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("composite", [False, True])
def test_attention_is_looked_at_after_a_resize(composite: bool, signs: bool) -> None:
    rng = np.random.default_rng(0)

    def check(model: zl.CompiledModel) -> None:
        values = [rng.standard_normal(tensor.shape).astype(np.float32) for tensor in model.inputs.values()]
        operands = [np.sign(one) for one in values] if signs else values
        np.testing.assert_allclose(model(*values), expected_attention(operands), atol=1e-5)

    with zl.load(open_attention(composite=composite, signs=signs), verify="full") as model:
        check(model)
        for operand, shapes in ODD.items():
            with pytest.raises(zl.Error, match=rf"is the {operand} of an attention.*previous shapes are kept"):
                model.resize(dict(zip(model.inputs, shapes, strict=True)), strict=False)
            check(model)
        model.resize(x0=(2, 3, 2, 8), x1=(2, 7, 2, 8), x2=(2, 7, 2, 8), x3=(1, 1, 3, 7))
        check(model)
