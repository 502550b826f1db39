"""Any interleaving of what can be done with models gives the same bits, however their runs are dispatched.

Two files of different models are in use at the same time, each loaded twice: once dispatched as zerolite likes, once by
the runtime alone. What is done to one is done to its twin, and they have to agree on every outcome.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import zerolite as zl
from tests.calls.test_dispatch import Pair
from tests.support import model_zoo as zoo
from tests.support.batches import MODELS, Items, as_argument, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import Array, ModelEntry
from tests.support.reference_model import random_inputs

PATIENCE = 60
BY_NAME = {entry.name: entry for entry in MODELS}
# One of each kind more often than any other: delegated, mixed, quantized, dynamic, late outputs, several signatures.
FAVOURITES = (
    "dense_2layer",
    "small_cnn",
    "small_cnn_int8",
    "mixed_chain",
    "argmax",
    "topk",
    "counter_two_signatures",
    "two_signatures_one_subgraph",
    "passthrough",
    "dynamic_after_dense",
    "lstm",
)
entries = st.sampled_from(FAVOURITES).map(BY_NAME.__getitem__) | st.sampled_from(MODELS)
seeds = st.integers(0, 2**32 - 1)
which = st.booleans()


def answer_or_error(action: Any, signature: zl.Signature) -> dict[str, Array] | type[Exception]:
    try:
        return outputs_by_name(signature, action(signature))
    except (zl.Error, ValueError, TypeError) as error:
        return type(error)


class AnyOrder(RuleBasedStateMachine):
    """Two pairs of twins, and everything that users do."""

    @initialize(first=entries, second=entries)
    def load(self, first: ModelEntry, second: ModelEntry) -> None:
        self.pairs = [Pair(first), Pair(second)]

    @rule(second=which, seed=seeds)
    def call(self, second: bool, seed: int) -> None:
        self.pairs[second].call(seed)

    @rule(second=which, seed=seeds, times=st.integers(1, 3))
    def run(self, second: bool, seed: int, times: int) -> None:
        for _ in range(times):
            self.pairs[second].run(seed)

    @rule(second=which, seed=seeds)
    def bind(self, second: bool, seed: int) -> None:
        self.pairs[second].bind(seed)

    @rule(second=which, seed=seeds)
    def unbind(self, second: bool, seed: int) -> None:
        self.pairs[second].unbind(seed)

    @rule(second=which, seed=seeds)
    def resize(self, second: bool, seed: int) -> None:
        self.pairs[second].resize(seed)

    @rule(second=which, seed=seeds)
    def watch(self, second: bool, seed: int) -> None:
        self.pairs[second].watch(seed)

    @rule(second=which, seed=seeds)
    def switch(self, second: bool, seed: int) -> None:
        self.pairs[second].switch(seed)

    @rule(second=which, seed=seeds, runs=st.integers(0, 9), chunk=st.none() | st.integers(1, 12))
    def map(self, second: bool, seed: int, runs: int, chunk: int | None) -> None:
        pair = self.pairs[second]
        free, plain = pair.signatures
        if len(free.inputs) == 0:
            return
        rng = np.random.default_rng(seed)
        items = [random_inputs(pair.entry, free, rng) for _ in range(runs)] or [random_inputs(pair.entry, free, rng)]
        join = np.concatenate if Items(pair.entry, pair.key).along_leading_axis else np.stack
        columns = zip(*items, strict=True)
        batch = {name: join(column)[: None if runs else 0] for name, column in zip(free.inputs, columns, strict=True)}
        # What is fastest is measured, and may differ between the twins; the bits may not.
        answers = [answer_or_error(lambda s: s.map(as_argument(batch), chunk=chunk), twin) for twin in (free, plain)]
        if isinstance(answers[1], dict):
            assert isinstance(answers[0], dict), answers
            for name, array in answers[1].items():
                assert_same_bits(answers[0][name], array, name)
        else:
            assert answers[0] == answers[1]
        pair.call(seed)

    @rule(second=which)
    def load_again(self, second: bool) -> None:
        entry = self.pairs[second].entry
        self.pairs[second].close()
        self.pairs[second] = Pair(entry)

    def teardown(self) -> None:
        for pair in getattr(self, "pairs", []):
            pair.close()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow])


class AnyOrderAtLength(AnyOrder):
    """The same, for longer."""


AnyOrderAtLength.TestCase.settings = settings(max_examples=300, stateful_step_count=40)
TestAnyOrderAtLength = pytest.mark.slow(AnyOrderAtLength.TestCase)


@pytest.mark.parametrize(
    "name", ["dense_2layer", "mixed_chain", "small_cnn_int8", "topk", "two_signatures_one_subgraph"]
)
def test_threads_with_both_ways_of_dispatch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One model is dispatched directly and its twin by the runtime, both from several threads, with resizes between."""
    entry = zoo.load_manifest()[name]
    monkeypatch.delenv("ZEROLITE_DISPATCH", raising=False)
    free = zl.load(entry.path)
    _ = [signature.dispatch for signature in free.signatures.values()]
    monkeypatch.setenv("ZEROLITE_DISPATCH", "runtime")
    with free, zl.load(entry.path) as plain:
        assert all("ZEROLITE" in signature.dispatch.reason for signature in plain.signatures.values())
        keys = list(free.signatures)
        items = {key: Items(entry, key) for key in keys}
        batches = {
            key: [items[key].batch(free.signatures[key], 8 * items[key].per_run, seed) for seed in range(4)]
            for key in keys
        }
        expected = {key: [items[key].expected(batch) for batch in batches[key]] for key in keys}
        start = threading.Barrier(4)

        def work(index: int) -> None:
            start.wait(PATIENCE)
            for round_ in range(15):
                for model in (free, plain):
                    key = keys[(index + round_) % len(keys)]
                    chunk = (None, 1, 3)[round_ % 3] if items[key].resizable else None
                    signature = model.signatures[key]
                    answer = outputs_by_name(signature, signature.map(as_argument(batches[key][index]), chunk=chunk))
                    for output, array in expected[key][index].items():
                        assert_same_bits(answer[output], array, output)

        with ThreadPoolExecutor(4) as threads:
            for future in [threads.submit(work, index) for index in range(4)]:
                future.result(PATIENCE)
