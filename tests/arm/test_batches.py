"""`map` and `Pool` give what single runs give, on processors where a batch of rows is not computed row by row.

On ARM, XNNPACK takes other kernels for several rows than for one, and they round floating-point sums differently: what
is bit-equal elsewhere is equal within rounding errors there. Integers are equal everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from ai_edge_litert.interpreter import OpResolverType

import zerolite as zl
from tests.arm.same_answer import assert_same_answer, largest
from tests.support import model_zoo as zoo
from tests.support.model_zoo import Array

ITEMS = 7
# Two of them can't be run with several rows, because an output has a value for each pair of rows.
NAMES = (
    "dense_2layer",
    "dense_2layer_dynamic_range",
    "dense_2layer_int8",
    "small_cnn",
    "small_cnn_int8",
    "small_mobilenet_int8",
    "mixed_chain",
    "two_inputs_three_outputs",
    "no_signature_two_inputs",
)
RESOLVERS: dict[zl.delegates.Kernels, OpResolverType] = {
    "delegate": OpResolverType.AUTO,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": OpResolverType.BUILTIN_REF,
}


def batch_for(model: zl.CompiledModel) -> dict[str, Array]:
    rng = np.random.default_rng(5)
    values = {}
    for tensor in model.inputs.values():
        shape = (ITEMS, *tensor.shape[1:])
        integers = tensor.dtype.kind in "iu"
        random = rng.integers(-100, 100, shape) if integers else rng.standard_normal(shape)
        values[tensor.name] = random.astype(tensor.dtype)
    return values


def one_by_one(model: zl.CompiledModel, batch: Mapping[str, Array]) -> dict[str, Array]:
    runs = [by_name(model, model({name: rows[item, None] for name, rows in batch.items()})) for item in range(ITEMS)]
    return {name: np.concatenate([run[name] for run in runs]) for name in model.outputs}


def by_name(model: zl.CompiledModel, answer: Array | Mapping[str, Array]) -> Mapping[str, Array]:
    return answer if isinstance(answer, Mapping) else dict.fromkeys(model.outputs, answer)


def assert_answers(actual: Mapping[str, Array], expected: Mapping[str, Array], batch: Mapping[str, Array]) -> None:
    assert set(actual) == set(expected)
    scale = max(map(largest, (*batch.values(), *expected.values())))
    for name, value in expected.items():
        assert_same_answer(actual[name], value, scale, name)


@pytest.mark.parametrize("chunk", [None, 1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_map(name: str, chunk: int | None) -> None:
    with zl.load(zoo.model_path(name)) as model:
        batch = batch_for(model)
        expected = one_by_one(model, batch)
        if chunk == 4 and "two_inputs" in name:
            with pytest.raises((zl.Error, ValueError), match=r"for each item|chunk"):
                model.map(batch, chunk=chunk)
            return
        assert_answers(by_name(model, model.map(batch, chunk=chunk)), expected, batch)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_pool(name: str, workers: int) -> None:
    path = zoo.model_path(name)
    with zl.load(path) as model, zl.Pool(path, workers=workers) as pool:
        batch = batch_for(model)
        expected = one_by_one(model, batch)
        assert_answers(by_name(model, pool.map(batch)), expected, batch)
        for item, answer in enumerate(
            pool.imap({key: rows[item, None] for key, rows in batch.items()} for item in range(ITEMS))
        ):
            rows = {key: value[item, None] for key, value in expected.items()}
            assert_answers(by_name(model, answer), rows, batch)


@pytest.mark.parametrize("kernels", RESOLVERS)
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn_int8", "small_mobilenet_int8", "mixed_chain"])
def test_kernels_and_threads(name: str, kernels: zl.delegates.Kernels, threads: int) -> None:
    """As the reference with the same settings, but for the plain kernels.

    They are compiled a second time for the reference's Python, and round otherwise there, by one step of an int8.
    """
    path = zoo.model_path(name)
    options = {"experimental_op_resolver_type": RESOLVERS[kernels], "num_threads": threads}
    with zl.load(path, delegates=zl.XNNPack(kernels=kernels, threads=threads)) as model:
        inputs = {key: rows[:1] for key, rows in batch_for(model).items()}
        expected = zoo.reference_run(path, inputs, options=options)
        answer = by_name(model, model(inputs))
        if kernels == "reference" and model.outputs[0].dtype.kind == "i":
            answer = {key: value.astype(np.int32) for key, value in answer.items()}
            for key, value in expected.items():
                np.testing.assert_allclose(answer[key], value.astype(np.int32), rtol=0, atol=1)
        else:
            assert_answers(answer, expected, inputs)
