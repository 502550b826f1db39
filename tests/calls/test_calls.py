"""Every kind of value in a call: what is taken, what is refused and why, and that a refusal leaves nothing behind."""

from __future__ import annotations

import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits

VALUES = np.linspace(-2, 2, 64, dtype=np.float32).reshape(1, 64)
DENSE = zoo.model_path("dense_2layer")
TWO = zoo.model_path("two_inputs_three_outputs")


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return zoo.reference_run(DENSE, [VALUES])[0]


@pytest.fixture(params=["first call", "later calls"])
def dense(request: pytest.FixtureRequest) -> Iterator[zl.CompiledModel]:
    """Before the first run nothing is prepared; afterwards calls take the short way."""
    with zl.load(DENSE) as model:
        if request.param == "later calls":
            for _ in range(3):
                model(VALUES)
        yield model


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


class Subclass(np.ndarray):
    pass


class ArrayLike:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values if dtype is None else self.values.astype(dtype)


class Failing:
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise LookupError("no values today")


wide = np.zeros((1, 200), np.float32)
wide[:, 3:131:2] = VALUES

TAKEN: dict[str, Any] = {
    "array": VALUES,
    "read-only": read_only(VALUES.copy()),
    "Fortran order": np.asfortranarray(VALUES),
    "strided": wide[:, 3:131:2],
    "negative strides": VALUES[:, ::-1].copy()[:, ::-1],
    "unaligned": np.frombuffer(b"\0" + VALUES.tobytes(), np.uint8)[1:].view(np.float32).reshape(1, 64),
    "broadcast": np.broadcast_to(VALUES[0], (1, 64)),
    "subclass": VALUES.view(Subclass),
    "record field": np.array([list(zip(VALUES[0], VALUES[0], strict=True))], "f4, f4")["f1"],
    "list": VALUES.tolist(),
    "list of arrays": [VALUES[0]],
    "tuple of scalars": (tuple(VALUES[0]),),
    "object with __array__": ArrayLike(VALUES),
    "array of the standard library": [array.array("f", VALUES.tobytes())],
}


