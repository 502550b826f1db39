"""A model in a process of its own gives what it gives in this one, in every way that it is asked."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry

DENSE = zoo.model_path("dense_2layer")


@pytest.fixture(scope="module")
def dense() -> Iterator[zl.CompiledModel]:
    with zl.load(DENSE, isolation="process") as model:
        yield model


def rows(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32)


def as_dict(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {"": answer}


# One of each kind: types, strings, packed and dynamic tensors, loops, state, several signatures, odd names.
KINDS = [
    "argmax",
    "boolean_mask",
    "conditional_dynamic",
    "constant_output",
    "counter",
    "detection",
    "dtype_bfloat16",
    "dtype_complex64",
    "dtype_int4_odd_output",
    "dynamic_intermediate",
    "embedding",
    "names_unicode_signature",
    "no_inputs",
    "no_signature_two_inputs",
    "passthrough",
    "rank_0",
    "runtime_reshape",
    "same_output_twice",
    "small_cnn_int8",
    "string_gather",
    "topk",
    "two_inputs_three_outputs",
    "while_loop",
    "zero_size",
]


@pytest.mark.parametrize("entry", [zoo.load_manifest()[name] for name in KINDS], ids=str)
def test_results_are_the_same(entry: ModelEntry) -> None:
    with zl.load(entry.path) as expected, zl.load(entry.path, isolation="process") as model:
        assert list(model.signatures) == list(expected.signatures)
        assert repr(model) == repr(expected)
        key = None if "no_signature" in entry.tags else expected.key
        details = zoo.input_details(entry.path, signature=key)
        generator = np.random.default_rng(1)
        for _ in range(3):
            values = zoo.random_inputs(details, generator, ranges=entry.input_ranges, choices=entry.input_choices)
            if isinstance(values, list):
                values = dict(zip(expected.inputs, values, strict=True))
            wanted = as_dict(expected(values))
            for name, array in as_dict(model(values)).items():
                np.testing.assert_array_equal(array, wanted[name], err_msg=f"{entry} {name}")


def test_views_and_run(dense: zl.CompiledModel) -> None:
    with zl.load(DENSE) as expected:
        dense.inputs[0].array[:] = rows(1)
        dense.run()
        np.testing.assert_array_equal(dense.outputs[0].array, expected(rows(1)))


def test_bound_memory(dense: zl.CompiledModel) -> None:
    x, y = zl.empty((1, 64)), zl.empty(dense.outputs[0].shape)
    (given,), (result,) = dense.inputs, dense.outputs
    dense.bind({given: x, result: y})
    x[:] = rows(1, 2)
    dense.run()
    dense.bind({given: None, result: None})
    np.testing.assert_array_equal(y, dense(rows(1, 2)))


def test_resizes() -> None:
    with zl.load(DENSE) as expected, zl.load(DENSE, isolation="process") as model:
        (name,) = model.inputs
        for count in (3, 300, 2):
            model.resize({name: (count, 64)})
            expected.resize({name: (count, 64)})
            assert model.outputs[0].shape == expected.outputs[0].shape
            np.testing.assert_array_equal(model(rows(count)), expected(rows(count)))
        with pytest.raises(ValueError, match="can't have the shape"):
            model.resize({name: (2, 63)})
        with pytest.raises(zl.Error, match="previous shapes are kept"):
            model.resize({name: (2, 63)}, strict=False)
        np.testing.assert_array_equal(model(rows(2)), expected(rows(2)))


def test_batches(dense: zl.CompiledModel) -> None:
    with zl.load(DENSE) as expected:
        wanted = expected.map(rows(100), chunk=7)
        np.testing.assert_array_equal(as_dict(dense.map(rows(100), chunk=7))[""], as_dict(wanted)[""])


def test_pool_has_a_process_for_each_worker() -> None:
    with zl.Pool(DENSE, workers=2, isolation="process") as pool, zl.load(DENSE) as expected:
        futures = [pool.submit(rows(1, seed)) for seed in range(8)]
        for seed, future in enumerate(futures):
            np.testing.assert_array_equal(future.result(), expected(rows(1, seed)))


def test_signatures_of_one_process() -> None:
    path = zoo.model_path("multi_signature")
    with zl.load(path) as expected, zl.load(path, isolation="process") as model:
        for key, signature in expected.signatures.items():
            values = {name: np.ones(tensor.shape, tensor.dtype) for name, tensor in signature.inputs.items()}
            for name, array in as_dict(signature(values)).items():
                np.testing.assert_array_equal(as_dict(model.signatures[key](values))[name], array)


def test_variables_live_in_the_process() -> None:
    path = zoo.model_path("counter")
    with zl.load(path) as expected, zl.load(path, isolation="process") as model:
        values = {name: np.ones(tensor.shape, tensor.dtype) for name, tensor in expected.inputs.items()}
        first = expected(values)
        assert not np.array_equal(expected(values), first)
        np.testing.assert_array_equal(model(values), first)
        assert not np.array_equal(model(values), first)
        model.reset()
        np.testing.assert_array_equal(model(values), first)
        with pytest.raises(zl.Error, match="runs in another process, which does not show its variables"):
            _ = model.state


def test_pickled_model_is_isolated_again(dense: zl.CompiledModel) -> None:
    pickled = pickle.dumps(dense)
    assert len(pickled) < 2000  # the path, not the bytes
    with pickle.loads(pickled) as model:
        assert type(model) is type(dense)
        np.testing.assert_array_equal(model(rows(1)), dense(rows(1)))


def test_replica_has_a_process_of_its_own(dense: zl.CompiledModel) -> None:
    with copy.copy(dense) as model:
        assert type(model) is type(dense)
        np.testing.assert_array_equal(model(rows(1)), dense(rows(1)))
    np.testing.assert_array_equal(dense(rows(1)), dense(rows(1)))


def test_what_the_model_says_of_itself(dense: zl.CompiledModel) -> None:
    with zl.load(DENSE) as expected:
        assert (dense.name, dense.size, dense.threads) == (expected.name, expected.size, expected.threads)
        assert repr(dense.delegation) == repr(expected.delegation)
    with pytest.raises(zl.Error, match="does not show a profile"):
        dense.profile(runs=1)
    with pytest.raises(zl.Error, match="does not show a trace"):
        dense.trace(rows(1))


def test_what_can_not_be_isolated() -> None:
    with pytest.raises(ValueError, match="isolation is 'thread', and must be 'process'"):
        zl.load(DENSE, isolation="thread")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="map is True"):
        zl.load(DENSE, isolation="process", map=True)
    with pytest.raises(ValueError, match="computes on the CPU"):
        zl.load(DENSE, isolation="process", delegates=zl.OpenVino())


def test_refusals_are_those_of_loading() -> None:
    with pytest.raises(zl.InvalidModelError, match="not a sound"):
        zl.load(DENSE.read_bytes()[:-100], isolation="process")
    with pytest.raises(zl.Error, match="NobodyKnowsThis"):
        zl.load(zoo.model_path("unknown_custom_op"), isolation="process")
    with pytest.raises(FileNotFoundError):
        zl.load("nowhere.tflite", isolation="process")


def test_nothing_is_left_behind() -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    zl.load(DENSE, isolation="process").close()
    before = descriptors()
    for _ in range(3):
        with zl.load(DENSE, isolation="process") as model:
            model(rows(1))
        with pytest.raises(zl.Error, match="closed"):
            model(rows(1))
    assert descriptors() == before
