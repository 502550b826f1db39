"""Results in the caller's arrays: which arrays are taken, which refused, and what a refusal changes: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits, assert_same_outputs

VALUES = np.linspace(-2, 2, 64, dtype=np.float32).reshape(1, 64)
DENSE = zoo.model_path("dense_2layer")
TWO = zoo.model_path("two_inputs_three_outputs")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return zoo.reference_run(DENSE, [VALUES])[0]


@pytest.fixture(params=["first call", "later calls"])
def dense(request: pytest.FixtureRequest) -> Iterator[zl.CompiledModel]:
    with zl.load(DENSE) as model:
        if request.param == "later calls":
            for _ in range(3):
                model(VALUES)
        yield model


def test_out_is_filled_and_returned(dense: zl.CompiledModel, expected: np.ndarray) -> None:
    roomy = np.zeros((1, 40), np.float32)
    targets = {
        "array": np.empty((1, 10), np.float32),
        "Fortran order": np.empty((1, 10), np.float32, order="F"),
        "strided": roomy[:, 3:23:2],
        "negative strides": np.empty((1, 10), np.float32)[:, ::-1],
        "part of a larger one": np.zeros((3, 10), np.float32)[1:2],
        "subclass": np.empty((1, 10), np.float32).view(np.matrix),
        "aligned": zl.empty((1, 10)),
        "the output's view": dense.outputs[0].array,
    }
    for kind, target in targets.items():
        for _ in range(2):
            target[...] = np.nan
            assert dense(VALUES, out=target) is target, kind
            assert_same_bits(np.asarray(target), expected, kind)
            assert dense(features=VALUES, out=target) is target, kind
            assert dense(VALUES.tolist(), out=target) is target, kind
            assert_same_bits(np.asarray(target), expected, kind)
    assert not roomy[:, :3].any()
    assert not roomy[:, 4:24:2].any()


def test_out_none_makes_a_new_array(dense: zl.CompiledModel, expected: np.ndarray) -> None:
    assert_same_bits(dense(VALUES, out=None), expected)


def test_out_as_a_mapping_of_one(dense: zl.CompiledModel, expected: np.ndarray) -> None:
    target = np.empty((1, 10), np.float32)
    assert_same_bits(dense(VALUES, out={"output_0": target}), expected)
    assert_same_bits(target, expected)


@pytest.mark.parametrize("name", ["passthrough_only", "denormal_builtin", "delegated_chain"])
def test_out_may_overlap_the_input(name: str) -> None:
    with zl.load(zoo.model_path(name)) as model:
        shape = model.inputs[0].shape
        values = np.linspace(1, 2, np.prod(shape), dtype=np.float32).reshape(shape)
        expected = model(values)
        memory = np.zeros(values.size + 1, np.float32)
        for offset in (0, 1):  # in place, and shifted by one element
            memory[: values.size] = values.ravel()
            target = memory[offset : offset + values.size].reshape(shape)
            assert_same_bits(model(memory[: values.size].reshape(shape), out=target), expected)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "float64": (np.empty((1, 10)), TypeError, "output_0.*float64.*float32"),
    "big-endian": (np.empty((1, 10), ">f4"), TypeError, "output_0.*>f4.*float32"),
    "objects": (np.empty((1, 10), object), TypeError, "output_0.*object.*float32"),
    "too few dimensions": (np.empty(10, np.float32), ValueError, r"output_0.*\(10,\).*\(1, 10\)"),
    "another shape": (np.empty((2, 10), np.float32), ValueError, r"output_0.*\(2, 10\).*\(1, 10\)"),
    "read-only": (np.broadcast_to(np.float32(0), (1, 10)), ValueError, "output_0.*read-only"),
    "list": ([[0.0] * 10], TypeError, "out.*list"),
    "number": (3, TypeError, "out.*int"),
    "unknown name": ({"scores": np.empty((1, 10), np.float32)}, zl.ArgumentError, "no output 'scores'.*'output_0'"),
    "name of the input": ({"features": np.empty((1, 10), np.float32)}, zl.ArgumentError, "no output 'features'"),
    "no array in the mapping": ({"output_0": [0.0] * 10}, TypeError, "output_0.*no NumPy array"),
    "wrong shape in the mapping": ({"output_0": np.empty(10, np.float32)}, ValueError, "output_0.*shape"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(dense: zl.CompiledModel, expected: np.ndarray, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    target, error, message = REFUSED[kind]
    for values in (VALUES, VALUES.tolist()):
        with pytest.raises(error, match=message):
            dense(values, out=target)
    with pytest.raises(error, match=message):
        dense(features=VALUES, out=target)
    assert_same_bits(dense(VALUES), expected)
    assert capfd.readouterr() == ("", "")


def test_several_outputs() -> None:
    left, right = np.full((1, 4), 3, np.float32), np.full((1, 4), 5, np.float32)
    with zl.load(TWO) as model:
        for _ in range(3):
            expected = model(left, right)
            total = np.empty((1, 4), np.float32)
            answer = model(left, right, out={"sum": total})  # the others get new arrays
            assert answer["sum"] is total
            assert_same_outputs(answer, expected)
            targets = {name: np.empty_like(value) for name, value in expected.items()}
            answer = model(left=left, right=right, out=targets)
            assert all(answer[name] is target for name, target in targets.items())
            assert_same_outputs(answer, expected)
            assert_same_outputs(model(left, right, out={}), expected)
            with pytest.raises(TypeError, match=r"3 outputs.*mapping.*'sum'"):
                model(left, right, out=total)
            with pytest.raises(ValueError, match=r"'product'.*\(4,\)"):
                model(left, right, out={"product": np.empty(4, np.float32)})


def test_two_outputs_into_the_same_array_is_the_callers_business() -> None:
    with zl.load(TWO) as model:
        values = np.ones((1, 4), np.float32)
        target = np.empty((1, 4), np.float32)
        answer = model(values, values, out={"sum": target, "difference": target})
        assert answer["sum"] is answer["difference"] is target


def test_dynamic_outputs() -> None:
    with zl.load(zoo.model_path("runtime_range")) as model:
        for count in (3, 5, 3):
            target = np.empty(count, np.int32)
            assert model(np.int32(count), out=target) is target
            np.testing.assert_array_equal(target, np.arange(count))
            with pytest.raises(TypeError, match=r"numbers.*float32.*int32"):
                model(np.int32(count), out=np.empty(count, np.float32))
            # The shape is known after the run only.
            with pytest.raises(ValueError, match=r"numbers.*\(9,\).*is expected"):
                model(np.int32(count), out=np.empty(9, np.int32))


def test_strings() -> None:
    words = np.array([[b"a", b"", b"long " * 20], ["Grüße".encode(), b"\0", b"x"]], object)
    with zl.load(zoo.model_path("string_passthrough")) as model:
        target = np.empty((3, 2), object)
        assert model(words, out=target) is target
        assert target.ravel().tolist() == words.ravel().tolist()
        with pytest.raises((TypeError, ValueError)):
            model(words, out=np.empty((3, 2), np.float32))


@pytest.mark.parametrize("name", ["counter", "svdf"])
def test_refused_call_does_not_touch_the_state(name: str) -> None:
    """Refused before the run, however runs are dispatched: the first one never is directly."""
    with zl.load(zoo.model_path(name)) as model, zl.load(zoo.model_path(name)) as other:
        values = np.ones(model.inputs[0].shape, np.float32)
        shape = model.outputs[0].shape
        for _ in range(4):
            with pytest.raises(TypeError, match="float64"):
                model(values, out=np.empty(shape, np.float64))
            with pytest.raises(ValueError, match="is expected"):
                model(values, out=np.empty((*shape, 2), np.float32))
            assert_same_bits(model(values), other(values))


@pytest.mark.parametrize("name", ["counter", "svdf"])
def test_refused_input_does_not_touch_the_state(name: str) -> None:
    with zl.load(zoo.model_path(name)) as model, zl.load(zoo.model_path(name)) as other:
        values = np.ones(model.inputs[0].shape, np.float32)
        for _ in range(3):
            for wrong in (values.astype(np.float64), np.ones(7, np.float32), "text"):
                with pytest.raises((TypeError, ValueError)):
                    model(wrong)
            assert_same_bits(model(values), other(values))
