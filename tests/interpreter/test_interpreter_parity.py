"""Every test model answers through `zl.Interpreter` as through the reference's class: details, values, errors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.interpreter_pair import InterpreterPair, outcome
from tests.support.model_zoo import Array, ModelEntry

EXTRA = Path(os.environ.get("ZEROLITE_EXTRA_MODELS", Path(__file__).parents[3] / "shared" / "models"))
EXTRA_MODELS = sorted(EXTRA.glob("*.tflite")) if EXTRA.is_dir() else []
SHOWN = ("S", "O")  # kinds of dtypes that the reference can't show before they are written, without crashing


def assert_same_details(pair: InterpreterPair) -> None:
    pair.assert_same(lambda interpreter: interpreter.get_input_details(), "input details")
    pair.assert_same(lambda interpreter: interpreter.get_output_details(), "output details")
    for subgraph in range(pair.assert_same(lambda interpreter: interpreter.num_subgraphs(), "subgraphs")):
        pair.assert_same_call("get_tensor_details", subgraph)


def kinds_of_values(interpreter: Any) -> list[Any]:
    """What each tensor has to show, without the values, which may be undefined."""
    kinds = []
    for detail in interpreter.get_tensor_details():
        if np.dtype(detail["dtype"]).kind in SHOWN:
            continue
        value = outcome(partial(interpreter.get_tensor, detail["index"]))
        kinds.append((value.dtype.name, value.shape) if hasattr(value, "dtype") else value)
    return kinds


def run(pair: InterpreterPair, inputs: Sequence[Array], runs: int) -> None:
    for detail, value in zip(pair.theirs.get_input_details(), inputs, strict=True):
        pair.assert_same_call("set_tensor", detail["index"], value)
    for _ in range(runs):
        pair.assert_same(lambda interpreter: interpreter.invoke(), "invoke")
        assert_same_outputs(pair)


def assert_same_outputs(pair: InterpreterPair) -> None:
    for detail in pair.theirs.get_output_details():
        pair.assert_same_call("get_tensor", detail["index"])
    pair.assert_same(lambda interpreter: interpreter.get_output_details(), "output details after a run")


def random_inputs(pair: InterpreterPair, entry: ModelEntry | None, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    ranges, choices = (entry.input_ranges, entry.input_choices) if entry else ({}, {})
    return zoo.random_inputs(pair.theirs.get_input_details(), rng, ranges=ranges, choices=choices)


def assert_all_the_same(pair: InterpreterPair, entry: ModelEntry | None) -> None:
    assert_same_details(pair)
    pair.assert_same(lambda interpreter: interpreter.get_signature_list(), "signatures")
    pair.assert_same(lambda interpreter: interpreter.invoke(), "a run before the allocation")
    pair.assert_same(lambda interpreter: interpreter.allocate_tensors(), "allocation")
    assert_same_details(pair)
    run(pair, random_inputs(pair, entry, 1), runs=3)
    assert_same_details(pair)


@pytest.mark.parametrize("entry", zoo.models(), ids=str)
def test_every_model(entry: ModelEntry) -> None:
    assert_all_the_same(InterpreterPair(entry.path), entry)


@pytest.mark.skipif(not EXTRA_MODELS, reason="no folder of extra models")
def test_extra_models() -> None:
    for path in EXTRA_MODELS:
        try:
            interpreter = litert.Interpreter(model_path=str(path))
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            with pytest.raises(ValueError if isinstance(error, ValueError) else RuntimeError):
                zl.Interpreter(model_path=str(path)).allocate_tensors()
        else:
            assert_all_the_same(InterpreterPair(path), None)


# The operators of small variables run outside of XNNPACK here, so that `model.state` can tell them (docs/calls.md).
# What stands between them then has values to show, which the reference has not.
KEPT_FROM_XNNPACK = ("counter", "counter_two_signatures")


@pytest.mark.parametrize("entry", zoo.models(), ids=str)
def test_what_tensors_have_to_show(entry: ModelEntry) -> None:
    pair = InterpreterPair(entry.path)
    pair.assert_same(kinds_of_values, "before the allocation")
    pair.assert_same(lambda interpreter: interpreter.allocate_tensors(), "allocation")
    if entry.name in KEPT_FROM_XNNPACK:
        for ours, theirs in zip(kinds_of_values(pair.ours), kinds_of_values(pair.theirs), strict=True):
            assert theirs in (ours, ValueError)
        return
    pair.assert_same(kinds_of_values, "after the allocation")


@pytest.mark.parametrize("resolver", ["BUILTIN", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"])
@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn", "small_cnn_int8", "mixed_chain", "while_loop", "topk"])
def test_kernels(name: str, resolver: str) -> None:
    entry = zoo.load_manifest()[name]
    pair = InterpreterPair(entry.path, experimental_op_resolver_type=litert.OpResolverType[resolver])
    assert_all_the_same(pair, entry)


# The reference leaves the rows of a detection's outputs undefined that hold no detection.
@pytest.mark.parametrize("entry", [entry for entry in zoo.models() if entry.name != "detection"], ids=str)
def test_every_signature(entry: ModelEntry) -> None:
    pair = InterpreterPair(entry.path)
    for key in pair.theirs.get_signature_list():
        if not key:
            continue
        assert_same_signature(pair, key, entry)


def assert_same_signature(pair: InterpreterPair, key: str, entry: ModelEntry) -> None:
    runners = {id(interpreter): interpreter.get_signature_runner(key) for interpreter in (pair.ours, pair.theirs)}
    details: dict[str, Any] = pair.assert_same(lambda i: runners[id(i)].get_input_details(), "inputs")
    rng = np.random.default_rng(5)
    for _ in range(2):
        inputs = zoo.random_inputs(details, rng, ranges=entry.input_ranges, choices=entry.input_choices)
        if "self" in inputs:
            return  # the reference can't be given it
        pair.assert_same(lambda interpreter: runners[id(interpreter)](**inputs), f"signature {key!r}")  # noqa: B023
    pair.assert_same(lambda interpreter: runners[id(interpreter)].get_output_details(), "outputs")


@pytest.mark.parametrize("entry", zoo.models(runs=False), ids=str)
def test_models_that_the_reference_refuses(entry: ModelEntry) -> None:
    """The same kind of error, no later than in the reference; `InvalidModelError` is of both kinds."""
    if "ended with" in (entry.error or "") or entry.name.startswith(("dtype_", "names_")):
        pytest.skip("the reference crashes, or fails only where zerolite does not")
    try:
        reference = litert.Interpreter(model_path=str(entry.path))
    except ValueError:
        assert outcome(lambda: zl.Interpreter(entry.path)) is ValueError
        return
    ours = outcome(lambda: zl.Interpreter(entry.path))
    if ours is ValueError:
        with pytest.raises(zl.InvalidModelError):
            zl.Interpreter(entry.path)
        return
    theirs = outcome(reference.allocate_tensors)
    assert outcome(ours.allocate_tensors) is theirs
    if theirs is RuntimeError:
        assert outcome(ours.invoke) is RuntimeError


@pytest.mark.parametrize("name", ["dense_2layer", "small_cnn", "builtin_chain", "mixed_chain", "while_loop", "gru"])
def test_preserved_tensors(name: str) -> None:
    """Node by node as the reference has them when it runs the same kernels."""
    entry = zoo.load_manifest()[name]
    resolver = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    pair = InterpreterPair(entry.path, experimental_preserve_all_tensors=True, experimental_op_resolver_type=resolver)
    pair.assert_same(lambda interpreter: interpreter.allocate_tensors(), "allocation")
    for seed in range(2):
        run(pair, random_inputs(pair, entry, seed), runs=2)
        computed = {index for op in pair.theirs._get_ops_details() for index in op["outputs"].tolist()}
        checked = 0
        for detail in pair.theirs.get_tensor_details():
            if detail["index"] in computed and np.dtype(detail["dtype"]).kind not in SHOWN:
                pair.assert_same_call("get_tensor", detail["index"])
                checked += 1
        assert checked > 0
