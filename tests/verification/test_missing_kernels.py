"""Operators that nothing here runs: loading a model names all of them, and leaves none for the first run."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, edit

SHAPE = [2, 3]


def chain(*names: str) -> bytes:
    """A model of operators after one another; those called NEG are builtin."""
    builder = GraphBuilder()
    _append_chain(builder, names)
    return builder.finish()


def _append_chain(builder: GraphBuilder, names: tuple[str, ...]) -> tuple[int, int]:
    first = last = builder.tensor("x", SHAPE)
    for position, name in enumerate(names):
        result = builder.tensor(f"y{position}", SHAPE)
        if name == "NEG":
            builder.operator(Op.NEG, [last], [result], options=schema.NegOptionsT())
        else:
            builder.custom_operator(name, [last], [result])
        last = result
    builder.interface([first], [last])
    return first, last


def refusal(content: bytes, **settings: Any) -> str:
    with pytest.raises(zl.Error) as caught:
        zl.load(content, **settings)
    assert not isinstance(caught.value, zl.InvalidModelError)
    return str(caught.value)


def test_all_custom_operators_are_named_with_their_counts() -> None:
    message = refusal(chain("First", "NEG", "Second", "First", "FlexErfinv", "FlexCumsum", "First"))
    assert "runs the operators First (3), Second (1), FlexErfinv (1) and FlexCumsum (1);" in message
    assert "FlexErfinv and FlexCumsum are TensorFlow's own (Select TF ops)" in message
    assert "First and Second are custom" in message
    assert "Android" not in message


@pytest.mark.parametrize(
    ("code", "version", "name"), [(Op.NEG, 99, "NEG version 99"), (999, 1, "operator 999 version 1")]
)
def test_builtin_operators_that_the_runtime_does_not_know_are_named_with_custom_ones(
    code: int, version: int, name: str
) -> None:
    def change(model: schema.ModelT) -> None:
        for one in model.operatorCodes:
            if one.builtinCode == Op.NEG:
                one.builtinCode, one.deprecatedBuiltinCode, one.version = code, min(code, 127), version

    content = edit(chain("First", "NEG", "FlexErfinv", "NEG"), change)
    message = refusal(content)
    for part in ("First (1)", f"{name} (2)", "FlexErfinv (1)", f"no kernel for {name}"):
        assert part in message
    with pytest.raises(ValueError, match="First"):
        zl.Interpreter(model_content=content)


def test_operators_of_branches_are_named() -> None:
    builder = GraphBuilder()
    condition, x = builder.tensor("condition", [1], "bool"), builder.tensor("x", SHAPE)
    y = builder.tensor("y", SHAPE)
    options = schema.IfOptionsT()
    options.thenSubgraphIndex, options.elseSubgraphIndex = 1, 2
    builder.operator(Op.IF, [condition, x], [y], options=options)
    builder.interface([condition, x], [y])
    for name, operators in (("then", ("First", "NEG")), ("else", ("Second",))):
        builder.start_subgraph(name)
        _append_chain(builder, operators)
    message = refusal(builder.finish())
    assert "First (1)" in message
    assert "Second (1)" in message


def test_signatures_without_such_operators_run() -> None:
    builder = GraphBuilder()
    x, y = _append_chain(builder, ("NEG",))
    builder.start_subgraph("second")
    other_x, other_y = _append_chain(builder, ("MaxUnpooling2D", "First"))
    builder.signature("works", {"x": x}, {"y": y})
    builder.signature("does_not", {"x": other_x}, {"y": other_y}, subgraph=1)
    with zl.load(builder.finish()) as model:
        values = np.arange(6, dtype=np.float32).reshape(SHAPE)
        np.testing.assert_array_equal(model.signatures["works"](values), -values)
        for _ in range(2):
            with pytest.raises(zl.Error, match=r"operators MaxUnpooling2D \(1\) and First \(1\)"):
                model.signatures["does_not"](values)
        np.testing.assert_array_equal(model.signatures["works"](values), -values)


def test_the_interpreter_names_them_when_it_allocates() -> None:
    interpreter = zl.Interpreter(model_content=chain("First", "MaxUnpooling2D"))
    with pytest.raises(RuntimeError, match=r"First \(1\) and MaxUnpooling2D \(1\)"):
        interpreter.allocate_tensors()


# Operators for which the runtime only has a stand-in

NAME_ONLY = [
    "Convolution2DTransposeBias",
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D",
    "Resampler",
    "custom_call.GroupNorm",
    "custom_call.LayerNorm",
    "custom_call.PixelShuffle",
    "custom_call.RmsNorm",
]


@pytest.mark.parametrize("name", NAME_ONLY)
def test_stand_ins_are_refused_when_a_model_is_loaded(name: str) -> None:
    for verify in ("structure", "full", "isolated"):
        assert f"{name} is known to the runtime by name only" in refusal(chain("NEG", name), verify=verify)


# A value of TensorFlow Lite's TfLitePadding.
PADDING_SAME = 1


def upscaling() -> bytes:
    """A transposed convolution of MediaPipe's, which writes each pixel plus 1 into 2 x 2 of them, and a negation."""
    builder = GraphBuilder()
    x, y, z = (builder.tensor(name, [1, size, size, 1]) for name, size in (("x", 2), ("upscaled", 4), ("negative", 4)))
    weights = builder.constant("weights", np.ones((1, 2, 2, 1), np.float32))
    bias = builder.constant("bias", np.ones(1, np.float32))
    options = struct.pack("<3i", PADDING_SAME, 2, 2)
    builder.custom_operator("Convolution2DTransposeBias", [x, weights, bias], [y], options=options)
    builder.operator(Op.NEG, [y], [z], options=schema.NegOptionsT())
    builder.interface([x], [z])
    return builder.finish()