@pytest.mark.parametrize("kind", TAKEN)
def test_taken(dense: zl.CompiledModel, expected: np.ndarray, kind: str) -> None:
    for _ in range(2):
        assert_same_bits(dense(TAKEN[kind]), expected)
        assert_same_bits(dense(features=TAKEN[kind]), expected)
        assert_same_bits(dense({"features": TAKEN[kind]}), expected)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "float64": (VALUES.astype(np.float64), TypeError, "features.*float64.*float32.*astype"),
    "float16": (VALUES.astype(np.float16), TypeError, "features.*float16.*float32"),
    "int32": (VALUES.astype(np.int32), TypeError, "features.*int32.*float32"),
    "complex64": (VALUES.astype(np.complex64), TypeError, "features.*complex64.*float32"),
    "big-endian": (VALUES.astype(">f4"), TypeError, "features.*>f4.*float32"),
    "objects": (VALUES.astype(object), TypeError, "features.*object.*float32"),
    "strings": (VALUES.astype("U"), TypeError, "features.*<U.*float32"),
    "structured": (VALUES.view([("a", "f4")]), TypeError, "features.*float32"),
    "too few dimensions": (VALUES[0], ValueError, r"features.*\(64,\).*\(1, 64\)"),
    "too many dimensions": (VALUES[np.newaxis], ValueError, r"features.*\(1, 1, 64\).*\(1, 64\)"),
    "another batch": (np.ones((2, 64), np.float32), ValueError, r"features.*\(2, 64\).*\(1, 64\).*resize"),
    "another size": (np.ones((1, 63), np.float32), ValueError, r"features.*\(1, 63\).*\(1, 64\)"),
    "no elements": (np.ones((0, 64), np.float32), ValueError, r"features.*\(0, 64\).*\(1, 64\)"),
    "scalar": (1.5, ValueError, r"features.*\(\).*\(1, 64\)"),
    "ragged list": ([[1.0], [1.0, 2.0]], ValueError, "inhomogeneous"),
    "complex list": ([[1j] * 64], TypeError, "features.*complex128.*float32"),
    "text": ("text", TypeError, "features.*float32"),
    "None": (None, TypeError, "features.*object.*float32"),
    "set": ({1.0}, TypeError, "features.*object.*float32"),
    "function": (len, TypeError, "features.*object.*float32"),
    "failing __array__": (Failing(), LookupError, "no values today"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(dense: zl.CompiledModel, expected: np.ndarray, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    value, error, message = REFUSED[kind]
    calls: list[Callable[[], object]] = [
        lambda: dense(value),
        lambda: dense(features=value),
        lambda: dense({"features": value}),
        lambda: dense(value, out=np.empty((1, 10), np.float32)),
    ]
    for call in calls:
        before = dense.inputs[0].array.copy()
        with pytest.raises(error, match=message):
            call()
        np.testing.assert_array_equal(dense.inputs[0].array, before)
        assert_same_bits(dense(VALUES), expected)
    assert capfd.readouterr() == ("", "")


WRONG_CALLS: dict[str, tuple[Callable[[zl.CompiledModel], object], str]] = {
    "nothing": (lambda model: model(), "'left' is missing.*'left', 'right'"),
    "too few": (lambda model: model(np.ones((1, 4), np.float32)), "'right' is missing"),
    "too many": (lambda model: model(*[np.ones((1, 4), np.float32)] * 3), "3 inputs.*takes 2.*'left', 'right'"),
    "unknown name": (lambda model: model(top=1), "no input 'top'.*'left', 'right'"),
    "name of an output": (lambda model: model(sum=1), "no input 'sum'"),
    "twice": (lambda model: model(1, 2, left=3), "'left' is given twice"),
    "twice, in a mapping": (lambda model: model({"left": 1}, left=3), "'left' is given twice"),
    "too few in a mapping": (lambda model: model({"left": 1}), "'right' is missing"),
    "empty mapping": (lambda model: model({}), "'left' is missing"),
    "unknown name in a mapping": (lambda model: model({"left": 1, "top": 2}), "no input 'top'"),
    "number as a name": (lambda model: model({0: 1, 1: 2}), "no input 0"),
}


@pytest.mark.parametrize("kind", WRONG_CALLS)
def test_wrong_calls(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    call, message = WRONG_CALLS[kind]
    left, right = np.full((1, 4), 3, np.float32), np.full((1, 4), 5, np.float32)
    with zl.load(TWO) as model:
        for _ in range(3):
            for error in (TypeError, ValueError, zl.ArgumentError):
                with pytest.raises(error, match=message):
                    call(model)
            np.testing.assert_array_equal(model(left, right)["sum"], left + right)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mapping", [dict, OrderedDict, MappingProxyType])
def test_inputs_as_a_mapping(mapping: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    left, right = np.full((1, 4), 3, np.float32), np.full((1, 4), 5, np.float32)
    with zl.load(TWO) as model:
        answer = model(mapping({"right": right, "left": left}))
        np.testing.assert_array_equal(answer["difference"], left - right)
        np.testing.assert_array_equal(model({"left": left}, right=right)["difference"], left - right)
        np.testing.assert_array_equal(model(left, right=right)["difference"], left - right)


def test_mapping_that_fails() -> None:
    class Broken(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise LookupError("lost")

        def __iter__(self) -> Iterator[str]:
            return iter(["left"])

        def __len__(self) -> int:
            return 1

    with zl.load(TWO) as model, pytest.raises(LookupError, match="lost"):
        model(Broken())


def test_scalars() -> None:
    with zl.load(zoo.model_path("rank_0")) as model:
        pairs: list[tuple[Any, Any]] = [
            (2.0, 3.0),
            (np.float32(2), np.float32(3)),
            (np.array(2, np.float32), 3),
            (2, True),
        ]
        for x, y in pairs:
            answer = model(x, y)
            assert answer["sum"].shape == ()
            assert answer["sum"].dtype == np.float32
            assert answer["sum"] == np.float32(x) + np.float32(y)
        with pytest.raises(TypeError, match="float64"):
            model(np.array(2.0), np.float32(3))
        with pytest.raises(ValueError, match=r"\(1,\).*\(\)"):
            model([2.0], 3.0)


def test_numbers_that_do_not_fit() -> None:
    with zl.load(zoo.model_path("dtype_int8")) as model:
        shape = model.inputs[0].shape
        with pytest.raises((OverflowError, ValueError)):
            model(np.full(shape, 300).tolist(), np.zeros(shape, np.int8))
        with pytest.raises(TypeError, match=r"float64.*int8"):
            model(np.full(shape, 1.5).tolist(), np.zeros(shape, np.int8))
        answer = model(np.full(shape, -7).tolist(), np.zeros(shape, np.int8))
        assert (answer["same"] == -7).all()


def test_no_inputs() -> None:
    (expected,) = zoo.reference_run(zoo.model_path("no_inputs"), [])
    with zl.load(zoo.model_path("no_inputs")) as model:
        for _ in range(3):
            assert_same_bits(model(), expected)
            assert_same_bits(model({}), expected)
            with pytest.raises(zl.ArgumentError, match="takes 0: none"):
                model(1)


def test_zero_size() -> None:
    with zl.load(zoo.model_path("zero_size")) as model:
        for values in (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32, order="F")):
            answer = model(values)
            assert answer["negative"].shape == (0, 3)
            np.testing.assert_array_equal(answer["total"], np.zeros(3, np.float32))
        with pytest.raises(ValueError, match=r"\(0,\).*\(0, 3\)"):
            model([])


@given(stn.arrays(np.uint32, 8))
def test_no_bit_of_a_float_changes_on_the_way(bits: np.ndarray) -> None:
    """NaN payloads and signalling NaNs included: values travel as bytes."""
    values = bits.view(np.float32).reshape(2, 4)[:, :3].copy()
    with zl.load(zoo.model_path("passthrough_only")) as model:
        assert model(values).tobytes() == values.tobytes()
        strided = np.repeat(values, 2, axis=1)[:, ::2]
        assert model(x=strided).tobytes() == values.tobytes()
        assert model.outputs[0].array.tobytes() == values.tobytes()


@given(data=st.data())
def test_any_layout_in_memory(data: st.DataObject) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    axes = data.draw(st.permutations(range(3)))
    steps = data.draw(st.tuples(*[st.sampled_from([1, 2, -1, -2])] * 3))
    turned = values.transpose(axes)
    window = np.zeros([size * 2 for size in turned.shape], np.float32)[tuple(slice(None, None, step) for step in steps)]
    window = window[tuple(slice(0, size) for size in turned.shape)]
    window[...] = turned
    view = window.transpose(np.argsort(axes))
    np.testing.assert_array_equal(view, values)
    with zl.load(zoo.model_path("passthrough_only")) as model:
        for index in range(4):
            np.testing.assert_array_equal(model(view[:, :, index]), values[:, :, index])
        np.testing.assert_array_equal(model(view[:, ::-1, 1]), values[:, ::-1, 1])
