"""Shapes without elements or without dimensions, and strings that are set early: what the reference makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.interpreter_pair import InterpreterPair

Shape = Sequence[int]

CHANGES: dict[str, Callable[[list[int]], list[int]]] = {
    "no rows": lambda shape: [0, *shape[1:]],
    "no columns": lambda shape: [*shape[:-1], 0] if shape else [0],
    "a scalar": lambda _: [],
    "one empty dimension": lambda _: [0],
    "one more dimension": lambda shape: [2, *shape],
    "one more empty dimension": lambda shape: [0, *shape],
}
NETWORKS = (
    "dense_2layer",
    "dense_2layer_int8",
    "no_signature",
    "builtin_chain",
    "mixed_chain",
    "passthrough",
    "rank_0",
    "batch_matmul",
    "dynamic_after_dense",
    "two_inputs_three_outputs",
)


def resize_and_run(pair: InterpreterPair, detail: dict[str, Any], shape: Shape) -> None:
    """Every step gives the same with both, an error or an answer."""
    pair.assert_same_call("resize_tensor_input", detail["index"], shape)
    allocated = pair.assert_same_call("allocate_tensors") is None
    pair.assert_same(lambda interpreter: interpreter.get_input_details(), "inputs")
    values = {
        each["index"]: np.ones(each["shape"], np.dtype(each["dtype"])) for each in pair.theirs.get_input_details()
    }
    for index, value in values.items():
        pair.assert_same_call("set_tensor", index, value)
    done = pair.assert_same_call("invoke") is None
    if not (allocated and done):
        return
    for each in pair.theirs.get_output_details():
        pair.assert_same_call("get_tensor", each["index"])
    pair.assert_same(lambda interpreter: interpreter.get_output_details(), "outputs")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_shape_and_back(name: str, change: str) -> None:
    pair = InterpreterPair(zoo.model_path(name))
    pair.assert_same_call("allocate_tensors")
    detail = pair.theirs.get_input_details()[0]
    original = detail["shape"].tolist()
    resize_and_run(pair, detail, CHANGES[change](original))
    resize_and_run(pair, detail, original)


def test_a_signature_of_no_items() -> None:
    pair = InterpreterPair(zoo.model_path("dense_2layer"))
    for rows in (0, 3, 0):
        x = np.ones((rows, 64), np.float32)
        answer = pair.assert_same(lambda i: i.get_signature_runner()(features=x), f"{rows} rows")  # noqa: B023
        assert next(iter(answer.values())).shape == (rows, 10)


def test_nothing_is_quantized_on_the_way() -> None:
    """The reference writes past its memory when a convolution that quantizes its input is given nothing."""
    interpreter = zl.Interpreter(zoo.model_path("small_cnn_dynamic_range"))
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], [0, *detail["shape"][1:]])
    with pytest.raises(RuntimeError, match=r"quantize what they are given"):
        interpreter.allocate_tensors()
    interpreter.resize_tensor_input(detail["index"], [2, *detail["shape"][1:]])
    interpreter.allocate_tensors()
    interpreter.invoke()
    assert interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).shape[0] == 2


@pytest.mark.parametrize("change", CHANGES)
def test_channels_stay_complete(change: str) -> None:
    """The reference reads past the scales of an input that is quantized by channel, and may crash."""
    interpreter = zl.Interpreter(zoo.model_path("per_channel_input"))
    detail = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(detail["index"], CHANGES[change](detail["shape"].tolist()))
    with pytest.raises(RuntimeError, match="quantized by channel"):
        interpreter.allocate_tensors()


# Strings


def test_strings_before_the_allocation() -> None:
    pair = InterpreterPair(zoo.model_path("string_passthrough"))
    detail = pair.theirs.get_input_details()[0]
    words = np.full(detail["shape"], "wörter", object)
    pair.assert_same_call("set_tensor", detail["index"], words)
    pair.assert_same_call("get_tensor", detail["index"])
    pair.assert_same_call("allocate_tensors")
    pair.assert_same_call("get_tensor", detail["index"])
    pair.assert_same_call("invoke")
    pair.assert_same_call("get_tensor", pair.theirs.get_output_details()[0]["index"])
    later = np.full(detail["shape"], b"later", object)
    pair.assert_same_call("set_tensor", detail["index"], later)
    pair.assert_same_call("invoke")
    pair.assert_same_call("get_tensor", pair.theirs.get_output_details()[0]["index"])


def test_strings_after_a_resize() -> None:
    """The reference crashes on this order of calls."""
    interpreter = zl.Interpreter(zoo.model_path("string_passthrough"))
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    words = np.array([b"a", b"", b"c", b"d\0", b"e", b"f"], object)
    assert np.prod(detail["shape"]) == words.size
    words = words.reshape(*detail["shape"], 1)
    interpreter.resize_tensor_input(detail["index"], words.shape)
    interpreter.set_tensor(detail["index"], words)
    with pytest.raises(ValueError, match="shape"):
        interpreter.set_tensor(detail["index"], words[:1])
    interpreter.allocate_tensors()
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert answer.ravel().tolist() == words.ravel().tolist()


def test_strings_are_lost_by_a_resize() -> None:
    """The reference keeps them, with another shape than theirs."""
    interpreter = zl.Interpreter(zoo.model_path("string_passthrough"))
    detail = interpreter.get_input_details()[0]
    interpreter.set_tensor(detail["index"], np.full(detail["shape"], b"x", object))
    interpreter.resize_tensor_input(detail["index"], [5])
    interpreter.allocate_tensors()
    assert interpreter.get_tensor(detail["index"]).tolist() == [b""] * 5


@pytest.mark.parametrize("name", ["string_gather", "string_equal"])
def test_no_strings_at_all(name: str) -> None:
    """The reference's kernels read the strings of the run before, or none at all."""
    interpreter = zl.Interpreter(zoo.model_path(name))
    details = interpreter.get_input_details()
    output = interpreter.get_output_details()[0]["index"]
    for count in (0, 3, 0):
        words = np.full(count, b"w" * 5000, object)
        for each in details:
            interpreter.resize_tensor_input(each["index"], words.shape)
        interpreter.allocate_tensors()
        for each in details:
            is_string = each["dtype"] == np.bytes_
            interpreter.set_tensor(each["index"], words if is_string else np.zeros(count, each["dtype"]))
        interpreter.invoke()
        expected = words if name == "string_gather" else np.ones(count, bool)
        assert interpreter.get_tensor(output).tolist() == expected.tolist()
