"""Every model that the reference runs gives the same bits, in every way of running it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import as_tensor_dtype, assert_same_bits, assert_same_outputs
from tests.support.model_zoo import Array, ModelEntry
from tests.support.python_process import run_python
from tests.support.reference_model import ReferenceModel

Inputs = Mapping[str, Array]
Runner = Callable[[zl.CompiledModel | zl.Signature, Inputs], "Array | dict[str, Array]"]

EXTRA = Path(os.environ.get("ZEROLITE_EXTRA_MODELS", Path(__file__).parents[3] / "shared" / "models"))
EXTRA_MODELS = sorted(EXTRA.glob("*.tflite")) if EXTRA.is_dir() else []


def in_own_dtypes(signature: zl.CompiledModel | zl.Signature, inputs: Inputs) -> dict[str, Array]:
    return {name: as_tensor_dtype(value, signature.inputs[name].dtype) for name, value in inputs.items()}


def by_position(signature: zl.CompiledModel | zl.Signature, inputs: Inputs) -> Array | dict[str, Array]:
    return signature(*(inputs[name] for name in signature.inputs))


def by_name(signature: zl.CompiledModel | zl.Signature, inputs: Inputs) -> Array | dict[str, Array]:
    if {"self", "out"} & set(inputs):  # keywords that a call reads otherwise go in a mapping
        return by_mapping(signature, inputs)
    return signature(**inputs)


def by_mapping(signature: zl.CompiledModel | zl.Signature, inputs: Inputs) -> Array | dict[str, Array]:
    return signature(dict(reversed(list(inputs.items())))) if inputs else signature({})


def by_views(signature: zl.CompiledModel | zl.Signature, inputs: Inputs) -> Array | dict[str, Array]:
    """Through the tensors' memory; strings and packed integers have no elements there, and are passed in a call."""
    tensors = [*signature.inputs.values(), *signature.outputs.values()]
    if any(tensor.dtype == object or tensor.dtype.name in {"int2", "int4", "uint4"} for tensor in tensors):
        return by_position(signature, inputs)
    for name, value in inputs.items():
        signature.inputs[name].array[...] = value
    signature.run()
    return {name: tensor.array.copy() for name, tensor in signature.outputs.items()}


WAYS: list[Runner] = [by_position, by_name, by_mapping, by_views]


def inputs_and_answer(
    entry: ModelEntry, reference: ReferenceModel, signature: zl.CompiledModel | zl.Signature, rng: np.random.Generator
) -> tuple[Inputs, Inputs]:
    """Random inputs, and the outputs that the reference has for them."""
    details = reference.inputs(signature.key, list(signature.inputs))
    while True:
        inputs = zoo.random_inputs(details, rng, ranges=entry.input_ranges, choices=entry.input_choices)
        try:
            return inputs, reference.run(signature.key, inputs, list(signature.outputs))
        except ValueError as error:
            # LiteRT 2.3.0's Python can't read a dynamic output without elements after a delegated part.
            if "Invalid tensor size" not in str(error):
                raise
            reference = ReferenceModel(entry.path)


