"""`XNNPack(flags=...)`: what each flag changes, and that nothing else does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array
from zerolite.delegates.xnnpack import XNNPACK_FLAGS, flags_that_are_on


def array(value: Any) -> Array:
    assert isinstance(value, np.ndarray)
    return value


def answer(name: str, delegate: zl.XNNPack) -> Array:
    with zl.load(zoo.model_path(name), delegates=delegate) as model:
        rng = np.random.default_rng(0)
        inputs = [
            (rng.standard_normal(one.shape) if one.dtype.kind == "f" else rng.integers(0, 100, one.shape)).astype(
                one.dtype
            )
            for one in model.inputs.values()
        ]
        results = [array(model(*inputs)) for _ in range(3)]
        return results[-1]


def taken(name: str, **flags: bool) -> Counter[str]:
    with zl.load(zoo.model_path(name), delegates=zl.XNNPack(flags=flags)) as model:
        return model.delegation.operators.get("XNNPACK", Counter())


@pytest.mark.parametrize(
    ("model", "flag"),
    [("dense_2layer_int8", "qs8"), ("quantized_add_uint8", "qu8"), ("dense_2layer_dynamic_range", "qs8")],
)
def test_flags_that_take_operators_away(model: str, flag: str) -> None:
    everything = taken(model)
    assert taken(model, **{flag: True}) == everything
    assert taken(model, **{flag: False}) < everything
    other = "qu8" if flag == "qs8" else "qs8"
    assert taken(model, **{other: False}) == everything, "the other flags keep their defaults"


def test_dynamically_quantized_operators() -> None:
    model = "dense_2layer_dynamic_range"
    assert taken(model, disable_dynamically_quantized_ops=True) < taken(model)
    assert taken("dense_2layer_int8", disable_dynamically_quantized_ops=True) == taken("dense_2layer_int8")


def test_fully_connected_with_weights_that_are_computed() -> None:
    model = "two_inputs_three_outputs"
    assert taken(model, dynamic_fully_connected=True) > taken(model)


def test_half_precision() -> None:
    exact = answer("dense_2layer", zl.XNNPack())
    rounded = answer("dense_2layer", zl.XNNPack(flags={"force_fp16": True}))
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=0.02)


@pytest.mark.parametrize("flag", sorted(set(XNNPACK_FLAGS) - {"force_fp16"}))
@pytest.mark.parametrize("model", ["dense_2layer", "small_mobilenet", "small_mobilenet_int8"])
def test_results_stay_what_they_are(model: str, flag: str) -> None:
    delegate = zl.XNNPack(flags={flag: not XNNPACK_FLAGS[flag]})
    expected = answer(model, zl.XNNPack())
    # Kernels that round otherwise may differ by one step of the output.
    step = 1.0 if expected.dtype.kind in "iu" else 1e-5
    found = answer(model, delegate)
    assert np.abs(found.astype(np.float64) - expected.astype(np.float64)).max() <= step


@pytest.mark.parametrize("flags", [{}, {"qs8": True}, {"qs8": True, "qu8": True, "force_fp16": False}])
def test_the_defaults_are_those_of_the_library(flags: dict[str, bool]) -> None:
    for model in ("dense_2layer", "small_cnn_int8", "quantized_add_uint8", "dense_2layer_dynamic_range"):
        delegations = []
        for delegate in (zl.XNNPack(), zl.XNNPack(flags=flags)):
            with zl.load(zoo.model_path(model), delegates=delegate) as loaded:
                delegations.append(loaded.delegation)
        assert delegations[0] == delegations[1], model
        assert_same_bits(answer(model, zl.XNNPack(flags=flags)), answer(model, zl.XNNPack()), model)


def test_a_static_graph() -> None:
    delegate = zl.XNNPack(flags={"disable_subgraph_reshaping": True})
    assert_same_bits(answer("fixed_batch", delegate), answer("fixed_batch", zl.XNNPack()), "fixed_batch")
    for _ in range(2):  # the runtime tells its reason at the first time in a process only
        with pytest.raises(zl.DelegateError, match="disable_subgraph_reshaping; leave it out"):
            zl.load(zoo.model_path("small_cnn"), delegates=delegate)
    with zl.load(zoo.model_path("small_cnn")) as model:
        model.run()


@pytest.mark.parametrize("flag", sorted(XNNPACK_FLAGS))
def test_resizing_with_flags(flag: str) -> None:
    with (
        zl.load(zoo.model_path("dense_2layer"), delegates=zl.XNNPack(flags={flag: not XNNPACK_FLAGS[flag]})) as model,
        zl.load(zoo.model_path("dense_2layer")) as plain,
    ):
        items = np.random.default_rng(1).standard_normal((37, *plain.inputs[0].shape[1:]), dtype=np.float32)
        expected = array(plain.map(items))
        tolerance = 0.02 if flag == "force_fp16" else 1e-5
        np.testing.assert_allclose(array(model.map(items)), expected, rtol=0, atol=tolerance)
        model.resize({model.inputs[0].name: (5, *items.shape[1:])})
        np.testing.assert_allclose(model(items[:5]), expected[:5], rtol=0, atol=tolerance)


def test_pools_keep_the_flags() -> None:
    half = {"force_fp16": True}
    with (
        zl.load(zoo.model_path("dense_2layer"), delegates=zl.XNNPack(flags=half)) as model,
        zl.load(zoo.model_path("dense_2layer")) as exact_model,
        zl.Pool(zoo.model_path("dense_2layer"), workers=2, delegates=zl.XNNPack(flags=half)) as pool,
    ):
        items = np.random.default_rng(2).standard_normal((6, *model.inputs[0].shape[1:]), dtype=np.float32)
        pooled = array(pool.map(items, chunk=1))
        assert_same_bits(pooled, np.concatenate([model(item[None]) for item in items]), "pool")
        assert not np.array_equal(pooled, array(exact_model.map(items)))


def test_weight_caches_belong_to_the_flags(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    contents = []
    for flags in ({}, {"slow_consistent_arithmetic": True}, {}):
        delegate = zl.XNNPack(weight_cache=path, flags=flags)
        for _ in range(2):
            plain = answer("small_cnn", zl.XNNPack(flags=flags))
            assert_same_bits(answer("small_cnn", delegate), plain, "with the cache")
        contents.append(path.read_bytes())
    assert contents[0] == contents[2] != contents[1]
    with pytest.raises(ValueError, match="force_fp16 makes in a weight cache"):
        zl.XNNPack(weight_cache=path, flags={"force_fp16": True})


def test_names_that_reach_the_core() -> None:
    assert flags_that_are_on({}) is None
    assert flags_that_are_on({"force_fp16": True}) == ["qs8", "qu8", "force_fp16"]
    assert flags_that_are_on({"qs8": False, "qu8": False}) == []


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no XNNPACK flag 'fp16'; there are qs8, qu8, force_fp16,"):
        zl.XNNPack(flags={"fp16": True})
    with pytest.raises(ValueError, match="no XNNPACK flag 3"):
        zl.XNNPack(flags={3: True})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="must be True or False"):
        zl.XNNPack(flags={"qs8": 1})  # type: ignore[dict-item]
    for wrong in ("qs8", ["qs8"], 3):
        with pytest.raises(TypeError, match="must be a mapping"):
            zl.XNNPack(flags=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="flags are for XNNPACK"):
        zl.XNNPack(kernels="builtin", flags={"qs8": False})


def test_what_is_told() -> None:
    delegate = zl.XNNPack(flags={"qs8": False})
    assert repr(delegate) == "XNNPack(threads=1, kernels='delegate', flags={'qs8': False})"
    assert delegate.with_threads(2).flags == {"qs8": False}
    assert zl.XNNPack().flags == {}
