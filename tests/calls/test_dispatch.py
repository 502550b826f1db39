"""How runs are dispatched, and that it makes no difference to any bit."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import ModelEntry
from tests.support.python_process import answer_of
from tests.support.reference_model import random_inputs

# Why runs of these models go through the runtime; all others are direct.
REASONS = {
    "small_mobilenet_int16x8": "has a shape that only a run tells",
    "rnn_unrolled": "has a shape that only a run tells",
    "topk": "has a shape that only a run tells",
    "logic": "has a shape that only a run tells",
    "where": "has a shape that only a run tells",
    "unique": "has a shape that only a run tells",
    "boolean_mask": "has a shape that only a run tells",
    "runtime_range": "has a shape that only a run tells",
    "runtime_reshape": "has a shape that only a run tells",
    "dynamic_intermediate": "has a shape that only a run tells",
    "dynamic_after_dense": "has a shape that only a run tells",
    "passthrough_only": "no operators",
    "constant_output": "an output is a constant",
    "rank_9": "does not use the memory",
    "conditional": "runs other subgraphs or has side effects",
    "conditional_dynamic": "runs other subgraphs or has side effects",
    "while_loop": "runs other subgraphs or has side effects",
    "growing_loop": "runs other subgraphs or has side effects",
    "lstm": "runs other subgraphs or has side effects",
    "gru": "runs other subgraphs or has side effects",
    "counter": "runs other subgraphs or has side effects",
    "counter_two_signatures": "runs other subgraphs or has side effects",
    "hashtable": "runs other subgraphs or has side effects",
    "hashtable_to_string": "runs other subgraphs or has side effects",
    "string_passthrough": "holds strings",
    "string_gather": "holds strings",
    "string_equal": "holds strings",
    "random_numbers": "random numbers",
    "detection": "TFLite_Detection_PostProcess is custom",
}
# What the property below compares; the tag says that a run may fail on values that are allowed.
MODELS = zoo.models()


@pytest.mark.parametrize("entry", MODELS, ids=str)
def test_value_and_reason(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        assert model.dispatch == "runtime"
        assert "next run prepares" in model.dispatch.reason
        inputs = random_inputs(entry, model, np.random.default_rng(1))
        for _ in range(2):
            model(*inputs)
        dispatch = model.dispatch
        assert isinstance(dispatch, str)
        assert dispatch == ("runtime" if entry.name in REASONS else "direct")
        assert re.search(REASONS.get(entry.name, "prepared plan"), dispatch.reason)
        assert repr(dispatch) == f"<{dispatch}: {dispatch.reason}>"


def test_reasons_are_of_models_that_exist() -> None:
    assert set(REASONS) <= {entry.name for entry in MODELS}


def test_resize_prepares_anew() -> None:
    with zl.load(zoo.model_path("mixed_chain")) as model:
        for _ in range(2):
            model.run()
            assert model.dispatch == "direct"
            model.resize(x=(2, 8))
            assert model.dispatch == "runtime"
            assert "next run prepares" in model.dispatch.reason
            model.run()
            assert model.dispatch == "direct"
            model.resize(x=(1, 8))


def test_shapes_that_the_first_run_tells_are_settled_by_the_second() -> None:
    """The shape that Keras' Flatten computes is a tensor to the runtime, which allocates behind it as it runs."""
    with zl.load(zoo.model_path("small_cnn")) as model:
        for batch in (1, 2, 1):
            model.resize(image=(batch, 28, 28, 1))
            dispatches = []
            for _ in range(3):
                model.run()
                dispatches.append(str(model.dispatch))
            assert dispatches == ["runtime", "direct", "direct"]


def large_dense(rows: int) -> bytes:
    """A dense layer of 2 MiB, which takes some ten million operations for each hundred rows."""
    builder = GraphBuilder()
    x, y = builder.tensor("x", [rows, 512], shape_signature=[-1, 512]), builder.tensor("y", [rows, 1024])
    weights = np.random.default_rng(0).normal(size=(1024, 512)).astype(np.float32)
    operands = [x, builder.constant("weights", weights), -1]
    builder.operator(Op.FULLY_CONNECTED, operands, [y], options=schema.FullyConnectedOptionsT())
    builder.interface([x], [y])
    return builder.finish()