def test_what_xnnpack_takes_runs_and_is_traced() -> None:
    x = np.arange(1, 5, dtype=np.float32).reshape(1, 2, 2, 1)
    upscaled = x.repeat(2, axis=1).repeat(2, axis=2) + 1
    with zl.load(upscaling(), verify="isolated") as model:
        np.testing.assert_array_equal(model(x), -upscaled)
        trace = model.trace(x)
        np.testing.assert_array_equal(trace["upscaled"], upscaled)
        np.testing.assert_array_equal(trace["negative"], -upscaled)
        assert [tensor.operator for tensor in trace.tensors] == ["Convolution2DTransposeBias", "NEG"]


def test_what_xnnpack_takes_is_refused_on_builtin_kernels_and_the_advice_works() -> None:
    message = refusal(upscaling(), delegates=zl.XNNPack(kernels="builtin"))
    assert "Convolution2DTransposeBias (1)" in message
    assert "XNNPACK (the default kernels)" in message
    zl.load(upscaling(), delegates=zl.XNNPack()).close()


@pytest.mark.parametrize("kernels", ["builtin", "delegate"])
def test_other_forms_are_refused(kernels: Any) -> None:
    builder = GraphBuilder()
    values, indices = builder.tensor("values", [1, 2, 2, 1]), builder.tensor("indices", [1, 2, 2, 1])
    y = builder.tensor("y", [1, 4, 4, 1])
    options = struct.pack("<10i", PADDING_SAME, 2, 2, 2, 2, 0, 0, 0, 0, 0)
    builder.custom_operator("MaxUnpooling2D", [values, indices], [y], options=options)
    builder.interface([values, indices], [y])
    assert "MaxUnpooling2D (1)" in refusal(builder.finish(), delegates=zl.XNNPack(kernels=kernels))


# Parts of models that were compiled for a chip


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("ethos-u", "an Arm Ethos-U NPU"),
        ("edgetpu-custom-op", "a Coral Edge TPU"),
        ("NeutronGraph", "an NXP eIQ Neutron"),
    ],
)
@pytest.mark.parametrize("verify", ["structure", "full", "isolated"])
def test_compiled_parts_are_named_with_their_chip(name: str, chip: str, verify: Any) -> None:
    # As Arm's compiler Vela writes it: the chip's commands, the weights, and memory to work in, which nothing writes.
    builder = GraphBuilder()
    x, y = builder.tensor("x", [1, 8, 8, 3], "int8"), builder.tensor("y", [1, 4], "int8")
    commands, weights = (builder.constant(one, np.arange(64, dtype=np.uint8)) for one in ("commands", "weights"))
    scratch, fast = builder.tensor("scratch", [1024], "uint8"), builder.tensor("scratch_fast", [1024], "uint8")
    builder.custom_operator(name, [commands, weights, scratch, fast, x], [y])
    builder.interface([x], [y])
    message = refusal(builder.finish(), verify=verify)
    assert f"{name} (1)" in message
    assert f"was compiled for {chip}" in message
    assert "download" not in message
