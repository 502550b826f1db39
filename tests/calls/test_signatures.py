"""Signatures: their keys, their order, which is the default, and how two share a subgraph."""

from __future__ import annotations

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.reference_model import PLACEHOLDER, ReferenceModel

LEFT = np.array([[1, 2, 3, 4]], np.float32)
RIGHT = np.array([[10, 20, 30, 40]], np.float32)


def test_keys_in_the_models_order() -> None:
    for entry in zoo.models():
        with zl.load(entry.path) as model:
            assert list(model.signatures) == ReferenceModel(entry.path).keys
            for key, signature in model.signatures.items():
                assert signature.key == key


@pytest.mark.parametrize("entry", zoo.models("no_signature"), ids=str)
def test_placeholder_signature(entry: zoo.ModelEntry) -> None:
    with zl.load(entry.path) as model:
        assert list(model.signatures) == [PLACEHOLDER]
        assert model.key == PLACEHOLDER
        signature = model.signatures[PLACEHOLDER]
        assert list(signature.inputs) == list(model.inputs)
        for tensors in (model.inputs, model.outputs):
            assert all(tensors)  # no empty name
            assert len(set(tensors)) == len(tensors)


def test_names_without_a_signature_are_the_tensors() -> None:
    details = zoo.reference_interpreter(zoo.model_path("no_signature_two_inputs")).get_input_details()
    with zl.load(zoo.model_path("no_signature_two_inputs")) as model:
        assert list(model.inputs) == [detail["name"] for detail in details]


def test_duplicate_names_are_told_apart() -> None:
    with zl.load(zoo.model_path("names_duplicate")) as model:
        first, second = model.inputs
        assert second == f"{first}_1"
        inputs = {first: np.array([1, 2], np.float32), second: np.array([1, 2, 3], np.float32)}
        expected = zoo.reference_run(zoo.model_path("names_duplicate"), list(inputs.values()))
        for actual, array in zip(model(inputs).values(), expected, strict=True):
            assert_same_bits(actual, array)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("multi_signature_with_default", "serving_default"),  # which is not the first
        ("multi_signature", "decode"),
        ("two_signatures_one_subgraph", "first"),
        ("names_unicode_signature", "schlüssel 'x'"),
        ("names_empty_signature", ""),
        ("dense_2layer", "serving_default"),
    ],
)
def test_default_signature(name: str, key: str) -> None:
    with zl.load(zoo.model_path(name)) as model:
        assert model.key == key
        assert list(model.inputs) == list(model.signatures[key].inputs)
        assert list(model.outputs) == list(model.signatures[key].outputs)


def test_keys_that_are_no_text() -> None:
    """The file says UTF-8, and nobody makes sure of it."""
    content = zoo.model_path("dense_2layer").read_bytes()
    assert content.count(b"serving_default\0") == 1
    with zl.load(content.replace(b"serving_default\0", b"serving_\xff\xfefault\0")) as model:
        (key,) = model.signatures
        assert key == model.key == "serving_\ufffd\ufffdfault"
        assert model.signatures[key].inputs.keys() == model.inputs.keys()


def test_model_and_default_signature_are_the_same_tensors() -> None:
    with zl.load(zoo.model_path("multi_signature_with_default")) as model:
        signature = model.signatures["serving_default"]
        assert np.shares_memory(model.inputs[0].array, signature.inputs[0].array)
        model.resize(x=(3, 4))
        assert signature.inputs[0].shape == (3, 4)
        assert signature(np.ones((3, 4), np.float32)).shape == model(np.ones((3, 4), np.float32)).shape


def test_signatures_are_a_mapping_that_can_not_be_changed() -> None:
    with zl.load(zoo.model_path("multi_signature")) as model:
        assert model.signatures is model.signatures
        assert len(model.signatures) == 3
        with pytest.raises(KeyError):
            model.signatures["serving_default"]
        with pytest.raises(TypeError):
            model.signatures["new"] = model.signatures["mean"]  # type: ignore[index]


def test_positions_follow_the_subgraph() -> None:
    """As in the reference's input details; the names in a signature have no order of their own."""
    path = zoo.model_path("signature_order_differs")
    inputs = [np.ones((1, 4), np.float32), np.ones((1, 2), np.float32)]
    with zl.load(path) as model:
        shapes = [tuple(detail["shape"]) for detail in zoo.reference_interpreter(path).get_input_details()]
        assert [tensor.shape for tensor in model.inputs.values()] == shapes
        by_name = zoo.reference_run(path, dict(zip(model.inputs, inputs, strict=True)))
        answer = model(*inputs)
        for name, array in by_name.items():
            assert_same_bits(answer[name], array, name)
        assert list(answer) == list(model.outputs)


