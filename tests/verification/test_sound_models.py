"""Sound models that the runtime refuses for a part that no run needs, or for what it can't do in its usual way."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op, TensorType, edit
from zerolite.cli import main

LEVELS: list[Any] = ["structure", "full", "isolated"]
X = np.arange(6, dtype=np.float32).reshape(2, 3)


def negation(builder: GraphBuilder) -> tuple[int, int]:
    x, y = builder.tensor("x", [2, 3]), builder.tensor("y", [2, 3])
    builder.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    builder.interface([x], [y])
    return x, y


# Operator codes that no operator uses


def with_unused_code(builtin: int, version: int, custom: str | None, *, first: bool = False) -> bytes:
    def change(model: schema.ModelT) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
        code.version, code.customCode = version, custom
        model.operatorCodes.insert(0 if first else len(model.operatorCodes), code)
        if first:
            for operator in model.subgraphs[0].operators:
                operator.opcodeIndex += 1

    builder = GraphBuilder()
    negation(builder)
    return edit(builder.finish(), change)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    ("builtin", "version", "custom"),
    [
        (Op.CUSTOM, 1, "DISPATCH_OP"),
        (Op.CUSTOM, 1, "NobodyKnowsThis"),
        (Op.CUSTOM, 1, "FlexErfinv"),
        (Op.CUSTOM, 1, "MaxUnpooling2D"),
        (Op.CUSTOM, 1, None),
        (Op.NEG, 99, None),
        (Op.ADD, 99, None),
        (Op.CALL, 1, None),
        (999, 1, None),
    ],
)
def test_unused_codes_are_no_reason(builtin: int, version: int, custom: str | None, first: bool) -> None:
    content = with_unused_code(builtin, version, custom, first=first)
    for level in LEVELS[:2]:
        with zl.load(content, verify=level) as model:
            np.testing.assert_array_equal(model(X), -X)
    interpreter = zl.Interpreter(model_content=content)
    interpreter.allocate_tensors()


# Signatures that do not name every input and output of their subgraph


def with_signatures(**named: tuple[dict[str, str], dict[str, str]]) -> bytes:
    """A negation with signatures, which name the tensors x and y."""
    builder = GraphBuilder()
    x, y = negation(builder)
    tensors = {"x": x, "y": y}
    for key, (inputs, outputs) in named.items():
        builder.signature(
            key,
            {name: tensors[tensor] for name, tensor in inputs.items()},
            {name: tensors[tensor] for name, tensor in outputs.items()},
        )
    return builder.finish()


NO_OUTPUTS: tuple[dict[str, str], dict[str, str]] = ({"x": "x"}, {})
NO_INPUTS: tuple[dict[str, str], dict[str, str]] = ({}, {"y": "y"})
COMPLETE = ({"a": "x"}, {"b": "y"})


@pytest.mark.parametrize("incomplete", [NO_OUTPUTS, NO_INPUTS, ({}, {}), ({"x": "x"}, {"y": "y", "again": "y"})])
@pytest.mark.parametrize("level", LEVELS)
def test_incomplete_signatures_run(incomplete: tuple[dict[str, str], dict[str, str]], level: Any) -> None:
    for keys in (("before",), ("after",), ("before", "after")):
        signatures = {"before": incomplete} if "before" in keys else {}
        signatures["complete"] = COMPLETE
        signatures["second"] = COMPLETE
        if "after" in keys:
            signatures["after"] = incomplete
        with zl.load(with_signatures(**signatures), verify=level) as model:
            assert set(model.signatures) == {"complete", "second", *keys}
            for key, signature in model.signatures.items():
                answer = signature({"x" if key in keys else "a": X})
                for values in answer.values() if isinstance(answer, dict) else [answer]:
                    np.testing.assert_array_equal(values, -X)


@pytest.mark.parametrize("incomplete", [NO_OUTPUTS, NO_INPUTS])
def test_without_another_signature_tensors_have_their_own_names(
    incomplete: tuple[dict[str, str], dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(with_signatures(serving_default=incomplete))
    with zl.load(path) as model:
        assert (list(model.inputs), list(model.outputs)) == (["x"], ["y"])
        np.testing.assert_array_equal(model(X), -X)
        np.testing.assert_array_equal(model.map(X), -X)
    with zl.Pool(path, workers=2) as pool:
        np.testing.assert_array_equal(pool.submit(X).result(), -X)
    assert main(["info", str(path)]) == 0
    assert "can't be run" not in capsys.readouterr().out


def test_the_interpreter_takes_incomplete_signatures_by_index() -> None:
    answers = []
    for kind in (zl.Interpreter, Interpreter):
        interpreter = kind(model_content=with_signatures(first=NO_OUTPUTS, second=COMPLETE))
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], X)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], -X)


def sum_and_difference(signatures: Mapping[str, tuple[list[str], list[str]]], *, subgraph: int = 0) -> bytes:
    """Signatures of one subgraph, each of which names some of the tensors left, right, sum and difference."""
    builder = GraphBuilder()
    if subgraph:
        negation(builder)
        builder.start_subgraph("second")
    tensors = {name: builder.tensor(name, [1, 3], shape_signature=[-1, 3]) for name in ("left", "right")}
    for name, operation, options in (
        ("sum", Op.ADD, schema.AddOptionsT()),
        ("difference", Op.SUB, schema.SubOptionsT()),
    ):
        tensors[name] = builder.tensor(name, [1, 3], shape_signature=[-1, 3])
        builder.operator(operation, [tensors["left"], tensors["right"]], [tensors[name]], options=options)
    builder.interface([tensors["left"], tensors["right"]], [tensors["sum"], tensors["difference"]])
    for key, (inputs, outputs) in signatures.items():
        builder.signature(
            key,
            {f"my_{name}": tensors[name] for name in inputs},
            {f"my_{name}": tensors[name] for name in outputs},
            subgraph=subgraph,
        )
    return builder.finish()


ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)
ALL_FOUR = (["left", "right"], ["sum", "difference"])


@pytest.mark.parametrize("others", [{}, {"other": ALL_FOUR}])
@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
def test_outputs_that_a_signature_does_not_name(others: dict[str, tuple[list[str], list[str]]], kernels: Any) -> None:
    """They are computed and not returned, as with tf.lite's signature runners."""
    content = sum_and_difference({"serving_default": (["left", "right"], ["difference"]), **others})
    with zl.load(content, delegates=zl.XNNPack(kernels=kernels)) as model:
        assert (list(model.inputs), list(model.outputs)) == (["my_left", "my_right"], ["my_difference"])
        for rows in (1, 2, 1):
            model.resize(my_left=(rows, 3), my_right=(rows, 3))
            for _ in range(3):
                np.testing.assert_array_equal(model(ROWS[:rows], 2 * ROWS[:rows]), -ROWS[:rows])
        for key in others:
            np.testing.assert_array_equal(model.signatures[key](ROWS[:1], ROWS[:1])["my_sum"], 2 * ROWS[:1])
        np.testing.assert_array_equal(model(my_left=ROWS[:1], my_right=ROWS[:1]), 0 * ROWS[:1])
        np.testing.assert_array_equal(model.map([ROWS, 2 * ROWS]), -ROWS)
    runners = [
        kind(model_content=content).get_signature_runner("serving_default") for kind in (zl.Interpreter, Interpreter)
    ]
    answers = [runner(my_left=ROWS, my_right=3 * ROWS) for runner in runners]
    for answer in answers:
        assert list(answer) == ["my_difference"]
        np.testing.assert_array_equal(answer["my_difference"], -2 * ROWS)