def test_long_runs_stay_with_the_runtime() -> None:
    """A direct run saves a microsecond, and its proof makes the first run twice."""
    x = np.random.default_rng(1).normal(size=(4096, 512)).astype(np.float32)
    content = large_dense(len(x))
    with zl.load(content) as model:
        results = [model(x) for _ in range(4)]
        assert model.dispatch == "runtime"
        assert "longer than a millisecond" in model.dispatch.reason
        (expected,) = zoo.reference_run(content, [x])
        for result in results:
            assert_same_bits(result, expected)


def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEROLITE_DISPATCH", "runtime")
    with zl.load(zoo.model_path("dense_2layer")) as model:
        for _ in range(3):
            model.run()
            assert model.dispatch == "runtime"
            assert "ZEROLITE_DISPATCH=runtime" in model.dispatch.reason


SWITCHED_OFF = """
import hashlib
import sys

import numpy as np

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.reference_model import random_inputs

for entry in zoo.models():
    digest = hashlib.sha256()
    with zl.load(entry.path) as model:
        rng = np.random.default_rng(2)
        for _ in range(3):
            for signature in model.signatures.values():
                answer = signature(*random_inputs(entry, signature, rng))
                for array in answer.values() if isinstance(answer, dict) else [answer]:
                    digest.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
        print(entry.name, digest.hexdigest(), str(model.dispatch) if sys.argv[1:] else "")
"""


def test_same_results_in_a_process_where_it_is_switched_off() -> None:
    quiet = SWITCHED_OFF.replace(
        "import hashlib", "import os\nos.dup2(os.open(os.devnull, os.O_WRONLY), 2)\nimport hashlib", 1
    )
    direct = answer_of(quiet)
    assert answer_of(quiet, environment={"ZEROLITE_DISPATCH": "runtime"}) == direct
    assert len(direct.splitlines()) == len(MODELS)


class Pair:
    """Two models of one file that get the same treatment, one dispatched by the runtime alone."""

    def __init__(self, entry: ModelEntry) -> None:
        self.entry = entry
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("ZEROLITE_DISPATCH", raising=False)
            self.free = zl.load(entry.path)
            _ = [signature.dispatch for signature in self.free.signatures.values()]  # the variable is read here
            patch.setenv("ZEROLITE_DISPATCH", "runtime")
            self.plain = zl.load(entry.path)
            assert all("ZEROLITE" in signature.dispatch.reason for signature in self.plain.signatures.values())
        self.key = self.free.key
        self.size = 1

    @property
    def signatures(self) -> tuple[zl.Signature, zl.Signature]:
        return self.free.signatures[self.key], self.plain.signatures[self.key]

    def both(self, action: Any) -> None:
        """Do the same to both, and have them agree on the outcome."""
        outcomes = [self._outcome(action, signature) for signature in self.signatures]
        assert type(outcomes[0]) is type(outcomes[1]), outcomes
        if isinstance(outcomes[0], dict):
            for name, array in outcomes[1].items():
                assert_same_bits(outcomes[0][name], array, name)

    def _outcome(self, action: Any, signature: zl.Signature) -> Any:
        try:
            action(signature)
            return {name: tensor.array.copy() for name, tensor in signature.outputs.items()}
        except (zl.Error, ValueError, TypeError) as error:
            return error

    def call(self, seed: int) -> None:
        inputs = random_inputs(self.entry, self.signatures[0], np.random.default_rng(seed))
        self.both(lambda signature: signature(*inputs))

    def run(self, seed: int) -> None:
        inputs = random_inputs(self.entry, self.signatures[0], np.random.default_rng(seed))

        def write_and_run(signature: zl.Signature) -> None:
            for tensor, values in zip(signature.inputs.values(), inputs, strict=True):
                if tensor.dtype != object and tensor.array.dtype == values.dtype:
                    tensor.array[...] = values
            signature.run()

        self.both(write_and_run)

    def bind(self, seed: int) -> None:
        def bind_some(signature: zl.Signature) -> None:
            for tensor in (*signature.inputs.values(), *signature.outputs.values()):
                if tensor.dtype != object and np.random.default_rng([seed, len(tensor.name)]).random() < 0.5:
                    array = zl.empty(tensor.shape, tensor.dtype)
                    if tensor.array.dtype == array.dtype:
                        array[...] = tensor.array
                    tensor.bind(array)

        self.both(bind_some)

    def unbind(self, seed: int) -> None:
        self.both(lambda signature: [tensor.unbind() for tensor in signature.outputs.values()])
        # An input's own memory is zeroed anew, which not every model can run on.
        self.call(seed)

    def resize(self, seed: int) -> None:
        size = seed % 5 + 1

        def all_inputs(signature: zl.Signature) -> None:
            shapes = {
                name: tuple(size if fixed < 0 else fixed for fixed in tensor.shape_signature)
                for name, tensor in signature.inputs.items()
            }
            signature.resize({name: shape for name, shape in shapes.items() if shape})

        self.both(all_inputs)

    def watch(self, seed: int) -> None:
        """Profile or trace the one that is free; nothing may come of it."""
        free, _ = self.signatures
        inputs = random_inputs(self.entry, free, np.random.default_rng(seed))
        dispatch = str(free.dispatch)

        def watch_free(signature: zl.Signature) -> None:
            if signature is not free:
                return
            with contextlib.suppress(zl.Error, ValueError, TypeError):  # where a run or a call fails as well
                if seed % 2:
                    signature.trace(*inputs)
                else:
                    signature.profile(runs=1)

        self.both(watch_free)
        assert str(free.dispatch) == dispatch

    def switch(self, seed: int) -> None:
        keys = list(self.free.signatures)
        self.key = keys[seed % len(keys)]

    def close(self) -> None:
        self.free.close()
        self.plain.close()


