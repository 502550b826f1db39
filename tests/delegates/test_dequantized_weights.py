"""`XNNPack(weights="dequantized")`: int8 filters of depthwise convolutions over float32, as float32 and only there."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, edit, quantization
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.operator_model import Depthwise
from tests.support.process_memory import anonymous_bytes, needs_proc
from zerolite.cli import main
from zerolite.delegates.xnnpack import Weights

DEQUANTIZED = zl.XNNPack(weights="dequantized")


def answer(content: bytes, x: NDArray[Any], delegate: zl.XNNPack | None = None) -> NDArray[Any]:
    with zl.load(content, delegates=delegate) as model:
        y = model(x)
        assert isinstance(y, np.ndarray)
        return y


def dequantized_bytes(content: bytes | Path) -> int:
    with zl.load(content, delegates=DEQUANTIZED) as model:
        return model.delegation.dequantized_bytes


@st.composite
def convolutions(draw: st.DrawFn) -> Depthwise:
    sizes = st.integers(1, 9)
    stride = draw(st.integers(1, 2))
    per_channel = draw(st.booleans())
    chosen = Depthwise(
        image=(draw(sizes), draw(sizes), draw(sizes)),
        window=(draw(st.integers(1, 5)), draw(st.integers(1, 5))),
        multiplier=draw(st.sampled_from([1, 1, 4, 5, 8])),
        stride=stride,
        dilation=1 if stride > 1 else draw(st.integers(1, 2)),
        valid=draw(st.booleans()),
        activation=draw(st.integers(0, 3)),
        per_channel=per_channel,
        zero_point=draw(st.sampled_from([0, 0, -3, 17])),
        axis=3 if per_channel else draw(st.integers(0, 3)),
        seed=draw(st.integers(0, 1000)),
    )
    return chosen if min(chosen.output) > 0 else replace(chosen, valid=False)


@given(convolutions())
def test_results_are_those_of_float_weights(convolution: Depthwise) -> None:
    x = convolution.values()
    with zl.load(convolution.model(), delegates=DEQUANTIZED, fallback=False) as model:
        assert model.delegation.operators == {"XNNPACK": {"DEPTHWISE_CONV_2D": 1}}
        assert model.delegation.dequantized_bytes > len(convolution.model())
        assert_same_bits(model(x), answer(convolution.model(as_float=True), x), repr(convolution))


def test_results_are_nearer_to_the_float_model_than_by_default() -> None:
    convolution = Depthwise(image=(16, 16, 8))
    x = convolution.values()
    exact = answer(convolution.model(as_float=True), x)
    assert np.abs(answer(convolution.model(), x) - exact).max() > 1e-4
    assert_same_bits(answer(convolution.model(), x, DEQUANTIZED), exact, "dequantized")
    with zl.load(convolution.model()) as model:
        assert model.delegation.operators == {"builtin": {"DEPTHWISE_CONV_2D": 1}}
        assert model.delegation.dequantized_bytes == 0


def chain(*, as_float: bool) -> bytes:
    """Two depthwise convolutions around one of another kind, with int8 weights each."""
    builder = GraphBuilder()
    first, last = Depthwise(seed=5), Depthwise(seed=6)
    source = builder.tensor("x", (1, *first.image))
    between = first.add_to(builder, source, as_float=as_float, name="first_")
    rng = np.random.default_rng(7)
    parameters = quantization([0.02, 0.01, 0.03], [0, 0, 0])
    points = builder.constant("points", rng.integers(-127, 128, (3, 1, 1, 3)).astype(np.int8), quantized=parameters)
    mixed = builder.tensor("mixed", (1, *first.image))
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    bias = builder.constant("bias", np.zeros(3, np.float32))
    builder.operator(Op.CONV_2D, [between, points, bias], [mixed], options=options, version=5)
    result = last.add_to(builder, mixed, as_float=as_float, name="last_")
    builder.interface([source], [result])
    return builder.finish()


def test_a_graph_becomes_one_partition() -> None:
    x = Depthwise().values()
    with zl.load(chain(as_float=False)) as stored, zl.load(chain(as_float=False), delegates=DEQUANTIZED) as model:
        assert len(stored.delegation.builtin[0].operators) == 2
        assert len(model.delegation.partitions) == 1
        assert model.delegation.complete
        assert f"dequantized weights: {model.delegation.dequantized_bytes:,} bytes" in repr(model.delegation)
        assert model.delegation.to_dict()["dequantized_bytes"] == model.delegation.dequantized_bytes
        assert_same_bits(model(x), answer(chain(as_float=True), x), "the convolution between keeps its weights")


SLOWER = {
    "two outputs for an input": Depthwise(multiplier=2),
    "three outputs for an input": Depthwise(multiplier=3),
    "more than 25 taps": Depthwise(image=(9, 9, 3), window=(7, 7)),
    "no bias": Depthwise(bias=False),
    "an activation that XNNPACK has not": Depthwise(activation=schema.ActivationFunctionType.TANH),
}


@pytest.mark.parametrize("case", SLOWER)
def test_filters_that_gain_nothing_stay_as_stored(case: str) -> None:
    content = SLOWER[case].model()
    assert dequantized_bytes(content) == 0
    x = SLOWER[case].values()
    # The runtime's own kernels have no such activation, and read a bias that is not there (LiteRT 2.3.0).
    if case not in ("an activation that XNNPACK has not", "no bias"):
        assert_same_bits(answer(content, x, DEQUANTIZED), answer(content, x), case)


@pytest.mark.parametrize(
    "name",
    [
        "dense_2layer",
        "dense_2layer_dynamic_range",
        "small_cnn_dynamic_range",
        "small_mobilenet_float16",
        "small_mobilenet_int8",
        "small_mobilenet_int16x8",
        "int4_weights",
        "sparse_weights",
    ],
)
def test_models_without_such_filters_stay_as_stored(name: str) -> None:
    assert dequantized_bytes(zoo.model_path(name)) == 0


def test_float16_weights_are_unpacked_by_xnnpack() -> None:
    with zl.load(zoo.model_path("small_mobilenet_float16")) as model:
        assert model.delegation.complete


def shared(build: Any) -> bytes:
    """A depthwise convolution, whose filter something else uses, too."""
    convolution = Depthwise()
    builder = GraphBuilder()
    source = builder.tensor("x", (1, *convolution.image))
    parameters = quantization(convolution.scales.tolist(), [0] * 3, axis=3)
    filters = builder.constant("filter", convolution.stored, quantized=parameters)
    result = convolution.add_with(builder, source, filters)
    builder.interface([source], [result, build(builder, filters)])
    return builder.finish()


def by_an_operator(builder: GraphBuilder, filters: int) -> int:
    result = builder.tensor("cast", (1, 3, 3, 3))
    builder.operator(Op.CAST, [filters], [result])
    return result


def by_the_caller(builder: GraphBuilder, filters: int) -> int:
    return filters


@pytest.mark.parametrize("user", [by_an_operator, by_the_caller])
def test_filters_that_others_use_stay_as_stored(user: Any) -> None:
    content, x = shared(user), Depthwise().values()
    with zl.load(content) as stored, zl.load(content, delegates=DEQUANTIZED) as model:
        assert model.delegation.dequantized_bytes == 0
        expected, found = stored(x), model(x)
        assert isinstance(expected, dict)
        assert isinstance(found, dict)
        for name, value in expected.items():
            assert_same_bits(found[name], value, name)


def test_two_operators_may_share_a_filter() -> None:
    def model(*, as_float: bool) -> bytes:
        convolution = Depthwise()
        builder = GraphBuilder()
        source = builder.tensor("x", (1, *convolution.image))
        parameters = quantization(convolution.scales.tolist(), [0] * 3, axis=3)
        filters = (
            builder.constant("filter", convolution.dequantized)
            if as_float
            else builder.constant("filter", convolution.stored, quantized=parameters)
        )
        between = convolution.add_with(builder, source, filters, name="first_")
        builder.interface([source], [convolution.add_with(builder, between, filters, name="last_")])
        return builder.finish()

    x = Depthwise().values()
    assert_same_bits(answer(model(as_float=False), x, DEQUANTIZED), answer(model(as_float=True), x), "shared")


def test_a_buffer_that_two_tensors_share_is_there_for_the_other() -> None:
    convolution = Depthwise()

    def separate(model: schema.ModelT) -> None:
        # The operator that reads the filter gets a tensor of its own, over the same buffer.
        graph = model.subgraphs[0]
        twin = copy.copy(graph.tensors[graph.operators[1].inputs[0]])
        twin.name = b"twin"
        graph.tensors.append(twin)
        graph.operators[1].inputs = [len(graph.tensors) - 1]

    content = edit(shared(by_an_operator), separate)
    x = convolution.values()
    with zl.load(content, delegates=DEQUANTIZED) as model:
        found = model(x)
        assert isinstance(found, dict)
        assert model.delegation.dequantized_bytes > 0
        assert_same_bits(found["result"], answer(convolution.model(as_float=True), x), "result")
        assert_same_bits(found["cast"], convolution.stored.astype(np.float32), "the other")


def test_every_subgraph_gets_its_weights() -> None:
    def model(*, as_float: bool) -> bytes:
        builder = GraphBuilder()
        for number, convolution in enumerate([Depthwise(seed=1), Depthwise(seed=2, multiplier=4)]):
            subgraph = builder.start_subgraph("second") if number else 0
            source = builder.tensor("x", (1, *convolution.image))
            result = convolution.add_to(builder, source, as_float=as_float)
            builder.interface([source], [result])
            builder.signature(f"signature_{number}", {"x": source}, {"y": result}, subgraph=subgraph)
        return builder.finish()

    x = Depthwise().values()
    with (
        zl.load(model(as_float=False), delegates=DEQUANTIZED) as found,
        zl.load(model(as_float=True)) as expected,
    ):
        assert list(found.signatures) == list(expected.signatures) == ["signature_0", "signature_1"]
        for key, signature in found.signatures.items():
            assert_same_bits(signature(x), expected.signatures[key](x), key)


def quantization_of_filter(model: schema.ModelT) -> schema.QuantizationParametersT:
    quantizations: Sequence[schema.QuantizationParametersT] = [
        tensor.quantization for tensor in model.subgraphs[0].tensors if tensor.name == b"filter"
    ]
    return quantizations[0]


@pytest.mark.parametrize("scales", [[0.1, 0.2], [0.1] * 9, [float("nan")] * 3, [float("inf")] * 3, [-1.0] * 3])
def test_scales_that_do_not_fit_are_refused_as_ever(scales: list[float]) -> None:
    def change(model: schema.ModelT) -> None:
        quantization_of_filter(model).scale = np.asarray(scales, np.float32)
        quantization_of_filter(model).zeroPoint = np.zeros(len(scales), np.int64)

    content = edit(Depthwise().model(), change)
    for delegate in (None, DEQUANTIZED):
        with pytest.raises(zl.InvalidModelError, match=r"tensor 'filter'.* scale"):
            zl.load(content, delegates=delegate)


@given(position=st.integers(0, len(Depthwise().model()) - 1), value=st.integers(0, 255))
def test_damaged_files_do_no_harm(position: int, value: int) -> None:
    content = bytearray(Depthwise().model())
    content[position] = value
    try:
        with zl.load(bytes(content), delegates=DEQUANTIZED, verify="full") as model:
            model.run()
    except zl.Error:
        pass  # refused in words


def test_the_file_stays_what_it_is(tmp_path: Path) -> None:
    path, convolution = tmp_path / "model.tflite", Depthwise()
    path.write_bytes(convolution.model())
    x = convolution.values()
    expected = answer(convolution.model(as_float=True), x)
    for mapped in (False, True):
        with zl.load(path, delegates=DEQUANTIZED, map=mapped) as model:
            assert_same_bits(model(x), expected, "from the file")
            assert model.mapped == mapped
            again = pickle.loads(pickle.dumps(model))
            twin = copy.copy(model)
            for other in (again, twin):
                assert other.delegation == model.delegation
                assert_same_bits(other(x), expected, "a copy")
                other.close()
        assert path.read_bytes() == convolution.model()


def test_replicas_and_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    convolution = Depthwise()
    x = np.concatenate([replace(convolution, seed=seed).values() for seed in range(5)])
    expected = np.concatenate([answer(convolution.model(as_float=True), one[None]) for one in x])
    with zl.Pool(convolution.model(), workers=2, delegates=DEQUANTIZED) as pool:
        pooled = pool.map(x, chunk=1)
        assert isinstance(pooled, np.ndarray)
        assert_same_bits(pooled, expected, "pool")
    with zl.load(convolution.model(), delegates=DEQUANTIZED, verify="isolated") as model:
        assert_same_bits(model(x[:1]), expected[:1], "isolated")
        assert model.delegation.dequantized_bytes > 0


@needs_proc
def test_replicas_share_the_copy() -> None:
    content = Depthwise(image=(1, 1, 100_000), window=(5, 5)).model()
    count = 8

    def growth(another: Callable[[], zl.CompiledModel]) -> int:
        with contextlib.ExitStack() as stack:
            before = anonymous_bytes()
            for _ in range(count):
                stack.enter_context(another())
            return anonymous_bytes() - before

    with zl.load(content, delegates=DEQUANTIZED) as model:
        copied = model.delegation.dequantized_bytes
        assert copied > 10e6
        # Both pack the weights for themselves; models that are loaded have a copy each besides.
        # In this order, since later ones may go where earlier ones have been.
        replicas = growth(lambda: copy.copy(model))
        assert replicas < growth(lambda: zl.load(content, delegates=DEQUANTIZED)) - 5 * copied


def test_watched_runs_have_the_weights_of_the_model() -> None:
    convolution = Depthwise(image=(16, 16, 8))
    x = convolution.values()
    with zl.load(convolution.model(), delegates=DEQUANTIZED) as model:
        np.testing.assert_allclose(model.trace(x)["result"], model(x), rtol=0, atol=1e-5)
        assert {operator.delegate for operator in model.profile(runs=2).operators} == {"XNNPACK"}


def test_a_weight_cache_belongs_to_the_weights(tmp_path: Path) -> None:
    convolution, path = Depthwise(), tmp_path / "weights"
    x = convolution.values()
    expected = {
        "stored": answer(convolution.model(), x),
        "dequantized": answer(convolution.model(as_float=True), x),
    }
    order: list[Weights] = ["dequantized", "stored", "dequantized", "dequantized"]
    for weights in order:
        delegate = zl.XNNPack(weight_cache=path, weights=weights)
        assert_same_bits(answer(convolution.model(), x, delegate), expected[weights], weights)


def test_what_is_told_and_refused() -> None:
    assert repr(DEQUANTIZED) == "XNNPack(threads=1, kernels='delegate', weights='dequantized')"
    assert DEQUANTIZED.with_threads(2).weights == "dequantized"
    assert zl.XNNPack().weights == "stored"
    with pytest.raises(ValueError, match="weights is 'float', and must be one of 'stored', 'dequantized'"):
        zl.XNNPack(weights="float")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weights are dequantized for XNNPACK, and kernels is 'builtin'"):
        zl.XNNPack(weights="dequantized", kernels="builtin")


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(Depthwise().model())
    arguments = ["info", str(path), "--delegates", "--delegate", "xnnpack-dequantized"]
    assert main(arguments) == 0
    assert "dequantized weights: " in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    delegation = json.loads(capsys.readouterr().out)["delegation"]
    assert delegation["complete"]
    assert delegation["dequantized_bytes"] == dequantized_bytes(path)
