"""Values of a run over which the runtime's own kernels end the process: here they are errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as reference
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import Op
from tests.support.operator_model import model_of

Array = NDArray[Any]


def reverse_sequence(lengths: str) -> bytes:
    options = schema.ReverseSequenceOptionsT()
    options.seqDim, options.batchDim = 1, 0
    return model_of(Op.REVERSE_SEQUENCE, [((2, 3), "float32"), ((2,), lengths)], ((2, 3), "float32"), options)


def floor_mod(dtype: str, *shapes: Sequence[int]) -> bytes:
    return model_of(Op.FLOOR_MOD, [(shape, dtype) for shape in shapes], (shapes[0], dtype))


def quotient(*shapes: Sequence[int]) -> bytes:
    return model_of(Op.DIV, [(shape, "int32") for shape in shapes], (shapes[0], "int32"), schema.DivOptionsT())


def broadcast_args(dtype: str) -> bytes:
    return model_of(Op.BROADCAST_ARGS, [((3,), dtype), ((2,), dtype)], ((3,), dtype))


def resize(dtype: str) -> bytes:
    options = schema.ResizeNearestNeighborOptionsT()
    operands = [((1, 2, 2, 1), dtype), ((2,), "int32")]
    return model_of(Op.RESIZE_NEAREST_NEIGHBOR, operands, ((1, 4, 4, 1), dtype), options)


def random(code: int) -> bytes:
    return model_of(code, [((2,), "int32")], ((2, 2), "float32"), schema.RandomOptionsT())


def transpose() -> bytes:
    operands = [((2, 3), "float32"), ((2,), "int32")]
    return model_of(Op.TRANSPOSE, operands, ((3, 2), "float32"), schema.TransposeOptionsT())


def dilate() -> bytes:
    return model_of(Op.DILATE, [((2, 2), "float32"), ((2,), "int32"), ((), "float32")], ((3, 3), "float32"))


def least(dtype: str) -> int:
    return int(np.iinfo(dtype).min)


PIXELS = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
SQUARE = np.arange(4, dtype=np.float32).reshape(2, 2)
ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)
ZERO = np.float32(0)

# A model, values that its kernel takes, values that it does not survive, and what is said of them.
GUARDED: dict[str, tuple[bytes, Sequence[Any], Sequence[Any], str]] = {
    **{
        f"floor_mod of {dtype}": (
            floor_mod(dtype, (3,), (3,)),
            (np.array([least(dtype), 7, -7], dtype), np.array([3, -1, 4], dtype)),
            (np.array([1, least(dtype), 1], dtype), np.array([1, -1, 1], dtype)),
            r"'input_1' holds -1, by which the smallest number of a type can't be divided",
        )
        for dtype in ("int32", "int64")
    },
    "floor_mod by one number": (
        floor_mod("int32", (3,), (1,)),
        (np.array([1, -7, 7], np.int32), np.array([-1], np.int32)),
        (np.array([1, least("int32"), 1], np.int32), np.array([-1], np.int32)),
        r"'input_1' holds -1",
    ),
    "quotient": (
        quotient((3,), (3,)),
        (np.array([least("int32"), 7, -7], np.int32), np.array([3, -1, 4], np.int32)),
        (np.array([1, least("int32"), 1], np.int32), np.array([1, -1, 1], np.int32)),
        r"'input_1' holds -1, by which the smallest number of a type can't be divided",
    ),
    **{
        f"broadcast_args of {dtype}": (
            broadcast_args(dtype),
            (np.array([4, 1, 3], dtype), np.array([2, 1], dtype)),
            (np.array([4, 2, 3], dtype), np.array([3, 3], dtype)),
            r"'input_1' holds a shape that can't be broadcast",
        )
        for dtype in ("int32", "int64")
    },
    **{
        f"reverse_sequence by {dtype}, {end}": (
            reverse_sequence(dtype),
            (ROWS, np.array([0, 3], dtype)),
            (ROWS, np.array([1, length], dtype)),
            r"'input_1' holds a length that is negative or past the end",
        )
        for dtype in ("int32", "int64")
        for end, length in (("too long", 2**30), ("negative", -(2**30)))
    },
    **{
        f"resize to {height} x {width}": (
            resize("uint8"),
            (PIXELS, np.array([3, 4], np.int32)),
            (PIXELS, np.array([height, width], np.int32)),
            r"'input_1' holds a size for images that is not positive",
        )
        for height, width in ((0, 2), (2, 0))
    },
    "transpose an axis twice": (
        transpose(),
        (ROWS, np.array([1, 0], np.int32)),
        (ROWS, np.array([1, 1], np.int32)),
        r"'input_1' names an axis twice",
    ),
    "dilate by nothing": (
        dilate(),
        (SQUARE, np.array([2, 1], np.int32), ZERO),
        (SQUARE, np.array([1, 0], np.int32), ZERO),
        r"'input_1' holds dilations that are not positive",
    ),
    "dilate by much": (
        dilate(),
        (SQUARE, np.array([1, 3], np.int32), ZERO),
        (SQUARE, np.array([2**20, 2**20], np.int32), ZERO),
        r"or that make an output of more than 2 GiB",
    ),
}


def answer_of_the_reference(model: bytes, values: Sequence[Any]) -> Array:
    interpreter = reference.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    answer: Array = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return answer


@pytest.mark.parametrize(("model", "sound", "unsound", "words"), GUARDED.values(), ids=GUARDED)
def test_values_are_refused_and_the_model_goes_on(
    model: bytes, sound: Sequence[Any], unsound: Sequence[Any], words: str
) -> None:
    expected = answer_of_the_reference(model, sound)
    with zl.load(model) as loaded:
        for _ in range(3):  # the first run is another one than those that follow
            np.testing.assert_array_equal(loaded(*sound), expected)
            with pytest.raises(zl.Error, match=words):
                loaded(*unsound)
        np.testing.assert_array_equal(loaded(*sound), expected)


@pytest.mark.parametrize("code", [Op.RANDOM_UNIFORM, Op.RANDOM_STANDARD_NORMAL])
@pytest.mark.parametrize("shape", [(-1, 2), (2**31 - 1, 2**31 - 1)])
def test_shapes_of_random_numbers_are_refused(code: int, shape: tuple[int, int]) -> None:
    with zl.load(random(code)) as model:
        assert model(np.array([3, 2], np.int32)).shape == (3, 2)
        with pytest.raises(zl.Error, match=r"'input_0' holds a shape that is negative, or of more than 2 GiB"):
            model(np.array(shape, np.int32))
        assert model(np.array([2, 0], np.int32)).shape == (2, 0)


def test_pairs_that_do_not_meet_are_divided() -> None:
    values = np.array([least("int32"), 5, 5], np.int32), np.array([5, -1, 5], np.int32)
    model = floor_mod("int32", (3,), (3,))
    with zl.load(model) as loaded:
        np.testing.assert_array_equal(loaded(*values), answer_of_the_reference(model, values))


def test_other_ways_to_run_refuse_as_well() -> None:
    model = floor_mod("int32", (1, 2), (1, 2))
    values = [np.full((1, 2), least("int32"), np.int32), np.full((1, 2), -1, np.int32)]
    words = "by which the smallest number of a type can't be divided"
    with zl.load(model) as loaded, pytest.raises(zl.Error, match=words):
        loaded.map(values)
    with zl.Pool(model, workers=1) as pool, pytest.raises(zl.Error, match=words):
        pool.submit(*values).result()
    interpreter = zl.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), values, strict=True):
        interpreter.set_tensor(details["index"], value)
    with pytest.raises(RuntimeError, match=words):
        interpreter.invoke()
    with zl.load(model, delegates=[zl.XNNPack(kernels="builtin")]) as loaded, pytest.raises(zl.Error, match=words):
        loaded.trace(*values)


def test_shapes_that_no_array_can_have_are_refused() -> None:
    """Without elements the runtime takes any dimensions, NumPy does not."""
    model = model_of(Op.TILE, [((1, 1, 1), "int8"), ((3,), "int32")], ((1, 1, 1), "int8"), schema.TileOptionsT())
    with zl.load(model) as loaded:
        assert loaded(np.ones((1, 1, 1), np.int8), np.array([2, 0, 2], np.int32)).shape == (2, 0, 2)
        with pytest.raises(zl.Error, match=r"'result' has the shape \(\d+, \d+, 0\), which is no possible size"):
            loaded(np.ones((1, 1, 1), np.int8), np.array([2**31 - 1, 2**31 - 1, 0], np.int32))
        assert loaded(np.ones((1, 1, 1), np.int8), np.array([1, 2, 1], np.int32)).shape == (1, 2, 1)
