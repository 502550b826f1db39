"""Inputs by position: in the source's order where the file tells it, and with a warning where it does not."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op

pytestmark = pytest.mark.filterwarnings("error:.*by position, and the:UserWarning")

ONE, TEN = np.ones((1, 4), np.float32), np.full((1, 4), 10, np.float32)
WARNING = r"inputs are given by position, and the file does not tell .* 'zz', 'aa', .* \{'zz': \.\.\., 'aa': \.\.\.\}"


def difference(
    names: tuple[str, str] = ("zz", "aa"),
    *,
    tensors: Sequence[str] | None = None,
    shapes: Sequence[Sequence[int]] = ((1, 4), (1, 4)),
    signed: bool = True,
    order: bytes | None = None,
    outputs: Sequence[str] = ("y",),
) -> bytes:
    """The first input minus the second, in the graph's order; named as TensorFlow's converter names a SavedModel's."""
    graph = GraphBuilder()
    first, second = (
        graph.tensor(name, shape)
        for name, shape in zip(tensors or [f"serving_default_{name}:0" for name in names], shapes, strict=True)
    )
    made = [graph.tensor(f"PartitionedCall:{place}", [1, 4]) for place in range(len(outputs))]
    for tensor in made:
        graph.operator(Op.SUB, [first, second], [tensor], options=schema.SubOptionsT())
        first = tensor
    graph.interface([0, second], made)
    if signed:
        inputs = dict(zip(names, (0, second), strict=True))
        graph.signature("serving_default", inputs, dict(zip(outputs, made, strict=True)))
    if order is not None:
        graph.metadata("zerolite.signature_order", order)
    return graph.finish()


def words(*strings: str) -> bytes:
    return b"".join(string.encode() + b"\0" for string in strings)


def batch_of(array: np.ndarray) -> np.ndarray:
    return np.repeat(array, 3, axis=0)


async def _awaited(runner: zl.CompiledModel | zl.Pool) -> Any:
    return await runner.run_async(ONE, TEN)


WAYS: dict[str, Callable[[zl.CompiledModel, zl.Pool], Any]] = {
    "call": lambda model, _: model(ONE, TEN),
    "call with lists": lambda model, _: model(ONE.tolist(), TEN.tolist()),
    "signature": lambda model, _: model.signatures[model.key](ONE, TEN),
    "run_async": lambda model, _: asyncio.run(_awaited(model)),
    "map": lambda model, _: model.map([batch_of(ONE), batch_of(TEN)])[:1],  # type: ignore[index]
    "trace": lambda model, _: model.trace(ONE, TEN)["PartitionedCall:0"],
    "submit": lambda _, pool: pool.submit(ONE, TEN).result(),
    "imap": lambda _, pool: next(pool.imap([(ONE, TEN)])),
    "pool run_async": lambda _, pool: asyncio.run(_awaited(pool)),
    "pool map": lambda _, pool: pool.map((batch_of(ONE), batch_of(TEN)))[:1],  # type: ignore[index]
}


@pytest.mark.parametrize("way", WAYS)
def test_where_nobody_tells_the_order_it_is_said_once(way: str) -> None:
    with zl.load(difference()) as model, zl.Pool(difference(), workers=2) as pool:
        with pytest.warns(UserWarning, match=WARNING) as caught:
            result = WAYS[way](model, pool)
        np.testing.assert_array_equal(result, ONE - TEN)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        WAYS[way](model, pool)


@pytest.mark.parametrize("way", WAYS)
def test_where_warnings_are_errors_it_is_refused_again_and_again(way: str) -> None:
    with zl.load(difference()) as model, zl.Pool(difference(), workers=2) as pool:
        for _ in range(2):
            with pytest.raises(UserWarning, match=WARNING):
                WAYS[way](model, pool)
        # As the message says.
        np.testing.assert_array_equal(model({"zz": ONE, "aa": TEN}), ONE - TEN)
        np.testing.assert_array_equal(pool.submit({"zz": ONE, "aa": TEN}).result(), ONE - TEN)
        names = {"zz": batch_of(ONE), "aa": batch_of(TEN)}
        for runner in (model, pool):
            np.testing.assert_array_equal(runner.map(names), batch_of(ONE - TEN))