def test_tensors_by_name_and_by_position() -> None:
    with zl.load(zoo.model_path("two_inputs_three_outputs")) as model:
        assert [model.inputs[index].name for index in range(2)] == list(model.inputs)
        assert model.inputs[-1].name == list(model.inputs)[-1]
        assert model.outputs["sum"].name == "sum"
        assert "sum" in model.outputs
        assert "sum" not in model.inputs
        assert len(model.outputs) == 3
        assert not model.outputs[0].is_input
        assert model.inputs[0].is_input
        with pytest.raises(KeyError, match=r"no input 'sum'.*'left', 'right'"):
            model.inputs["sum"]
        with pytest.raises(IndexError, match=r"no output 3.*has 3"):
            model.outputs[3]
        with pytest.raises(TypeError):
            model.inputs[1.0]  # type: ignore[index]
        for thing in (model, model.signatures["serving_default"], model.inputs):
            assert "'left', float32, shape=(1, 4)" in repr(thing)


# Two signatures over one subgraph, and so over the same tensors


@pytest.fixture
def shared() -> zl.CompiledModel:
    return zl.load(zoo.model_path("two_signatures_one_subgraph"))


def test_turns(shared: zl.CompiledModel) -> None:
    first, second = shared.signatures.values()
    for factor in range(1, 6):
        np.testing.assert_array_equal(first(x=LEFT * factor, y=RIGHT), LEFT * factor + RIGHT)
        np.testing.assert_array_equal(second(left=LEFT, right=RIGHT * factor), LEFT + RIGHT * factor)
        np.testing.assert_array_equal(second(left=RIGHT, right=RIGHT), RIGHT + RIGHT)


def test_views_of_each_go_on_working(shared: zl.CompiledModel) -> None:
    first, second = shared.signatures.values()
    views = {
        signature: [*(tensor.array for tensor in signature.inputs.values()), signature.outputs[0].array]
        for signature in (first, second)
    }
    for factor in range(1, 4):
        for signature, other in ((first, second), (second, first), (first, second)):
            left, right, total = views[signature]
            left[...], right[...] = LEFT * factor, RIGHT
            signature.run()
            np.testing.assert_array_equal(total, LEFT * factor + RIGHT)
            assert np.shares_memory(total, signature.outputs[0].array)
            other.run()


def test_binding_of_one_does_not_reach_the_other(shared: zl.CompiledModel) -> None:
    first, second = shared.signatures.values()
    mine = zl.empty((1, 4))
    mine[...] = LEFT
    first.bind(x=mine)
    for _ in range(3):
        np.testing.assert_array_equal(second(left=RIGHT, right=RIGHT), RIGHT + RIGHT)
        np.testing.assert_array_equal(mine, LEFT)
        first.inputs["y"].array[...] = RIGHT
        first.run()
        np.testing.assert_array_equal(first.outputs[0].array, LEFT + RIGHT)


def test_resize_of_one_resizes_the_other(shared: zl.CompiledModel) -> None:
    first, second = shared.signatures.values()
    first(LEFT, RIGHT)
    second(RIGHT, LEFT)
    for rows in (3, 1, 2):
        first.resize(x=(rows, 4), y=(rows, 4))
        left, right = np.repeat(LEFT, rows, axis=0), np.repeat(RIGHT, rows, axis=0)
        for signature in (second, first, second, second):
            assert signature.inputs[0].shape == (rows, 4)
            assert signature.outputs[0].shape == (rows, 4)
            np.testing.assert_array_equal(signature(left, right), left + right)


def test_state_is_shared() -> None:
    with zl.load(zoo.model_path("counter_two_signatures")) as model:
        add, read = model.signatures["add"], model.signatures["read"]
        values = np.array([1, 2, 3], np.float32)
        for total in range(1, 5):
            np.testing.assert_array_equal(add(values), total * values)
            for _ in range(2):
                np.testing.assert_array_equal(read(), total * values)


def test_models_do_not_share_state() -> None:
    values = np.array([1, 2, 3], np.float32)
    models = [zl.load(zoo.model_path("counter")) for _ in range(3)]
    for total in range(1, 4):
        for model in models:
            np.testing.assert_array_equal(model(values), total * values)
