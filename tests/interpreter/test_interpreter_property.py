"""Any order of calls gives the same through `zl.Interpreter` as through the reference: values, details, errors.

What the reference leaves undefined is not compared: values of inputs before they are set, and of outputs before a run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support import model_zoo as zoo
from tests.support.interpreter_pair import InterpreterPair, same_details
from tests.support.model_zoo import Array

NAMES = (
    "dense_2layer",
    "small_cnn",
    "small_cnn_int8",
    "mixed_chain",
    "two_inputs_three_outputs",
    "no_signature",
    "multi_signature",
    "two_signatures_one_subgraph",
    "passthrough",
    "same_output_twice",
    "quantized_add_int16",
    "dynamic_after_dense",
    "while_loop",
    "counter_two_signatures",
    "svdf",
    "sequence_lstm",
    "rank_0",
    "dtype_bool",
    "dtype_int4_input",
)
SHOWN = "fiubc"  # kinds of dtypes that the reference shows before they are written
seeds = st.integers(0, 2**32 - 1)


class AnyOrder(RuleBasedStateMachine):
    """An interpreter of each kind, and everything that programs do with one."""

    @initialize(name=st.sampled_from(NAMES))
    def load(self, name: str) -> None:
        self.entry = zoo.load_manifest()[name]
        self.pair = InterpreterPair(self.entry.path)
        self.inputs = self.pair.theirs.get_input_details()
        self.ready = False  # allocated for the shapes that the inputs have
        self.touched = False  # allocated, or tried to
        self.defined: set[int] = set()  # tensors of the main subgraph whose values are not arbitrary

    def details(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = self.pair.theirs._get_tensor_details(index, 0)
        return found

    def value_for(self, index: int, seed: int) -> Array:
        (value,) = zoo.random_inputs([self.details(index)], np.random.default_rng(seed), ranges=self.entry.input_ranges)
        return value

    @rule()
    def allocate(self) -> None:
        done = self.pair.assert_same(lambda i: i.allocate_tensors(), "allocate_tensors")
        if not self.ready:
            self.defined.clear()
        self.ready = done is None
        self.touched = True

    @rule(which=st.integers(0, 3), seed=seeds)
    def set_input(self, which: int, seed: int) -> None:
        index = self.inputs[which % len(self.inputs)]["index"]
        value = self.value_for(index, seed)
        if self.pair.assert_same(lambda i: i.set_tensor(index, value), f"set_tensor({index})") is None:
            self.defined.add(index)

    @rule(which=st.integers(0, 3), seed=seeds, change=st.sampled_from(["dtype", "shape", "order", "list", "type"]))
    def set_something_odd(self, which: int, seed: int, change: str) -> None:
        index = self.inputs[which % len(self.inputs)]["index"]
        value: Any = self.value_for(index, seed)
        if change == "dtype":
            value = value.astype(np.float64 if value.dtype != np.float64 else np.float32)
        elif change == "shape":
            value = np.repeat(value[np.newaxis], 2, axis=0)
        elif change == "order":
            value = np.asfortranarray(value)
        elif change == "list":
            value = value.tolist()
        else:
            value = value.astype(value.dtype.newbyteorder("=")).copy()
        if self.pair.assert_same(lambda i: i.set_tensor(index, value), f"set_tensor({index}), {change}") is None:
            self.defined.add(index)

    @rule(repeat=st.integers(1, 3))
    def invoke(self, repeat: int) -> None:
        given = {detail["index"] for detail in self.inputs}
        if self.ready and not given <= self.defined:
            return  # kernels need not stand arbitrary values
        for _ in range(repeat):
            done = self.pair.assert_same(lambda i: i.invoke(), "invoke")
            if done is not None:
                return
        self.defined.update(detail["index"] for detail in self.pair.theirs.get_output_details())

    @rule(place=st.integers(0, 9))
    def get_input_or_output(self, place: int) -> None:
        if self.touched and not self.ready:
            return  # the reference would show memory that it has given back
        shown = [*self.inputs, *self.pair.theirs.get_output_details()]
        index = shown[place % len(shown)]["index"]
        if np.dtype(self.details(index)["dtype"]).kind not in SHOWN:
            return
        ours, theirs = self.pair.both(lambda i: i.get_tensor(index))
        if index in self.defined or not isinstance(theirs, np.ndarray | np.generic):
            assert same_details(ours, theirs), f"get_tensor({index}): {ours!r}, the reference {theirs!r}"
        else:
            assert type(ours) is type(theirs), f"get_tensor({index}): {ours!r}, the reference {theirs!r}"
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), f"get_tensor({index})"

    @rule(index=st.sampled_from([-1, 1000]))
    def get_nothing(self, index: int) -> None:
        self.pair.assert_same(lambda i: i.get_tensor(index), "get_tensor of no tensor")
        self.pair.assert_same(lambda i: i.get_tensor(0, index), "get_tensor of no subgraph")

    @rule(which=st.integers(0, 3), sizes=st.lists(st.sampled_from([1, 2, 3, 5]), min_size=4, max_size=4))
    def resize(self, which: int, sizes: list[int]) -> None:
        detail = self.details(self.inputs[which % len(self.inputs)]["index"])
        signature = detail["shape_signature"].tolist()
        shape = [sizes[axis % 4] if known < 0 else known for axis, known in enumerate(signature)]
        self.resize_to(detail["index"], shape, strict=False)

    @rule(which=st.integers(0, 3), axis=st.integers(0, 3), size=st.integers(1, 3), longer=st.booleans())
    def resize_strictly(self, which: int, axis: int, size: int, longer: bool) -> None:
        detail = self.details(self.inputs[which % len(self.inputs)]["index"])
        shape = detail["shape"].tolist()
        if shape and detail["shape_signature"].tolist()[axis % len(shape)] != -1:
            shape[axis % len(shape)] = size
        self.resize_to(detail["index"], shape + [1] * longer, strict=True)

    def resize_to(self, index: int, shape: list[int], *, strict: bool) -> None:
        before = self.details(index)["shape"].tolist()
        done = self.pair.assert_same(lambda i: i.resize_tensor_input(index, shape, strict=strict), f"resize to {shape}")
        if done is None and shape != before:
            self.ready = False
            self.defined.discard(index)

    @rule(index=st.sampled_from([-1, 1000]))
    def resize_nothing(self, index: int) -> None:
        self.pair.assert_same(lambda i: i.resize_tensor_input(index, [1]), "resize of no tensor")

    @rule()
    def tell(self) -> None:
        for subgraph in range(self.pair.theirs.num_subgraphs()):
            self.pair.assert_same_call("get_tensor_details", subgraph)
        self.pair.assert_same(lambda i: i.get_output_details(), "output details")

    @rule()
    def reset(self) -> None:
        self.pair.assert_same(lambda i: i.reset_all_variables(), "reset_all_variables")

    @rule(which=st.integers(0, 2), seed=seeds, batch=st.sampled_from([None, 1, 2, 3]))
    def run_signature(self, which: int, seed: int, batch: int | None) -> None:
        keys = list(self.pair.theirs.get_signature_list())
        if not keys:
            self.pair.assert_same(lambda i: i.get_signature_runner(), "no signature")
            return
        key = keys[which % len(keys)]
        details = self.pair.theirs.get_signature_runner(key).get_input_details()
        rng = np.random.default_rng(seed)
        inputs = zoo.random_inputs(details, rng, ranges=self.entry.input_ranges, dynamic_size=batch)
        answer = self.pair.assert_same(lambda i: i.get_signature_runner(key)(**inputs), f"signature {key}")
        subgraph = self.pair.ours._signature_subgraphs()[keys.index(key)]
        if subgraph == 0 and isinstance(answer, dict):
            self.ready = self.touched = True
            self.defined = {detail["index"] for detail in self.inputs + self.pair.theirs.get_output_details()}
        elif subgraph == 0:
            self.load(self.entry.name)  # what the reference leaves behind after a failure is arbitrary


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
