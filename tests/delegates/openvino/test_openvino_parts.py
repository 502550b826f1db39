"""Graphs that OpenVINO does not take whole: the parts that it gets, what comes out, and what a model can do with it."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers.flexbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import zerolite as zl
from tests.delegates.operator_cases import options, sums_overflow_here
from tests.models.generate.graph_builder import GraphBuilder, Op

pytest.importorskip("openvino", reason="needs the extra openvino")

ROWS, WIDTH = 64, 320  # a layer has 6.5 million multiplications
STEP = 0.05  # of quantized tensors
X = np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype(np.float32)


def half_of(x: NDArray[Any]) -> NDArray[Any]:
    return x / np.float32(2)


def same_shape(x: tuple[int, ...]) -> tuple[int, ...]:
    return x


halve = zl.custom_op("Halve")(half_of, shapes=same_shape)


class Network:
    """A model of dense layers with other operators between."""

    def __init__(self, *, rows: int = ROWS, width: int = WIDTH, half: bool = False) -> None:
        self.builder = GraphBuilder()
        self.rng = np.random.default_rng(2)
        self.rows, self.width, self.half = rows, width, half

    def tensor(self, name: str, dtype: str = "float32") -> int:
        return self.builder.tensor(name, (self.rows, self.width), dtype, shape_signature=(-1, self.width))

    def dense(self, x: int) -> int:
        values = self.rng.normal(size=(self.width, self.width)).astype(np.float32) / np.float32(self.width**0.5)
        if self.half:
            stored = self.builder.constant("stored", values.astype(np.float16))
            weights = self.builder.tensor("weights", values.shape)
            self.builder.operator(Op.DEQUANTIZE, [stored], [weights], options=options("Dequantize"))
        else:
            weights = self.builder.constant("weights", values)
        y = self.tensor("dense")
        self.builder.operator(Op.FULLY_CONNECTED, [x, weights, -1], [y], options=options("FullyConnected"))
        return y

    def relu(self, x: int) -> int:
        y = self.tensor("relu")
        self.builder.operator(Op.RELU, [x], [y])
        return y

    def halve(self, x: int) -> int:
        y = self.tensor("halve")
        self.builder.custom_operator("Halve", [x], [y])
        return y

    def clamp(self, x: int) -> int:
        """For which OpenVINO has nothing, and XNNPACK has."""
        y = self.tensor("clamp")
        self.builder.operator(Op.RELU_N1_TO_1, [x], [y])
        return y

    @classmethod
    def of(cls, *kinds: str, **arguments: Any) -> bytes:
        network = cls(**arguments)
        first = last = network.tensor("x")
        for kind in kinds:
            last = getattr(network, kind)(last)
        network.builder.interface([first], [last])
        network.builder.signature("serving_default", {"x": first}, {"y": last})
        return network.builder.finish()


def places(model: zl.CompiledModel) -> dict[int, str]:
    """Who runs each operator of the first subgraph."""
    delegation = model.delegation
    parts = [part for part in (*delegation.partitions, *delegation.builtin) if part.subgraph == 0]
    return {index: part.delegate for part in parts for index in part.indices}


def assert_near(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5 * max(1, float(np.abs(expected).max(initial=0))))


def pair(content: bytes, **arguments: Any) -> tuple[zl.CompiledModel, zl.CompiledModel]:
    arguments["custom_ops"] = halve if b"Halve" in content else None
    plain = zl.load(content, delegates=zl.XNNPack(kernels="builtin"), custom_ops=arguments["custom_ops"])
    return plain, zl.load(content, delegates=zl.OpenVino(), **arguments)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["dense", "relu", "halve"], ["OpenVINO", "OpenVINO", "builtin"]),
        (["halve", "relu", "dense"], ["builtin", "OpenVINO", "OpenVINO"]),
        (["dense", "halve", "dense"], ["OpenVINO", "builtin", "OpenVINO"]),
        (["dense", "clamp", "dense"], ["OpenVINO", "XNNPACK", "OpenVINO"]),
    ],
)
@pytest.mark.parametrize("half", [False, True])
def test_operators_that_it_does_not_get(kinds: Sequence[str], expected: Sequence[str], half: bool) -> None:
    plain, model = pair(Network.of(*kinds, half=half))
    with plain, model:
        where = list(places(model).items())
        if not half:
            assert [delegate for _, delegate in sorted(where)] == expected
        else:
            assert set(expected) <= {delegate for _, delegate in where}
        assert not model.delegation.unused
        for scale in (1, 30, 1):  # through the runtime, and directly
            assert_near(model(X * np.float32(scale)), plain(X * np.float32(scale)))
        assert model.dispatch == "direct"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["dense", "relu", "halve", "clamp"]), min_size=1, max_size=9), st.booleans())
def test_any_order_of_operators(kinds: list[str], half: bool) -> None:
    plain, model = pair(Network.of(*kinds, half=half))
    with plain, model:
        for _ in range(2):
            assert_near(model(X), plain(X))


def test_without_fallback_what_is_left_needs_another_delegate() -> None:
    with zl.load(Network.of("dense", "halve"), custom_ops=halve, delegates=zl.OpenVino(), fallback=False) as model:
        assert set(model.delegation.operators) == {"OpenVINO", "builtin"}  # the kernel that was given
    with pytest.raises(zl.DelegateError, match="no delegate takes the operators RELU_N1_TO_1"):
        zl.load(Network.of("dense", "clamp"), delegates=zl.OpenVino(), fallback=False)


def test_what_is_too_small_for_a_part() -> None:
    with zl.load(Network.of("dense", "halve", rows=2, width=16), custom_ops=halve, delegates=zl.OpenVino()) as model:
        assert "OpenVINO" not in model.delegation.operators
        [unused] = model.delegation.unused
    assert unused.delegate == "OpenVINO"
    with pytest.raises(zl.DelegateError, match="fallback=False"):
        zl.load(
            Network.of("dense", "halve", rows=2, width=16), custom_ops=halve, delegates=zl.OpenVino(), fallback=False
        )


def test_no_more_parts_than_are_worth_it() -> None:
    plain, model = pair(Network.of(*["dense", "halve"] * 10))
    with plain, model:
        assert sum(part.delegate == "OpenVINO" for part in model.delegation.partitions) == 8
        assert_near(model(X), plain(X))


def test_what_another_delegate_leaves() -> None:
    """XNNPACK first, with the operators that it takes by itself left out."""
    content = Network.of("dense", "halve", "dense")
    with zl.load(content, custom_ops=halve, delegates=[zl.XNNPack(), zl.OpenVino()]) as model:
        assert "OpenVINO" not in model.delegation.operators
        [unused] = model.delegation.unused
    assert unused.reason.startswith("delegates before it have taken parts of the graph")


def test_shapes_forth_and_back() -> None:
    plain, model = pair(Network.of("dense", "halve", "dense"))
    with plain, model:
        for rows in (ROWS, 3, 100, 1, 3, ROWS):
            plain.resize({"x": (rows, WIDTH)})
            model.resize({"x": (rows, WIDTH)})
            x = np.resize(X, (rows, WIDTH))
            for _ in range(2):
                assert_near(model(x), plain(x))


def test_batches_and_replicas() -> None:
    content = Network.of("dense", "clamp", "dense")
    batch = np.random.default_rng(3).normal(size=(3 * ROWS, WIDTH)).astype(np.float32)
    with zl.load(content) as plain, zl.load(content, delegates=zl.OpenVino()) as model:
        assert_near(model.map(batch), plain.map(batch))
    with zl.load(content) as plain, zl.Pool(content, workers=2, delegates=zl.OpenVino()) as pool:
        assert_near(pool.map(batch), plain.map(batch))


def test_a_profile_shows_each_part() -> None:
    with zl.load(Network.of("dense", "halve", "dense"), custom_ops=halve, delegates=zl.OpenVino()) as model:
        profile = model.profile(runs=2)
    places = [place for place, _ in itertools.groupby(operator.delegate for operator in profile.operators)]
    assert places == ["OpenVINO", "builtin", "OpenVINO"]


def test_several_signatures() -> None:
    network = Network()
    x = network.tensor("x")
    y = network.dense(network.halve(network.dense(x)))
    network.builder.interface([x], [y])
    network.builder.start_subgraph("second")
    v = network.tensor("v")
    w = network.halve(network.dense(v))
    network.builder.interface([v], [w])
    network.builder.signature("first", {"x": x}, {"y": y})
    network.builder.signature("second", {"v": v}, {"w": w}, subgraph=1)
    plain, model = pair(network.builder.finish())
    with plain, model:
        parts = [part.subgraph for part in model.delegation.partitions if part.delegate == "OpenVINO"]
        assert parts == [0, 0, 1]
        assert_near(model.signatures["first"](X), plain.signatures["first"](X))
        assert_near(model.signatures["second"](X), plain.signatures["second"](X))


def test_parts_are_cached(tmp_path: Path) -> None:
    content = Network.of("dense", "halve", "dense")
    answers = []
    for _ in range(2):
        with zl.load(content, custom_ops=halve, delegates=zl.OpenVino(cache=tmp_path)) as model:
            answers.append(model(X))
        assert len(list(tmp_path.glob("*.sealed"))) == 2
    np.testing.assert_array_equal(*answers)


def test_a_copy_and_an_isolated_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    content = Network.of("dense", "clamp", "dense")
    with zl.load(content, delegates=zl.OpenVino(), verify="isolated") as model:
        expected = model(X)
        assert set(model.delegation.operators) == {"OpenVINO", "XNNPACK"}
        with pickle.loads(pickle.dumps(model)) as copy:
            np.testing.assert_array_equal(copy(X), expected)


def detector() -> bytes:
    """Convolutions, boxes and scores of 64 anchors, and TFLite_Detection_PostProcess."""
    builder = GraphBuilder()
    rng = np.random.default_rng(4)

    def convolution(x: int, inputs: int, outputs: int, stride: int, size: int) -> int:
        filters = rng.normal(size=(outputs, 3, 3, inputs)).astype(np.float32) / np.float32((9 * inputs) ** 0.5)
        y = builder.tensor("y", (1, size, size, outputs))
        operands = [x, builder.constant("filters", filters), builder.constant("bias", np.zeros(outputs, np.float32))]
        builder.operator(Op.CONV_2D, operands, [y], options=options("Conv2D", strideH=stride, strideW=stride))
        return y

    def flat(x: int, shape: Sequence[int]) -> int:
        y = builder.tensor("flat", shape)
        builder.operator(Op.RESHAPE, [x, builder.constant("shape", np.array(shape, np.int32))], [y])
        return y

    image = builder.tensor("image", (1, 32, 32, 3))
    features = convolution(convolution(image, 3, 64, 2, 16), 64, 64, 2, 8)
    boxes = flat(convolution(features, 64, 4, 1, 8), (1, 64, 4))
    raw = flat(convolution(features, 64, 5, 1, 8), (1, 64, 5))
    scores = builder.tensor("scores", (1, 64, 5))
    builder.operator(Op.LOGISTIC, [raw], [scores])
    grid = (np.indices((8, 8)).reshape(2, -1).T + 0.5) / 8
    anchors = np.concatenate([grid, np.full((64, 2), 0.2)], 1).astype(np.float32)
    results = [
        builder.tensor(name, shape)
        for name, shape in [("boxes", (1, 10, 4)), ("classes", (1, 10)), ("best", (1, 10)), ("count", (1,))]
    ]
    chosen = {
        "max_detections": 10,
        "max_classes_per_detection": 1,
        "detections_per_class": 100,
        "use_regular_nms": False,
        "nms_score_threshold": 0.1,
        "nms_iou_threshold": 0.5,
        "num_classes": 4,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
    }
    encoded = bytes(flatbuffers.flexbuffers.Dumps(chosen))
    builder.custom_operator(
        "TFLite_Detection_PostProcess", [boxes, scores, builder.constant("anchors", anchors)], results, options=encoded
    )
    builder.interface([image], results)
    return builder.finish()


def test_detections_after_a_network() -> None:
    content = detector()
    image = np.random.default_rng(5).normal(size=(1, 32, 32, 3)).astype(np.float32)
    with zl.load(content) as plain, zl.load(content, delegates=zl.OpenVino()) as model:
        assert sorted(places(model).items())[-1][1] == "builtin"
        assert list(places(model).values()).count("OpenVINO") == len(places(model)) - 1
        expected, actual = plain(image), model(image)
        assert expected["count"] > 0
        for name, values in expected.items():
            np.testing.assert_allclose(actual[name], values, atol=1e-4)


def quantized(*layers: str) -> bytes:
    """Layers of int8 numbers between floats."""
    builder = GraphBuilder()
    rng = np.random.default_rng(6)

    def scaled(scale: float, zero_point: int = 0) -> schema.QuantizationParametersT:
        parameters = schema.QuantizationParametersT()
        parameters.scale, parameters.zeroPoint = [scale], [zero_point]
        return parameters

    def tensor(scale: float, zero_point: int) -> int:
        return builder.tensor("quantized", (ROWS, WIDTH), "int8", quantized=scaled(scale, zero_point))

    x, last, scale = builder.tensor("x", (ROWS, WIDTH)), tensor(0.03, 3), 0.03
    builder.operator(Op.QUANTIZE, [x], [last], options=options("Quantize"))
    for layer in layers:
        result = tensor(STEP, -2)
        if layer == "halve":
            builder.custom_operator("Halve", [last], [result])
        else:
            weights = rng.integers(-127, 127, (WIDTH, WIDTH)).astype(np.int8)
            operands = [
                last,
                builder.constant("weights", weights, quantized=scaled(0.001)),
                builder.constant("bias", np.zeros(WIDTH, np.int32), quantized=scaled(scale * 0.001)),
            ]
            builder.operator(Op.FULLY_CONNECTED, operands, [result], options=options("FullyConnected"), version=4)
        last, scale = result, STEP
    y = builder.tensor("y", (ROWS, WIDTH))
    builder.operator(Op.DEQUANTIZE, [last], [y], options=options("Dequantize"), version=2)
    builder.interface([x], [y])
    return builder.finish()


def test_parts_of_a_quantized_graph() -> None:
    content = quantized("dense", "halve", "dense")
    same = zl.custom_op("Halve")(lambda x: x, shapes=same_shape)
    with (
        zl.load(content, custom_ops=same) as plain,
        zl.load(content, custom_ops=same, delegates=zl.OpenVino()) as model,
    ):
        taken = sum(part.delegate == "OpenVINO" for part in model.delegation.partitions)
        assert taken == (0 if sums_overflow_here() else 2)
        steps = np.abs(model(X) - plain(X)) / STEP
    assert steps.max() < 3.5
    assert (steps > 0.5).mean() < 0.01