@pytest.mark.parametrize("others", [{}, {"other": ALL_FOUR}])
def test_inputs_that_a_signature_does_not_name_go_by_their_own_names(
    others: dict[str, tuple[list[str], list[str]]],
) -> None:
    """With tf.lite's signature runners they keep what is in their memory."""
    content = sum_and_difference({"serving_default": (["right"], ["difference"]), **others})
    with zl.load(content, verify="isolated") as model:
        assert (list(model.inputs), list(model.outputs)) == (["left", "my_right"], ["my_difference"])
        np.testing.assert_array_equal(model(left=ROWS[:1], my_right=3 * ROWS[:1]), -2 * ROWS[:1])
        with pytest.raises(TypeError, match="left"):
            model(my_right=ROWS[:1])
        copies = [pickle.loads(pickle.dumps(model)), copy.copy(model)]
        for other in copies:
            assert list(other.signatures) == list(model.signatures)
            np.testing.assert_array_equal(other(left=ROWS[:1], my_right=3 * ROWS[:1]), -2 * ROWS[:1])
    with zl.Pool(content, workers=2) as pool:
        np.testing.assert_array_equal(pool.submit(left=ROWS[:1], my_right=ROWS[:1]).result(), 0 * ROWS[:1])
    for kind in (zl.Interpreter, Interpreter):
        interpreter = kind(model_content=content)
        interpreter.allocate_tensors()
        assert interpreter.get_signature_list()["serving_default"] == {
            "inputs": ["my_right"],
            "outputs": ["my_difference"],
        }


