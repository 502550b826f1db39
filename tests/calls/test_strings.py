"""String tensors: object arrays of bytes, of any content."""

from __future__ import annotations

import contextlib
import gc
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo

texts = st.lists(st.one_of(st.binary(max_size=60), st.text(max_size=30)), min_size=6, max_size=6)


@pytest.fixture(scope="module")
def passthrough() -> zl.CompiledModel:
    return zl.load(zoo.model_path("string_passthrough"))


def as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@given(texts)
def test_every_text_comes_back_as_bytes(words: list[str | bytes]) -> None:
    with zl.load(zoo.model_path("string_passthrough")) as model:
        for _ in range(2):
            answer = model(np.array(words, object).reshape(2, 3))
            assert answer.dtype == object
            assert answer.shape == (3, 2)
            assert answer.ravel().tolist() == [as_bytes(word) for word in words]


def test_kinds_of_arrays(passthrough: zl.CompiledModel) -> None:
    words = [["a", "bc", ""], ["Grüße", "日本語", "x" * 1000]]
    expected = [as_bytes(word) for row in words for word in row]
    objects = np.array(words, object)
    for kind in (
        objects,
        np.array(words),
        words,
        tuple(map(tuple, words)),
        np.array([[as_bytes(word) for word in row] for row in words]),
        np.array([[as_bytes(word) for word in row] for row in words], object),
        np.asfortranarray(objects),
        np.repeat(objects, 2, axis=1)[:, ::2],
        np.array([*words, words[0]], object)[:2],
    ):
        assert passthrough(kind).ravel().tolist() == expected
        assert passthrough(x=kind).ravel().tolist() == expected


def test_nul_bytes_and_bytes_that_are_no_text(passthrough: zl.CompiledModel) -> None:
    words = np.array([[b"a\0b", b"\0", b"\xff\xfe"], [b"trailing\0", b"", b"\0\0"]], object)
    assert passthrough(words).ravel().tolist() == words.ravel().tolist()


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.zeros((2, 3), np.float32), TypeError, "'x' takes strings.*float"),
        (np.full((2, 3), None, object), TypeError, "'x' takes strings.*NoneType"),
        (np.array([["a", "b", "c"], ["d", "e", 6]], object), TypeError, "'x' takes strings.*int"),
        (np.full((3, 2), "a", object), ValueError, r"'x'.*\(3, 2\).*\(2, 3\)"),
        ("a", ValueError, r"'x'.*\(\).*\(2, 3\)"),
        (np.full((2, 3), "\ud800", object), UnicodeEncodeError, "surrogates"),
    ],
)
def test_refused(passthrough: zl.CompiledModel, values: object, error: type[Exception], message: str) -> None:
    for _ in range(2):
        with pytest.raises(error, match=message):
            passthrough(values)
    assert passthrough(np.full((2, 3), b"still right", object)).ravel().tolist() == [b"still right"] * 6


def test_views_of_strings_are_copies(passthrough: zl.CompiledModel) -> None:
    words = np.array([[b"1", b"2", b"3"], [b"4", b"5", b"6"]], object)
    passthrough(words)
    view = passthrough.inputs[0].array
    assert view.tolist() == words.tolist()
    view[...] = b"changed"
    passthrough.run()
    assert passthrough.outputs[0].array.ravel().tolist() == words.ravel().tolist()
    assert passthrough.inputs[0].dtype == object


def test_a_run_before_any_strings_are_given() -> None:
    with zl.load(zoo.model_path("string_passthrough")) as model:
        assert model.inputs[0].shape == (2, 3)
        with contextlib.suppress(zl.Error):  # what an empty tensor means is the kernel's business
            model.run()
        assert model(np.full((2, 3), b"a", object)).ravel().tolist() == [b"a"] * 6


def test_views_before_the_first_run_are_of_empty_strings() -> None:
    with zl.load(zoo.model_path("string_passthrough")) as model:
        assert model.inputs[0].array.tolist() == [[b""] * 3] * 2
        assert model.outputs[0].array.tolist() == [[b""] * 2] * 3


def test_strings_that_outgrow_the_first_ones(passthrough: zl.CompiledModel) -> None:
    for length in (1, 10_000, 0, 100_000, 5, 1_000_000):
        words = np.full((2, 3), b"x" * length, object)
        assert passthrough(words).ravel().tolist() == words.ravel().tolist()


def test_other_models_with_strings() -> None:
    with zl.load(zoo.model_path("string_gather")) as model:
        words = np.array(["a", "b", "Grüße", "d" * 5000], object)
        for _ in range(3):
            answer = model(index=np.array([2, 3, 2], np.int32), words=words)
            assert answer.tolist() == [as_bytes(words[index]) for index in (2, 3, 2)]
    with zl.load(zoo.model_path("string_equal")) as model:
        left, right = np.array(list("abcd"), object), np.array(list("axcx"), object)
        np.testing.assert_array_equal(model(left, right), [True, False, True, False])


def test_references_are_counted(passthrough: zl.CompiledModel) -> None:
    word = b"a word of its own"
    words = np.full((2, 3), word, object)
    answers = [passthrough(words) for _ in range(3)]
    gc.collect()
    before = sys.getrefcount(word)
    for _ in range(100):
        answers.append(passthrough(words))
    del answers
    gc.collect()
    assert sys.getrefcount(word) == before
