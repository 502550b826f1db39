"""`model.trace`: every tensor of a run, against the reference interpreter that keeps all tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import MODELS, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array, ModelEntry
from tests.support.reference_model import random_inputs

PLACEHOLDER = "<placeholder signature>"


def reference_run(entry: ModelEntry, key: str, inputs: dict[str, Any]) -> Any:
    """The reference interpreter, after one run of a signature that kept all tensors."""
    interpreter = litert.Interpreter(
        model_path=str(entry.path),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    if key == PLACEHOLDER:
        interpreter.allocate_tensors()
        for detail, value in zip(interpreter.get_input_details(), inputs.values(), strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
    else:
        interpreter.get_signature_runner(key)(**inputs)
    return interpreter


def shown_by(reference: Any, index: int) -> Array | None:
    """What the reference has in a tensor of the main graph; None where it shows none."""
    try:
        values: Array = reference.get_tensor(index)
    except ValueError:
        return None
    return values if values.dtype.kind in "biufc" else None


@pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
def test_every_model_gives_what_the_reference_gives(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        for key, signature in model.signatures.items():
            values = random_inputs(entry, signature, np.random.default_rng(0))
            inputs = dict(zip(signature.inputs, values, strict=True))
            trace = signature.trace(inputs)
            assert trace.signature == key
            try:
                reference = reference_run(entry, key, inputs)
            except (ValueError, RuntimeError):
                continue  # what the reference can't run it can't be asked about
            traced = {tensor.index: tensor for tensor in trace.tensors if tensor.subgraph == 0}
            if not traced and len(model.signatures) > 1:
                continue  # the reference shows the main graph only
            computed = {index for operator in reference._get_ops_details() for index in operator["outputs"].tolist()}
            for index in computed:
                theirs = shown_by(reference, index)
                if theirs is None or theirs.size == 0:
                    continue
                tensor = traced[index]
                if tensor.values.dtype == theirs.dtype:  # packed integers have other dtypes
                    assert_same_bits(tensor.values, theirs, f"{key}: {tensor.name}")
                assert tensor.values.shape == theirs.shape


def test_by_name() -> None:
    with zl.load(zoo.model_path("builtin_chain")) as model:
        x = np.random.default_rng(0).standard_normal(model.inputs[0].shape).astype(np.float32)
        trace = model.trace(x)
        assert list(trace) == [tensor.name for tensor in trace.tensors]
        assert len(trace) == len(trace.tensors)
        name = next(iter(trace))
        assert_same_bits(trace[name], trace.tensors[0].values, name)
        assert trace.tensor(name) is trace.tensors[0]
        with pytest.raises(KeyError, match="no tensor 'nothing'"):
            trace["nothing"]
        assert_same_bits(trace.tensors[-1].values, model(x), "the output")
        assert repr(trace) == f"Trace('serving_default', {len(trace.tensors)} tensors)"


def test_names_that_several_tensors_have() -> None:
    with zl.load(zoo.model_path("names_duplicate")) as model:
        trace = model.trace(*[np.ones(one.shape, one.dtype) for one in model.inputs.values()])
    names = [tensor.name for tensor in trace.tensors]
    assert len(set(names)) < len(names) or len(trace) == len(names)
    assert all(names.count(name) == 1 for name in trace)


def test_quantized_tensors_stand_for_real_values() -> None:
    with zl.load(zoo.model_path("small_cnn_int8")) as model:
        trace = model.trace(np.zeros(model.inputs[0].shape, np.int8))
    quantized = [tensor for tensor in trace.tensors if tensor.quantization is not None]
    assert quantized
    for tensor in quantized:
        assert tensor.values.dtype == np.int8
        assert tensor.quantization is not None
        expected = (tensor.values.astype(np.float64) - tensor.quantization.zero_points) * tensor.quantization.scales
        assert tensor.real.dtype == np.float32
        np.testing.assert_allclose(tensor.real, expected, rtol=1e-6)
    assert {"CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED"} <= {tensor.operator for tensor in trace.tensors}


def test_loops_tell_how_often() -> None:
    with zl.load(zoo.model_path("while_loop")) as model:
        trace = model.trace(*random_inputs(zoo.load_manifest()["while_loop"], model, np.random.default_rng(0)))
    assert {tensor.subgraph for tensor in trace.tensors} > {0}
    assert max(tensor.times for tensor in trace.tensors) > 1
    assert all(trace.tensor(name).subgraph == 0 for name in trace)


def test_the_model_is_left_alone() -> None:
    with zl.load(zoo.model_path("counter")) as model:
        for _ in range(4):
            model.run()
        before = outputs_by_name(model, {name: one.array.copy() for name, one in model.outputs.items()})
        dispatch = str(model.dispatch)
        model.trace(*[np.full(one.shape, 9, one.dtype) for one in model.inputs.values()])
        for name, array in before.items():
            assert_same_bits(model.outputs[name].array, array, name)
        assert not any((one.array == 9).any() for one in model.inputs.values())
        assert str(model.dispatch) == dispatch


def test_shapes_of_now_and_what_is_refused() -> None:
    with zl.load(zoo.model_path("dense_2layer")) as model:
        name = model.inputs[0].name
        features = model.inputs[0].shape[1:]
        model.resize({name: (3, *features)})
        x = np.random.default_rng(0).standard_normal((3, *features)).astype(np.float32)
        trace = model.trace({name: x})
        assert trace.tensors[-1].values.shape[0] == 3
        np.testing.assert_allclose(trace.tensors[-1].values, model(x), rtol=1e-5, atol=1e-5)
        with pytest.raises(ValueError, match="shape"):
            model.trace(x[:1])
        with pytest.raises(TypeError, match="float32 is expected"):
            model.trace(x.astype(np.float64))
        with pytest.raises(TypeError, match="missing"):
            model.trace()
        with pytest.raises(TypeError, match="'out'"):
            model.trace(x, out=x)
    with pytest.raises(zl.Error, match="closed"):
        model.trace(x)