steps = st.tuples(
    st.sampled_from(
        [Pair.call, Pair.call, Pair.run, Pair.run, Pair.bind, Pair.unbind, Pair.resize, Pair.switch, Pair.watch]
    ),
    st.integers(0, 2**32 - 1),
)


LONG_ORDER = [
    *(Pair.call, Pair.run, Pair.run, Pair.bind, Pair.run, Pair.call, Pair.switch, Pair.call, Pair.resize),
    *(Pair.call, Pair.run, Pair.bind, Pair.run, Pair.switch, Pair.run, Pair.unbind, Pair.call, Pair.run),
]


@settings(max_examples=400)
@given(entry=st.sampled_from(MODELS), actions=st.lists(steps, min_size=1, max_size=12))
def test_any_order_of_uses_gives_the_same_bits(entry: ModelEntry, actions: list[Any]) -> None:
    pair = Pair(entry)
    try:
        for action, seed in actions:
            action(pair, seed)
    finally:
        pair.close()


@pytest.mark.parametrize("entry", MODELS, ids=str)
def test_every_model_in_one_long_order(entry: ModelEntry) -> None:
    pair = Pair(entry)
    try:
        for seed, action in enumerate(LONG_ORDER):
            action(pair, seed)
    finally:
        pair.close()


@given(st.lists(st.integers(0, 2**23 - 1), min_size=16, max_size=16), st.sampled_from(zoo.models("denormal")))
def test_denormals(bits: list[int], entry: ModelEntry) -> None:
    """A run treats denormals as the reference does, and leaves the thread's own arithmetic as it was."""
    values = np.array(bits, np.uint32).view(np.float32)
    expected = zoo.reference_run(entry.path, [values])
    smallest = np.float32(1e-45)
    with zl.load(entry.path) as model:
        for _ in range(3):
            answer = model(values)
            for actual, array in zip(answer.values() if isinstance(answer, dict) else [answer], expected, strict=True):
                assert_same_bits(actual, array, entry.name)
            assert smallest * np.float32(1) == smallest
            assert smallest + np.float32(0) > 0
