"""`model.profile`: what it tells, and that it leaves the model alone."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.batches import MODELS, outputs_by_name
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import ModelEntry
from tests.support.reference_model import random_inputs
from tests.support.sample_libraries import SampleDelegate
from zerolite._instrumentation.kernel_operators import operators_of_kernels
from zerolite._instrumentation.operator_times import REST, operator_times
from zerolite._instrumentation.profiled_run import ProfiledRun, TimedNode

RUNS = 4


def test_a_model_that_xnnpack_takes_whole() -> None:
    with zl.load(zoo.model_path("small_mobilenet")) as model:
        profile = model.profile(runs=RUNS)
    assert profile.runs == RUNS
    assert {one.delegate for one in profile.operators} == {"XNNPACK"}
    kernels = [one.type for one in profile.operators]
    assert REST in kernels
    assert sum("Convolution" in kernel for kernel in kernels) >= 3
    assert all(one.count == RUNS for one in profile.operators)
    assert sum(one.share for one in profile.operators) == pytest.approx(1)
    totals = [one.total_us for one in profile.operators]
    assert totals == sorted(totals, reverse=True)
    assert sum(totals) + profile.outside_us >= 0.99 * sum(totals)


def test_builtin_kernels_one_by_one() -> None:
    with zl.load(zoo.model_path("small_mobilenet"), delegates=zl.XNNPack(kernels="builtin")) as model:
        profile = model.profile(runs=RUNS)
        operators = model.delegation.builtin[0].operators
    assert sorted(one.type for one in profile.operators) == sorted(operators)
    assert all(one.delegate == "builtin" and one.total_us > 0 for one in profile.operators)
    assert len({one.name for one in profile.operators}) == len(operators)


def test_graphs_that_operators_run() -> None:
    with zl.load(zoo.model_path("while_loop")) as model:
        model(*random_inputs(zoo.load_manifest()["while_loop"], model, np.random.default_rng(0)))
        profile = model.profile(runs=RUNS)
    loop = [one for one in profile.operators if one.type == "WHILE"]
    assert [one.count for one in loop] == [RUNS]
    inside = [one for one in profile.operators if one.subgraph > 0]
    assert any(one.count > RUNS for one in inside)
    assert sum(one.share for one in profile.operators) == pytest.approx(1), "nothing is counted twice"


@pytest.mark.parametrize("name", ["small_cnn", "small_cnn_int8", "small_mobilenet", "small_mobilenet_int8"])
def test_kernels_in_a_partition_have_the_names_of_their_layers(name: str) -> None:
    """As the builtin kernels have them, each of which is an operator of the file."""
    layers: dict[str, list[str]] = {}
    for kernels in ("builtin", "delegate"):
        with zl.load(zoo.model_path(name), delegates=zl.XNNPack(kernels=kernels)) as model:
            operators = model.profile(runs=1).operators
        layers[kernels] = sorted(
            one.name
            for one in operators
            if one.type in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
            or one.type.startswith(("Convolution", "Fully Connected"))
        )
    assert layers["delegate"] == layers["builtin"] != []


@pytest.mark.parametrize(
    ("kernels", "operators", "expected"),
    [
        ((), (("ADD", "a"),), ()),
        (("Add (ND)",), (), (None,)),
        (("Add (ND)", "Multiply (ND)"), (("ADD", "a"), ("RELU", "b"), ("MUL", "c")), ("a", "c")),
        (("Static Reshape (NC)", "Add (ND)"), (("ADD", "a"),), (None, "a")),
        (
            ("Convolution (NHWC, F32) DWConv", "Convolution (NHWC, F32) IGEMM"),
            (("CONV_2D", "a"), ("DEPTHWISE_CONV_2D", "b"), ("CONV_2D", "c")),
            ("b", "c"),
        ),
        (("HardSwish (NC)", "Softmax (NC, F32)"), (("HARD_SWISH", "a"), ("SOFTMAX", "b")), ("a", "b")),
    ],
)
def test_kernels_are_aligned_with_operators(
    kernels: tuple[str, ...], operators: tuple[tuple[str, str], ...], expected: tuple[str | None, ...]
) -> None:
    assert operators_of_kernels(kernels, operators) == expected


def test_external_delegates(sample_delegate: SampleDelegate) -> None:
    delegate = zl.ExternalDelegate(sample_delegate.path)
    with zl.load(zoo.model_path("two_inputs_three_outputs"), delegates=delegate) as model:
        taken = [part for part in model.delegation.partitions if part.delegate != "XNNPACK"]
        profile = model.profile(runs=RUNS)
    assert taken
    named = [one for one in profile.operators if one.delegate == taken[0].delegate]
    assert len(named) == len(taken)
    assert all("ADD" in one.type for one in named)


@pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
def test_every_model(entry: ModelEntry) -> None:
    with zl.load(entry.path) as model:
        for signature in model.signatures.values():
            inputs = random_inputs(entry, signature, np.random.default_rng(0))
            expected = outputs_by_name(signature, signature(*inputs))
            profile = signature.profile(runs=1)
            assert profile.signature == signature.key
            assert profile.operators or entry.name == "passthrough_only"
            for name, array in expected.items():
                found = signature.outputs[name].array
                if array.dtype.kind in "biufc":
                    assert_same_bits(found, array, f"{name} after the profile")


def test_the_model_is_left_alone() -> None:
    with zl.load(zoo.model_path("counter")) as model:
        step = model.inputs[0]
        buffer = zl.empty(step.shape, step.dtype)
        buffer[...] = 1
        model.bind({step.name: buffer})
        for _ in range(5):
            model.run()
        before = model.outputs[0].array.copy()
        dispatch = str(model.dispatch)
        model.profile(runs=RUNS)
        assert_same_bits(model.outputs[0].array, before, "the outputs")
        assert str(model.dispatch) == dispatch
        model.run()
        assert model.outputs[0].array.ravel()[0] == before.ravel()[0] + 1, "the variables"
        assert (buffer == 1).all()
        assert model.inputs[0].array.ctypes.data == buffer.ctypes.data


def test_it_runs_over_the_values_of_now() -> None:
    with zl.load(zoo.model_path("conditional")) as model:
        branches = []
        for value in (-5.0, 5.0):
            model(np.full(model.inputs[0].shape, value, np.float32))
            branches.append({one.subgraph for one in model.profile(runs=1).operators})
    assert branches[0] != branches[1]


def test_shapes_of_now() -> None:
    with zl.load(zoo.model_path("dense_2layer"), delegates=zl.XNNPack(kernels="builtin")) as model:
        small = model.profile(runs=20)
        model.resize({model.inputs[0].name: (512, *model.inputs[0].shape[1:])})
        large = model.profile(runs=20)
    assert large.plain_us > 5 * small.plain_us


def test_what_it_writes(tmp_path: Path) -> None:
    with zl.load(zoo.model_path("mixed_chain")) as model:
        profile = model.profile(runs=RUNS)
    document = json.loads(profile.to_json())
    assert document["runs"] == RUNS
    assert len(document["operators"]) == len(profile.operators)
    assert document["overhead"] == pytest.approx(document["profiled_us"] / document["plain_us"] - 1)
    lines = list(csv.DictReader(io.StringIO(profile.to_csv())))
    assert [line["type"] for line in lines] == [one.type for one in profile.operators]
    assert profile.operators[0].name in str(profile)
    assert profile.summary in str(profile)

    profile.save_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert sum(event["cat"] == "run" for event in slices) == RUNS
    runs = sorted((event["ts"], event["ts"] + event["dur"]) for event in slices if event["cat"] == "run")
    assert all(first[1] <= second[0] + 1e-6 for first, second in itertools.pairwise(runs))
    for event in slices:
        if event["cat"] == "node":
            assert any(begin <= event["ts"] and event["ts"] + event["dur"] <= end for begin, end in runs)


def test_own_time_is_without_what_runs_inside() -> None:
    nodes = [
        TimedNode(0, 0, 0, 100, []),
        TimedNode(0, 1, 100, 500, []),
        TimedNode(1, 0, 150, 200, []),
        TimedNode(2, 0, 200, 50, []),
        TimedNode(1, 1, 400, 100, []),
        TimedNode(0, 2, 700, 10, []),
    ]
    assert ProfiledRun(800, nodes).own_ns() == [100, 200, 150, 50, 100, 10]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**6)), min_size=1, max_size=8), min_size=1, max_size=5
    )
)
@settings(max_examples=50)
def test_sums(runs: list[list[tuple[int, int]]]) -> None:
    profiled = []
    for durations in runs:
        nodes, begin = [], 0
        for node, elapsed in durations:
            nodes.append(TimedNode(0, node, begin, elapsed, []))
            begin += elapsed
        profiled.append(ProfiledRun(begin, nodes))
    operators = operator_times({}, profiled)
    assert sum(one.count for one in operators) == sum(map(len, runs))
    assert 1000 * sum(one.total_us for one in operators) == pytest.approx(sum(run.elapsed_ns for run in profiled))


def test_progress_and_refusals() -> None:
    with zl.load(zoo.model_path("dense_2layer")) as model:
        calls: list[tuple[int, int]] = []
        model.profile(runs=3, progress=lambda done, total: calls.append((done, total)))
        assert calls == [(1, 3), (2, 3), (3, 3)]
        for wrong in (0, -1):
            with pytest.raises(ValueError, match="at least 1"):
                model.profile(runs=wrong)
        with pytest.raises(TypeError, match="must be an int"):
            model.profile(runs=1.5)  # type: ignore[arg-type]
    with pytest.raises(zl.Error, match="closed"):
        model.profile()