TOLD = {
    "another converter's names": difference(tensors=["zz", "aa"]),
    "no signature, names of its own": difference(tensors=["zz", "aa"], signed=False),
    "other shapes": difference(shapes=[(1, 4), (1, 1)]),
    "metadata": difference(order=words("serving_default", "2", "zz", "aa", "0")),
    "names that number positions": difference(("args_0", "args_1")),
}


@pytest.mark.parametrize("kind", TOLD)
def test_where_the_order_is_told_nothing_is_said(kind: str) -> None:
    with zl.load(TOLD[kind]) as model:
        second = np.full(model.inputs[1].shape, 10, np.float32)
        np.testing.assert_array_equal(model(ONE, second), ONE - TEN)


def test_shapes_that_become_equal() -> None:
    graph = GraphBuilder()
    zz = graph.tensor("serving_default_zz:0", [1, 4], shape_signature=[-1, 4])
    aa = graph.tensor("serving_default_aa:0", [2, 4], shape_signature=[-1, 4])
    y, z = graph.tensor("y", [1, 4], shape_signature=[-1, 4]), graph.tensor("z", [2, 4], shape_signature=[-1, 4])
    graph.operator(Op.ABS, [zz], [y])
    graph.operator(Op.NEG, [aa], [z])
    graph.interface([zz, aa], [y, z])
    graph.signature("serving_default", {"zz": zz, "aa": aa}, {"y": y, "z": z})
    with zl.load(graph.finish()) as model:
        model(ONE, np.repeat(TEN, 2, axis=0))
        model.resize(aa=(1, 4))
        with pytest.raises(UserWarning, match=WARNING):
            model(ONE, TEN)
        model.resize(aa=(2, 4))
        model(ONE, np.repeat(TEN, 2, axis=0))


@pytest.mark.parametrize("direct", [False, True])
def test_the_order_of_the_metadata(direct: bool) -> None:
    content = difference(order=words("serving_default", "2", "aa", "zz", "1", "y"))
    with zl.load(content) as model:
        assert list(model.inputs) == ["aa", "zz"]
        for _ in range(4 if direct else 1):
            np.testing.assert_array_equal(model(TEN, ONE), ONE - TEN)
        np.testing.assert_array_equal(model.map([batch_of(TEN), batch_of(ONE)]), batch_of(ONE - TEN))
        model.inputs[0].array[...] = TEN
        model.inputs["zz"].array[...] = ONE
        model.run()
        np.testing.assert_array_equal(model.outputs[0].array, ONE - TEN)
    # By index it is the graph's, as in the original.
    interpreter = zl.Interpreter(model_content=content)
    names = [details["name"] for details in interpreter.get_input_details()]
    assert names == ["serving_default_zz:0", "serving_default_aa:0"]


def test_numbered_outputs_are_in_their_order() -> None:
    names = ["output_10", "output_2", "output_0"]
    with zl.load(difference(outputs=names)) as model:
        assert list(model.outputs) == ["output_0", "output_2", "output_10"]
        answer = model({"zz": ONE, "aa": TEN})
        assert list(answer) == ["output_0", "output_2", "output_10"]
        assert answer["output_10"][0, 0] == -9
        assert answer["output_2"][0, 0] == -19


_TEXT = st.sampled_from(["serving_default", "zz", "aa", "y", "0", "1", "2", "3", "-1", "99999999999", "", "ä"])


@given(st.lists(_TEXT, max_size=12), st.binary(max_size=8))
def test_an_entry_that_does_not_fit_is_passed_over(strings: list[str], rest: bytes) -> None:
    with zl.load(difference(order=words(*strings) + rest)) as model:
        assert sorted(model.inputs) == ["aa", "zz"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(abs(model(ONE, TEN)), TEN - ONE)
        np.testing.assert_array_equal(model({"zz": ONE, "aa": TEN}), ONE - TEN)
