"""Other shapes: the same bits as from the reference resized alike, and a refused shape changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits, assert_same_outputs
from tests.support.model_zoo import Array, ModelEntry

DENSE = zoo.model_path("dense_2layer")
RESIZABLE = zoo.models("resizable")


def resized_inputs(entry: ModelEntry, key: str, size: int, rng: np.random.Generator) -> dict[str, Array]:
    details = zoo.reference_interpreter(entry.path).get_signature_runner(key).get_input_details()
    return zoo.random_inputs(details, rng, ranges=entry.input_ranges, dynamic_size=size)


def expected_outputs(entry: ModelEntry, key: str, inputs: dict[str, Array]) -> dict[str, Array]:
    return zoo.reference_run(entry.path, inputs, key)


@pytest.mark.parametrize("entry", [entry for entry in RESIZABLE if "no_signature" not in entry.tags], ids=str)
def test_same_bits_as_the_reference(entry: ModelEntry) -> None:
    rng = np.random.default_rng(5)
    with zl.load(entry.path) as model:
        for size in (2, 7, 1, 3, 3, 16, 1):
            for key, signature in model.signatures.items():
                inputs = resized_inputs(entry, key, size, rng)
                inputs = {name: inputs[name] for name in signature.inputs}
                expected = expected_outputs(entry, key, inputs)
                signature.resize({name: value.shape for name, value in inputs.items()})
                for name, value in inputs.items():
                    assert signature.inputs[name].shape == value.shape
                    assert signature.inputs[name].array.shape == value.shape
                for _ in range(3):  # the run that prepares, the one that is timed, and a direct one
                    assert_same_outputs(signature(**inputs), expected)
                for name, value in inputs.items():
                    signature.inputs[name].array[...] = value
                signature.run()
                for name, tensor in signature.outputs.items():
                    assert tensor.shape == expected[name].shape
                    assert_same_bits(tensor.array, expected[name], name)


@pytest.mark.parametrize("entry", zoo.models("resizable", "no_signature"), ids=str)
def test_without_a_signature(entry: ModelEntry) -> None:
    rng = np.random.default_rng(5)
    with zl.load(entry.path) as model:
        for size in (3, 1, 5):
            details = zoo.reference_interpreter(entry.path).get_input_details()
            inputs = zoo.random_inputs(details, rng, dynamic_size=size)
            expected = dict(zip(model.outputs, zoo.reference_run(entry.path, inputs), strict=True))
            model.resize({name: value.shape for name, value in zip(model.inputs, inputs, strict=True)})
            for _ in range(3):
                assert_same_outputs(model(*inputs), expected)


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_any_sequence_of_batches(sizes: list[int]) -> None:
    with zl.load(zoo.model_path("mixed_chain")) as model:
        for size in sizes:
            model.resize(x=(size, 8))
            values = np.random.default_rng(size).standard_normal((size, 8)).astype(np.float32)
            expected = zoo.reference_run(zoo.model_path("mixed_chain"), [values])[0]
            for _ in range(2):
                assert_same_bits(model(values), expected)


def test_image_sizes() -> None:
    path = zoo.model_path("resize_image")
    with zl.load(path) as model:
        assert model.inputs[0].shape_signature == (1, -1, -1, 3)
        for height, width in [(5, 9), (32, 8), (1, 1), (100, 3)]:
            values = np.random.default_rng(height).standard_normal((1, height, width, 3)).astype(np.float32)
            model.resize(image=values.shape)
            assert_same_bits(model(values), zoo.reference_run(path, [values])[0])


def test_several_dimensions_of_two_inputs() -> None:
    path = zoo.model_path("batch_matmul")
    rng = np.random.default_rng(1)
    with zl.load(path) as model:
        for batch, rows, columns in [(1, 2, 3), (4, 1, 1), (2, 5, 7)]:
            left = rng.standard_normal((batch, rows, 4)).astype(np.float32)
            right = rng.standard_normal((batch, 4, columns)).astype(np.float32)
            model.resize(left=left.shape, right=right.shape)
            assert_same_outputs(model(left, right), zoo.reference_run(path, {"left": left, "right": right}))
            assert model.outputs[0].shape == (batch, rows, columns)


def test_dynamic_models_can_be_resized() -> None:
    path = zoo.model_path("boolean_mask")
    with zl.load(path) as model:
        for size in (4, 1, 9):
            keep = np.arange(size) % 2 == 0
            x = np.arange(size * 3, dtype=np.float32).reshape(size, 3)
            model.resize(keep=keep.shape, x=x.shape)
            for _ in range(2):
                assert_same_bits(model(keep=keep, x=x), x[keep])


def test_strings_can_be_resized() -> None:
    with zl.load(zoo.model_path("string_equal")) as model:
        for size in (1, 6, 3):
            words = np.array([f"word {index}".encode() for index in range(size)], object)
            model.resize(left=(size,), right=(size,))
            assert model(words, words[::-1]).tolist() == (words == words[::-1]).tolist()


REFUSAL = f"^{re.escape(str(DENSE))}: input 'features' can't have the shape "
PREPARING_FAILED = f"^{re.escape(str(DENSE))}: .*could not prepare .*previous shapes are kept$"
IMPOSSIBLE: dict[str, tuple[object, type[Exception], str]] = {
    "a dimension of 0": ((0, 64), ValueError, rf"{REFUSAL}\(0, 64\): .*at least 1"),
    "a negative dimension": ((-1, 64), ValueError, rf"{REFUSAL}\(-1, 64\): .*at least 1"),
    "nine dimensions": ((1,) * 8 + (64,), ValueError, rf"{REFUSAL}\(1, 1, .*, 64\): .*1 to 8 dimensions"),
    "too large for memory": ((2**31 - 1,) * 3, ValueError, rf"{REFUSAL}\(2147483647, .*\): its size does not fit"),
    "too large for a dimension": ((2**40, 64), ValueError, "'features'.*2147483647"),
    "another width": ((1, 65), zl.Error, PREPARING_FAILED),
    "another rank": ((2, 3, 5), zl.Error, PREPARING_FAILED),
    "too much memory for the kernels": ((2**31 - 1, 64), zl.Error, PREPARING_FAILED),
    "a number": (3, TypeError, "'features'.*sequence of integers"),
    "text": ("big", TypeError, "'features'.*sequence of integers"),
    "text of digits": ("12", TypeError, "'features'.*sequence of integers"),
    "fractions": ((2.5, 64), TypeError, "'features'.*sequence of integers"),
    "None in it": ((None, 64), TypeError, "'features'.*sequence of integers"),
    "nested": (((1, 2), 64), TypeError, "'features'.*sequence of integers"),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
@pytest.mark.parametrize("prepared", [False, True], ids=["first use", "in use"])
def test_impossible_shapes(kind: str, prepared: bool, capfd: pytest.CaptureFixture[str]) -> None:
    shape, error, message = IMPOSSIBLE[kind]
    values = np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64)
    (expected,) = zoo.reference_run(DENSE, [values])
    capfd.readouterr()
    with zl.load(DENSE) as model:
        model.resize(features=(2, 64))
        if prepared:
            model(values)
        before = model.inputs[0].array
        for _ in range(2):
            with pytest.raises(error, match=message):
                model.resize(features=shape, strict=False)  # type: ignore[arg-type]
        assert model.inputs[0].shape == (2, 64)
        assert np.shares_memory(model.inputs[0].array, before)
        for _ in range(3):
            assert_same_bits(model(values), expected)
        model.resize(features=(1, 64))
        assert_same_bits(model(values[:1]), zoo.reference_run(DENSE, [values[:1]])[0])
    assert "ERROR" not in "".join(capfd.readouterr())


def test_one_of_two_impossible_shapes_changes_neither() -> None:
    path = zoo.model_path("two_inputs_three_outputs")
    with zl.load(path) as model:
        with pytest.raises(ValueError, match="'right'"):
            model.resize(left=(3, 4), right=(0, 4))
        with pytest.raises(zl.Error, match="previous shapes are kept"):
            model.resize(left=(3, 4), right=(3, 5), strict=False)
        with pytest.raises(zl.ArgumentError, match=r"no input 'sum' to resize.*'left', 'right'"):
            model.resize(left=(3, 4), sum=(3, 4))
        assert [tensor.shape for tensor in model.inputs.values()] == [(1, 4), (1, 4)]
        values = np.ones((1, 4), np.float32)
        np.testing.assert_array_equal(model(values, values)["sum"], 2 * values)


@pytest.mark.parametrize("shape", [(1, 128), (1, 127), (1, 63), (2, 32), (64,), (1, 1, 64)])
@pytest.mark.parametrize("kernels", ["delegate", "builtin"])
def test_what_the_model_fixes_is_not_changed_by_mistake(kernels: Any, shape: tuple[int, ...]) -> None:
    with zl.load(DENSE, delegates=zl.XNNPack(kernels=kernels)) as model:
        with pytest.raises(ValueError, match=r"gives it the shape \(-1, 64\), in which only -1 may vary.*strict=False"):
            model.resize(features=shape)
        assert model.inputs[0].shape == (1, 64)
        with pytest.raises(ValueError, match=r"has the shape .* and \(1, 64\) is expected; reshape it$"):
            model(np.ones(shape, np.float32))  # no advice to resize, which would be refused
        model.resize({"features": (3, 64)}, strict=True)
        with pytest.raises(ValueError, match=r"resize\(features=\(5, 64\)\) first"):
            model(np.ones((5, 64), np.float32))
        model.resize(features=(5, 64))
        assert model(np.ones((5, 64), np.float32)).shape == (5, 10)


def test_the_graph_decides_when_it_is_asked_to() -> None:
    with zl.load(DENSE) as model:
        model.resize(features=(1, 128), strict=False)
        assert model.inputs[0].shape == (1, 128)


def test_files_that_do_not_say_which_axes_are_open_fix_none() -> None:
    entry = next(entry for entry in zoo.models("fixed_batch"))
    with zl.load(entry.path) as model:
        assert all(-1 not in tensor.shape_signature for tensor in model.inputs.values())
        tensor = model.inputs[0]
        with pytest.raises(zl.Error, match="previous shapes are kept"):  # says the graph
            model.resize({tensor.name: (tensor.shape[0] + 1, *tensor.shape[1:])})


def test_fixed_batches_are_refused() -> None:
    for entry in zoo.models("fixed_batch"):
        with zl.load(entry.path) as model:
            before = {name: tensor.shape for name, tensor in model.inputs.items()}
            values = [np.ones(shape, np.float32) for shape in before.values()]
            expected = model(*values)
            larger = {name: (shape[0] + 3, *shape[1:]) for name, shape in before.items()}
            try:
                model.resize(larger)
                model(*(np.ones(shape, np.float32) for shape in larger.values()))
            except zl.Error:
                model.resize(before)
            else:
                model.resize(before)
            assert_same_bits(model(*values), expected)


def test_a_scalar_stays_one() -> None:
    with zl.load(zoo.model_path("rank_0")) as model:
        with pytest.raises(ValueError, match=r"'x'.*scalar"):
            model.resize(x=(1,))
        assert model(np.float32(2), np.float32(3))["sum"] == 5
    with zl.load(zoo.model_path("multi_signature")) as model:
        decode = model.signatures["decode"]
        decode.resize(code=(5, 3))
        assert decode(np.ones((5, 3), np.float32), 2.0)["decoded"].shape == (5, 4)


def test_refused_resize_with_a_scalar_among_the_inputs_changes_nothing() -> None:
    with zl.load(zoo.model_path("multi_signature")) as model:
        decode = model.signatures["decode"]
        expected = decode(np.ones((1, 3), np.float32), 2.0)
        with pytest.raises(zl.Error, match="previous shapes are kept"):
            decode.resize(gain=(), code=(5, 7), strict=False)
        assert_same_outputs(decode(np.ones((1, 3), np.float32), 2.0), expected)
        decode.resize(gain=())


RESIZES: dict[str, Callable[[zl.CompiledModel], None]] = {
    "keyword": lambda model: model.resize(features=(4, 64)),
    "list": lambda model: model.resize(features=[4, 64]),
    "mapping": lambda model: model.resize({"features": (4, 64)}),
    "array": lambda model: model.resize(features=np.array([4, 64])),  # type: ignore[arg-type]
    "NumPy integers": lambda model: model.resize(features=(np.int64(4), np.uint8(64))),  # type: ignore[arg-type]
    "signature": lambda model: model.signatures["serving_default"].resize(features=(4, 64)),
}


@pytest.mark.parametrize("way", RESIZES)
def test_ways_of_saying_it(way: str) -> None:
    with zl.load(DENSE) as model:
        view, result = model.inputs[0].array, model.outputs[0].array
        RESIZES[way](model)
        assert model.inputs[0].shape == model.inputs[0].array.shape == (4, 64)
        assert model.inputs[0].shape_signature == (-1, 64)
        assert model(np.ones((4, 64), np.float32)).shape == (4, 10)
        assert model.outputs[0].shape == (4, 10)
        assert view.shape == (1, 64)
        assert result.shape == (1, 10)
        assert not view.any()
        with pytest.raises(ValueError, match=r"\(1, 64\).*\(4, 64\).*resize\(features=\(1, 64\)\)"):
            model(np.ones((1, 64), np.float32))


def test_the_same_shape_again_changes_nothing() -> None:
    with zl.load(DENSE) as model:
        mine = zl.empty((1, 64))
        model.bind(features=mine)
        model.resize(features=(1, 64))
        model.resize()
        model.resize({})
        assert np.shares_memory(model.inputs[0].array, mine)
