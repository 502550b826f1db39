"""Shapes that fit after others were refused, for which XNNPACK lacks memory without knowing it (LiteRT 2.3.0).

Each program runs in a process of its own, which it would end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support.python_process import answer_of

LARGE = 3_000_000


def sums(*, signatures: bool = False, state: bool = False) -> bytes:
    """The sum of |x|, and left + right; with state also the sum of the last three values of "step"."""
    builder = GraphBuilder()
    x, negative, absolute, left, right, added = (
        builder.tensor(name, [2], shape_signature=[-1])
        for name in ("x", "negative", "absolute", "left", "right", "added")
    )
    axis, total = builder.constant("axis", np.array([0], np.int32)), builder.tensor("total", [1])
    builder.operator(Op.NEG, [x], [negative], options=schema.NegOptionsT())
    builder.operator(Op.ABS, [negative], [absolute], options=schema.AbsOptionsT())
    options = schema.ReducerOptionsT()
    options.keepDims = True
    builder.operator(Op.SUM, [absolute, axis], [total], options=options)
    builder.operator(Op.ADD, [left, right], [added], options=schema.AddOptionsT())
    inputs, outputs = [x, left, right], [total, added]
    if state:
        step, filtered = builder.tensor("step", [1, 1]), builder.tensor("filtered", [1, 1])
        feature = builder.constant("feature", np.ones((1, 1), np.float32))
        time = builder.constant("time", np.ones((1, 3), np.float32))
        memory = builder.tensor("memory", [1, 3], variable=True)
        svdf = schema.SVDFOptionsT()
        svdf.rank = 1
        builder.operator(Op.SVDF, [step, feature, time, -1, memory], [filtered], options=svdf)
        inputs, outputs = [*inputs, step], [*outputs, filtered]
    builder.interface(inputs, outputs)
    if signatures:
        for key in ("first", "second"):
            builder.signature(key, {"x": x, "left": left, "right": right}, {"total": total, "added": added})
    return builder.finish()


def sums_of_ones() -> bytes:
    """The sum of as many ones as a run is told, and three ones to which as many are added as it is told, too."""
    builder = GraphBuilder()
    one, three = (builder.constant(f"ones_{size}", np.ones(size, np.float32)) for size in (1, 3))
    counts = [builder.tensor(name, [1], "int32") for name in ("count", "added_count")]
    ones = [builder.tensor(f"ones_of_run_{i}", [1], shape_signature=[-1]) for i in range(2)]
    for count, result in zip(counts, ones, strict=True):
        builder.operator(Op.BROADCAST_TO, [one, count], [result], options=schema.BroadcastToOptionsT(), version=2)
    negative, absolute = (builder.tensor(name, [1], shape_signature=[-1]) for name in ("negative", "absolute"))
    axis, total = builder.constant("axis", np.array([0], np.int32)), builder.tensor("total", [1])
    builder.operator(Op.NEG, [ones[0]], [negative], options=schema.NegOptionsT())
    builder.operator(Op.ABS, [negative], [absolute], options=schema.AbsOptionsT())
    builder.operator(Op.SUM, [absolute, axis], [total], options=schema.ReducerOptionsT())
    added = builder.tensor("added", [3])
    builder.operator(Op.ADD, [ones[1], three], [added], options=schema.AddOptionsT())
    builder.interface(counts, [total, added])
    return builder.finish()


def numbers(x: int, both: int = 2) -> dict[str, NDArray[np.float32]]:
    shapes = {"x": x, "left": both, "right": both}
    return {name: np.full(size, -1, np.float32) for name, size in shapes.items()}


def refuse(model: zl.CompiledModel | zl.Signature | zl.Pool, x: int) -> None:
    with pytest.raises(zl.Error, match=r"previous shapes are kept|could not"):
        model.resize(x=(x,), left=(3,), right=(2,))


def calls() -> None:
    with zl.load(sums()) as model:
        for size in (LARGE, 2 * LARGE, 10):
            refuse(model, size)
            assert model.inputs["x"].shape != (size,)
            model.resize(x=(size,))
            for _ in range(3):
                np.testing.assert_array_equal(model(**numbers(size))["total"], [size])
        refuse(model, LARGE)
        np.testing.assert_array_equal(model(**numbers(10))["total"], [10])
        view = model.inputs["x"].array
        view[:] = 2
        model.run()
        np.testing.assert_array_equal(model.outputs["total"].array, [20])


def signatures() -> None:
    with zl.load(sums(signatures=True)) as model:
        first, second = model.signatures.values()
        refuse(first, LARGE)
        second.resize(x=(LARGE,))
        np.testing.assert_array_equal(second(**numbers(LARGE))["total"], [LARGE])
        refuse(second, 2 * LARGE)
        first.resize(x=(2 * LARGE,))
        np.testing.assert_array_equal(first(**numbers(2 * LARGE))["total"], [2 * LARGE])


def pools() -> None:
    with zl.Pool(sums(), workers=2) as pool:
        refuse(pool, LARGE)
        pool.resize(x=(LARGE,))
        results = [pool.submit(**numbers(LARGE)) for _ in range(4)]
        assert [result.result()["total"].item() for result in results] == [LARGE] * 4


def interpreters() -> None:
    interpreter = zl.Interpreter(model_content=sums())
    x, left, right = (details["index"] for details in interpreter.get_input_details())
    total = interpreter.get_output_details()[0]["index"]
    interpreter.allocate_tensors()
    for size in (LARGE, 2 * LARGE, 10):
        interpreter.resize_tensor_input(x, [size])
        interpreter.resize_tensor_input(left, [3])
        with pytest.raises(RuntimeError, match="could not"):
            interpreter.allocate_tensors()
        interpreter.get_tensor_details()
        interpreter.resize_tensor_input(left, [2])
        interpreter.allocate_tensors()
        for index, values in zip((x, left, right), numbers(size).values(), strict=True):
            interpreter.set_tensor(index, values)
        interpreter.invoke()
        np.testing.assert_array_equal(interpreter.get_tensor(total), [size])


def states() -> None:
    """Variable tensors begin anew with a resize, which the runtime does, whether or not one was refused before."""
    step, content = np.ones((1, 1), np.float32), sums(state=True)
    with zl.load(content) as model:
        assert [model(**numbers(2), step=step)["filtered"].item() for _ in range(2)] == [1, 2]
        refuse(model, LARGE)
        model.resize(x=(LARGE,))
        assert [model(**numbers(LARGE), step=step)["filtered"].item() for _ in range(4)] == [1, 2, 3, 3]


def runs() -> None:
    """Shapes that come with a run."""
    with zl.load(sums_of_ones()) as model:

        def total(count: int, added_count: int) -> float:
            return float(np.squeeze(model(np.array([count], np.int32), np.array([added_count], np.int32))["total"]))

        assert total(2, 3) == 2
        for count in (LARGE, 2 * LARGE):
            with pytest.raises(zl.Error, match="failed to reshape"):
                total(count, 2)
            assert total(count, 3) == count
            assert total(2, 1) == 2


PROGRAMS: dict[str, Callable[[], None]] = {
    program.__name__: program for program in (calls, runs, signatures, pools, interpreters, states)
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_shapes_that_fit_after_a_refusal(program: str) -> None:
    source = (
        "import sys; from tests.verification.test_refused_shapes import PROGRAMS; "
        "PROGRAMS[sys.argv[1]](); print('well')"
    )
    assert answer_of(source, program) == "well\n"