@pytest.mark.parametrize("entry", zoo.models(), ids=str)
def test_same_bits_as_the_reference(entry: ModelEntry, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(7)
    with zl.load(entry.path) as model:
        reference = ReferenceModel(entry.path)
        # One model for all ways and runs, and one reference too where there is state to compare.
        for _ in range(3):
            for signature in model.signatures.values():
                for way in WAYS:
                    if "stateful" not in entry.tags:
                        # The reference fails on the second run of some models with dynamic tensors.
                        reference = ReferenceModel(entry.path)
                    inputs, expected = inputs_and_answer(entry, reference, signature, rng)
                    capfd.readouterr()  # what the reference says
                    assert_same_outputs(way(signature, in_own_dtypes(signature, inputs)), expected)
                    assert capfd.readouterr() == ("", "")


def test_dynamic_outputs_may_have_no_elements() -> None:
    """Which the reference's Python can't always read."""
    with zl.load(zoo.model_path("where")) as model:
        assert_same_bits(model(np.full(6, -1, np.float32)), np.empty((0, 1), np.int64))
    with zl.load(zoo.model_path("growing_loop")) as model:
        for count in (0, 3, 0, 5):
            assert_same_bits(model(np.int32(count)), np.array([0, *range(count)], np.float32))
    with zl.load(zoo.model_path("dynamic_after_dense")) as model:
        for inputs in np.random.default_rng(3).standard_normal((20, 1, 8)).astype(np.float32):
            answer = model(inputs)
            assert answer["above"].shape[1] == 2
            assert len(answer["above"]) <= answer["scores"].size


@pytest.mark.parametrize("entry", zoo.models(), ids=str)
def test_model_acts_as_its_default_signature(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model, zl.load(entry.path) as other:
        key = "serving_default" if "serving_default" in model.signatures else next(iter(model.signatures))
        signature = other.signatures[key]
        assert model.key == key
        assert list(model.inputs) == list(signature.inputs)
        assert list(model.outputs) == list(signature.outputs)
        details = ReferenceModel(entry.path).inputs(key, list(signature.inputs))
        inputs = zoo.random_inputs(
            details, np.random.default_rng(0), ranges=entry.input_ranges, choices=entry.input_choices
        )
        expected = by_mapping(signature, in_own_dtypes(signature, inputs))
        answer = model(in_own_dtypes(signature, inputs))
        assert_same_outputs(answer, expected if isinstance(expected, dict) else {next(iter(model.outputs)): expected})


@pytest.mark.parametrize("entry", zoo.models(), ids=str)
def test_tensors_are_described_as_in_the_reference(entry: ModelEntry) -> None:
    reference = ReferenceModel(entry.path)
    with zl.load(entry.path) as model:
        for key in reference.keys:
            signature = model.signatures[key]
            for tensors, details in (
                (signature.inputs, reference.inputs(key, list(signature.inputs))),
                (signature.outputs, reference.outputs(key, list(signature.outputs))),
            ):
                assert set(tensors) == set(details)
                for name, detail in details.items():
                    assert tensors[name].name == name
                    assert tensors[name].shape_signature == tuple(detail["shape_signature"]) or (
                        len(detail["shape_signature"]) == 0 and tensors[name].shape_signature == tensors[name].shape
                    )
                    if tensors is signature.inputs:
                        assert tensors[name].shape == tuple(detail["shape"])


# Models that the runtime runs, and the reference's Python can't feed.


def test_int2_input() -> None:
    values = np.array([-2, -1, 0, 1, 1, 0, -1, -2], dtype=ml_dtypes.int2)
    with zl.load(zoo.model_path("dtype_int2_input")) as model:
        assert_same_bits(model(values), values.astype(np.float32))


def test_bfloat16() -> None:
    with zl.load(zoo.model_path("dtype_bfloat16")) as model:
        values = np.linspace(-3, 3, 8, dtype=np.float32).reshape(2, 4).astype(ml_dtypes.bfloat16)
        answer = model(values)
        assert answer.dtype == ml_dtypes.bfloat16
        assert answer.tobytes() == values.tobytes()


def test_every_limited_model_is_tried_here() -> None:
    names = {entry.name for entry in zoo.models("reference_limited", runs=None)}
    assert names == {"dtype_int2_input", "dtype_bfloat16", "names_empty_signature", "names_self"}


@pytest.mark.parametrize("name", ["names_empty_signature", "names_self"])
def test_names_that_python_can_not_pass_to_the_reference(name: str) -> None:
    path = zoo.model_path(name)
    interpreter = zoo.reference_interpreter(path)
    with zl.load(path) as model:
        inputs = zoo.random_inputs(interpreter.get_input_details(), np.random.default_rng(0))
        expected = zoo.reference_run(path, inputs)
        # By position the reference has the subgraph's order of tensors, as zerolite has.
        for way in WAYS:
            answer = way(model, dict(zip(model.inputs, inputs, strict=True)))
            assert isinstance(answer, dict)
            for array, reference_array in zip(answer.values(), expected, strict=True):
                assert_same_bits(array, reference_array, name)


# Models that someone else wrote, where they are at hand.


@pytest.mark.skipif(not EXTRA_MODELS, reason="no further models; name their folder in ZEROLITE_EXTRA_MODELS")
def test_other_models_are_treated_as_the_reference_treats_them() -> None:
    """In a process of its own: nothing is known about these files, and the reference may end its process on one."""
    program = """
import sys
from pathlib import Path
import numpy as np
import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_outputs
from tests.support.reference_model import ReferenceModel

path = Path(sys.argv[1])
rng = np.random.default_rng(0)
try:
    reference = ReferenceModel(path)
    with zl.load(path) as model:
        names = {key: (list(signature.inputs), list(signature.outputs)) for key, signature in model.signatures.items()}
    expected = []
    for key in reference.keys:
        details = reference.inputs(key, names[key][0])
        # Arrays of integers may be indices, which have to exist; scalars may be sizes.
        integers = {name: detail for name, detail in details.items() if np.dtype(detail["dtype"]) in ("int32", "int64")}
        ranges = {name: (0, 0) if len(detail["shape"]) else (1, 1) for name, detail in integers.items()}
        for _ in range(3):
            inputs = zoo.random_inputs(details, rng, ranges=ranges)
            expected.append((key, inputs, reference.run(key, inputs, names[key][1])))
except (RuntimeError, ValueError) as refusal:
    try:
        with zl.load(path) as model:
            model(*(np.zeros(tensor.shape, tensor.dtype) for tensor in model.inputs.values()))
    except zl.Error as error:
        assert str(error)
        print("refused by both")
    else:
        print("only the reference refuses:", refusal)
else:
    with zl.load(path) as model:
        for key, inputs, outputs in expected:
            assert_same_outputs(model.signatures[key](inputs), outputs)
    print("equal")
"""

    def verdict(path: Path) -> str:
        process = run_python(program, str(path))
        return process.stdout.strip() if process.returncode == 0 else process.stderr

    with ThreadPoolExecutor(2) as executor:
        verdicts = dict(zip((path.name for path in EXTRA_MODELS), executor.map(verdict, EXTRA_MODELS), strict=True))
    unequal = {name: said for name, said in verdicts.items() if said not in ("equal", "refused by both")}
    assert not unequal
    assert "equal" in verdicts.values()
