"""The constructor's experimental options have the effects that they have in the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.interpreter_pair import InterpreterPair

pytestmark = pytest.mark.filterwarnings("ignore:.*experimental_preserve_all_tensors:UserWarning:ai_edge_litert")

NETWORKS = ("dense_2layer", "small_cnn", "small_mobilenet_int8", "mixed_chain", "mixed_branches", "gru")


def operators(interpreter: Any) -> list[tuple[str, list[int], list[int]]]:
    """What the plan is made of, the nodes that delegates put in included."""
    interpreter.allocate_tensors()
    return [(op["op_name"], op["inputs"].tolist(), op["outputs"].tolist()) for op in interpreter._get_ops_details()]


def random_inputs(pair: InterpreterPair, name: str) -> list[Any]:
    entry = zoo.load_manifest()[name]
    details = pair.theirs.get_input_details()
    return list(
        zoo.random_inputs(details, np.random.default_rng(3), ranges=entry.input_ranges, choices=entry.input_choices)
    )


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("option", ["disable_delegate_node_fusion", "default_delegate_latest_features"])
def test_plans_and_results(name: str, option: str) -> None:
    pair = InterpreterPair(zoo.model_path(name), **{f"experimental_{option}": True})
    pair.assert_same(operators, "the plan")
    for detail, value in zip(pair.theirs.get_input_details(), random_inputs(pair, name), strict=True):
        pair.assert_same_call("set_tensor", detail["index"], value)
    for _ in range(3):
        pair.assert_same_call("invoke")
        for detail in pair.theirs.get_output_details():
            pair.assert_same_call("get_tensor", detail["index"])


def test_each_operator_becomes_a_node() -> None:
    path = zoo.model_path("dense_2layer")
    fused = [name for name, _, _ in operators(zl.Interpreter(path)) if name == "DELEGATE"]
    single = [
        name
        for name, _, _ in operators(zl.Interpreter(path, experimental_disable_delegate_node_fusion=True))
        if name == "DELEGATE"
    ]
    assert len(fused) == 1 < len(single)


@pytest.mark.parametrize("name", NETWORKS)
def test_preserved_tensors(name: str) -> None:
    """Every tensor that an operator computes, by XNNPACK's kernels where it has them: bit by bit the reference's."""
    pair = InterpreterPair(zoo.model_path(name), experimental_preserve_all_tensors=True)
    plan = pair.assert_same(operators, "the plan")
    for detail, value in zip(pair.theirs.get_input_details(), random_inputs(pair, name), strict=True):
        pair.assert_same_call("set_tensor", detail["index"], value)
    pair.assert_same_call("invoke")
    computed = {index for _, _, outputs in plan for index in outputs}
    assert computed
    for index in computed:
        pair.assert_same_call("get_tensor", index)


def interleaved() -> bytes:
    """A delegated operator, one that is not, and another delegated one that needs neither."""
    graph = GraphBuilder()
    axis = graph.constant("axis", np.array(0, np.int32))
    x = graph.tensor("x", [8])
    first, second, third = (graph.tensor(name, [8]) for name in ("first", "second", "third"))
    graph.operator(Op.NEG, [x], [first], options=schema.NegOptionsT())
    graph.operator(Op.CUMSUM, [first, axis], [second], options=schema.CumsumOptionsT())
    graph.operator(Op.ABS, [x], [third], options=schema.AbsOptionsT())
    graph.interface([x], [second, third])
    return graph.finish()


def test_clustering(tmp_path: Path) -> None:
    path = tmp_path / "interleaved.tflite"
    path.write_bytes(interleaved())
    gathered = InterpreterPair(path).assert_same(operators, "the plan")
    apart = InterpreterPair(path, experimental_disable_delegate_clustering=True).assert_same(operators, "the plan")
    assert gathered != apart
    x = np.arange(8, dtype=np.float32) - 4
    pair = InterpreterPair(path, experimental_disable_delegate_clustering=True)
    pair.assert_same_call("allocate_tensors")
    pair.assert_same_call("set_tensor", pair.theirs.get_input_details()[0]["index"], x)
    pair.assert_same_call("invoke")
    for detail in pair.theirs.get_output_details():
        pair.assert_same_call("get_tensor", detail["index"])


def test_latest_features_choose_xnnpack() -> None:
    """Whatever the resolver, as in the reference."""
    for resolver in zl.OpResolverType:
        interpreter = zl.Interpreter(
            zoo.model_path("dense_2layer"),
            experimental_op_resolver_type=resolver,
            experimental_default_delegate_latest_features=True,
        )
        assert "DELEGATE" in {name for name, _, _ in operators(interpreter)}


@pytest.mark.parametrize("name", ["small_cnn_int8", "per_channel_input", "dense_2layer"])
def test_compressed_zero_points(name: str) -> None:
    pair = InterpreterPair(zoo.model_path(name), experimental_compress_quantization_zero_points=True)
    pair.assert_same_call("get_tensor_details")
    pair.assert_same(lambda i: i.get_signature_runner().get_input_details(), "a signature's inputs")
    assert pair.ours.experimental_compress_quantization_zero_points is True