def test_a_signature_that_nothing_can_run_is_left_out_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runtime runs subgraphs for its signatures alone, and refuses a file with one that leaves a tensor out."""
    path = tmp_path / "model.tflite"
    path.write_bytes(sum_and_difference({"second": (["right"], ["difference"])}, subgraph=1))
    reason = "does not name the input 'left' of its subgraph 1"
    with pytest.warns(UserWarning, match=f"signature 'second' is left out, since it {reason}") as told:
        model = zl.load(path)
    assert [Path(warning.filename) for warning in told] == [Path(__file__)]
    with model:
        assert list(model.signatures) == ["<placeholder signature>"]
        assert model.signatures.get("second") is None
        np.testing.assert_array_equal(model(X), -X)
        with pytest.raises(KeyError, match=reason):
            model.signatures["second"]
        with pytest.raises(KeyError, match="third"):
            model.signatures["third"]
    with pytest.warns(UserWarning, match=reason):
        interpreter = zl.Interpreter(str(path))
    with pytest.raises(ValueError, match=reason):
        interpreter.get_signature_runner("second")
    assert main(["info", str(path)]) == 0
    assert f"signature second can't be used: it {reason}" in " ".join(capsys.readouterr().out.split())
    assert main(["info", str(path), "--json"]) == 0
    assert reason in json.loads(capsys.readouterr().out)["unusable_signatures"]["second"]


def test_a_signature_of_a_second_subgraph_needs_another_one_of_it() -> None:
    content = sum_and_difference({"second": (["right"], ["difference"]), "third": ALL_FOUR}, subgraph=1)
    with zl.load(content) as model:
        second = model.signatures["second"]
        np.testing.assert_array_equal(second(left=ROWS[:1], my_right=3 * ROWS[:1]), -2 * ROWS[:1])


# Strings that pass through


def string_passthrough(outputs: int) -> bytes:
    builder = GraphBuilder()
    text = builder.tensor("text", [2], TensorType.STRING, shape_signature=[-1])
    x, y = builder.tensor("x", [2, 3]), builder.tensor("y", [2, 3])
    builder.operator(Op.NEG, [x], [y], options=schema.NegOptionsT())
    builder.interface([text, x], [*[text] * outputs, y])
    return builder.finish()


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
def test_an_output_of_strings_may_be_the_input_itself(outputs: int, kernels: Any) -> None:
    content = string_passthrough(outputs)
    with zl.load(content, verify="isolated", delegates=zl.XNNPack(kernels=kernels)) as model:
        for words in (["ab", "cdef"], ["", ""], ["x" * 10_000, "y"], ["z", ""]):
            answer = model(text=np.array(words, object), x=X)
            for output in list(model.outputs)[:-1]:
                assert answer[output].tolist() == [word.encode() for word in words]
            np.testing.assert_array_equal(answer["y"], -X)
        model.resize(text=(3,))
        answer = model(text=np.array(["1", "22", "333"], object), x=X)
        assert answer[next(iter(model.outputs))].tolist() == [b"1", b"22", b"333"]
    interpreter = zl.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    text, x = (details["index"] for details in interpreter.get_input_details())
    interpreter.set_tensor(text, np.array(["one", "two"], object))
    interpreter.set_tensor(x, X)
    interpreter.invoke()
    assert interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tolist() == [b"one", b"two"]


# Inputs without names


def sum_of_unnamed(count: int, name: str | None) -> bytes:
    builder = GraphBuilder()
    inputs = [builder.tensor(name, [1, 3], shape_signature=[-1, 3]) for _ in range(count)]
    total = inputs[0]
    for place, one in enumerate(inputs[1:]):
        result = builder.tensor(f"sum_{place}", [1, 3], shape_signature=[-1, 3])
        builder.operator(Op.ADD, [total, one], [result], options=schema.AddOptionsT())
        total = result
    builder.interface(inputs, [total])
    return builder.finish()


@pytest.mark.parametrize("name", [None, ""])
@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
def test_inputs_without_names_are_resized(name: str | None, kernels: Any) -> None:
    with zl.load(sum_of_unnamed(3, name), delegates=zl.XNNPack(kernels=kernels)) as model:
        names = list(model.inputs)
        for rows in ([4, 4, 4], [2, 2, 2], [1, 5, 1], [5, 1, 1], [1, 1, 6], [1, 1, 1]):
            model.resize({one: (count, 3) for one, count in zip(names, rows, strict=True)})
            values = [np.full((count, 3), 10.0**place, np.float32) for place, count in enumerate(rows)]
            for _ in range(3):
                answer = model(**dict(zip(names, values, strict=True)))
                np.testing.assert_array_equal(answer, values[0] + values[1] + values[2])


def test_the_interpreter_resizes_inputs_without_names() -> None:
    interpreter = zl.Interpreter(model_content=sum_of_unnamed(2, None))
    indices = [details["index"] for details in interpreter.get_input_details()]
    for index in indices:
        interpreter.resize_tensor_input(index, [4, 3])
    interpreter.allocate_tensors()
    for place, index in enumerate(indices):
        interpreter.set_tensor(index, np.full((4, 3), place + 1, np.float32))
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(answer, np.full((4, 3), 3, np.float32))
