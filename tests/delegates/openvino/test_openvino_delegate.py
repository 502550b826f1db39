"""OpenVINO as a delegate: which graphs it gets, what comes out, and what a model can do with it."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.delegates.operator_cases import options, sums_overflow_here
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry
from zerolite.delegates.choice import DelegateChoice
from zerolite.delegates.openvino import OpenVino

pytest.importorskip("openvino", reason="needs the extra openvino")

DENSE = zoo.model_path("dense_2layer")
CNN = zoo.model_path("small_cnn")
with zl.load(DENSE) as dense:
    [X], [Y] = dense.inputs, dense.outputs

# How far floats may be away, as a part of the largest output. TensorFlow Lite rounds activations between operators of
# these, which OpenVINO computes in float32.
ROUNDED = {"dynamic_range": 0.03, "int16x8": 0.03, "int4_weights": 0.03, "mobilenet_int8_float_io": 0.03}
# How many steps of the output's scale quantized outputs may be away.
MOST_STEPS = 3


def values_of(signature: Any, seed: int = 0, ranges: Mapping[str, tuple[float, float]] | None = None) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    values = {}
    for name, tensor in signature.inputs.items():
        if tensor.dtype.kind == "f":
            values[name] = rng.normal(size=tensor.shape).astype(tensor.dtype)
        elif tensor.dtype.kind == "b":
            values[name] = rng.integers(0, 2, tensor.shape).astype(bool)
        else:
            limits = np.iinfo(tensor.dtype)
            least, most = (ranges or {}).get(name, (limits.min, limits.max))
            values[name] = rng.integers(int(least), int(most), tensor.shape, tensor.dtype, endpoint=True)
    return values


def by_name(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {"": answer}


def assert_near(actual: Any, expected: Any, name: str) -> None:
    part = next((part for word, part in ROUNDED.items() if word in name), 1e-5)
    actual, expected = by_name(actual), by_name(expected)
    assert actual.keys() == expected.keys()
    for key, values in expected.items():
        assert actual[key].shape == values.shape
        assert actual[key].dtype == values.dtype
        if values.dtype.kind == "f":
            largest = np.abs(values[np.isfinite(values)]).max(initial=1)
            np.testing.assert_allclose(actual[key], values, rtol=0, atol=part * largest)
        else:
            assert np.abs(actual[key].astype(np.int64) - values.astype(np.int64)).max(initial=0) <= MOST_STEPS


def numeric_models() -> list[ModelEntry]:
    return [entry for entry in zoo.load_manifest().values() if entry.runs]


@pytest.mark.parametrize("entry", numeric_models(), ids=str)
def test_every_model_answers_as_without_it(entry: ModelEntry) -> None:
    """Taken by OpenVINO, or left to the CPU with a reason."""
    with zl.load(entry.path) as plain, zl.load(entry.path, delegates=zl.OpenVino()) as model:
        taken = {part.subgraph for part in model.delegation.partitions if part.delegate == "OpenVINO"}
        reasons = dict(model.delegation.unused)
        if not taken:
            assert reasons.get("OpenVINO") or entry.name == "passthrough_only"
            return
        for key, signature in model.signatures.items():
            values = values_of(signature, ranges=entry.input_ranges)
            expected = plain.signatures[key](values)
            for _ in range(2):  # through the runtime, and directly
                assert_near(signature(values), expected, entry.name)


def test_which_models_it_takes() -> None:
    def takes(name: str) -> bool:
        with zl.load(zoo.model_path(name), delegates=zl.OpenVino()) as model:
            return set(model.delegation.operators) == {"OpenVINO"}

    assert all(map(takes, ["small_mobilenet", "small_cnn_dynamic_range", "names_missing"]))
    assert takes("small_mobilenet_int8") is not sums_overflow_here()


def test_products_of_8_bits() -> None:
    with zl.load(zoo.model_path("dense_2layer_int8"), delegates=zl.OpenVino()) as model:
        reason = dict(model.delegation.unused).get("OpenVINO", "")
    assert reason.startswith("the operator FULLY_CONNECTED multiplies 8-bit values") is sums_overflow_here()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("while_loop", "the operator WHILE runs other subgraphs"),
        ("counter", "the operator CALL_ONCE runs other subgraphs"),
        ("svdf", "tensor 'state' is a variable, which OpenVINO takes for an input"),
        ("string_gather", "tensor 'words' holds strings"),
        ("zero_size", "tensor 'x' is empty"),
        ("dtype_int64", "tensor 'x' holds int64, which OpenVINO computes as int32"),
        ("dtype_bfloat16", "tensor 'x' holds bfloat16, which OpenVINO does not compute"),
        ("sparse_weights", "tensor 'weights' is sparse"),
        ("random_numbers", "OpenVINO could not read the graph: No translator found for RANDOM_UNIFORM node."),
    ],
)
def test_what_it_does_not_get(name: str, reason: str) -> None:
    with zl.load(zoo.model_path(name), delegates=zl.OpenVino()) as model:
        assert dict(model.delegation.unused) == {"OpenVINO": reason}
        assert "OpenVINO" not in model.delegation.operators
    with pytest.raises(zl.DelegateError, match=r"fallback=False leaves no other way to run the model") as error:
        zl.load(zoo.model_path(name), delegates=zl.OpenVino(), fallback=False)
    assert reason in str(error.value)


def test_a_shape_that_only_a_run_tells() -> None:
    with zl.load(zoo.model_path("unique"), delegates=zl.OpenVino()) as model:
        assert "OpenVINO could not tell the shape of an output before a run" in model.delegation.unused[0].reason


def test_what_other_delegates_have_taken_from_it() -> None:
    with zl.load(CNN, delegates=[zl.XNNPack(), zl.OpenVino()]) as model:
        assert "OpenVINO" not in model.delegation.operators
        [unused] = model.delegation.unused
    assert unused.reason == "delegates before it have taken parts of the graph, and what they left is too small for it"


def differences(order: list[int], names: list[str]) -> bytes:
    """Four inputs of one shape, and the differences of neighbours in another order than their operators."""
    builder = GraphBuilder()
    inputs = [builder.tensor(name, (2, 3)) for name in names]
    outputs = [builder.tensor(f"{name}_out", (2, 3)) for name in names]
    for i in order:
        builder.operator(Op.SUB, [inputs[i], inputs[(i + 1) % 4]], [outputs[i]], options=options("Sub"))
    builder.interface([inputs[i] for i in order], [outputs[i] for i in reversed(order)])
    return builder.finish()


@given(st.permutations(range(4)), st.booleans())
def test_inputs_and_outputs_keep_their_places(order: list[int], alike: bool) -> None:
    content = differences(order, ["same"] * 4 if alike else list("dbca"))
    values = [np.full((2, 3), 10.0**i, np.float32) for i in range(4)]
    with zl.load(content) as plain, zl.load(content, delegates=zl.OpenVino(), fallback=False) as model:
        expected, actual = plain(*values), model(*values)
        assert list(actual) == list(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(actual[name], array)


def test_signatures_with_subgraphs_of_their_own() -> None:
    with (
        zl.load(zoo.model_path("multi_signature_with_default")) as plain,
        zl.load(zoo.model_path("multi_signature_with_default"), delegates=zl.OpenVino(), fallback=False) as model,
    ):
        assert len({part.subgraph for part in model.delegation.partitions}) == len(model.signatures) > 1
        for key, signature in model.signatures.items():
            values = values_of(signature)
            assert_near(signature(values), plain.signatures[key](values), key)


def test_shapes_forth_and_back() -> None:
    rng = np.random.default_rng(3)
    with zl.load(DENSE) as plain, zl.load(DENSE, delegates=zl.OpenVino()) as model:
        for rows in (1, 5, 2, 7, 3, 9, 1, 5):
            plain.resize({X: (rows, 64)})
            model.resize({X: (rows, 64)})
            x = rng.normal(size=(rows, 64)).astype(np.float32)
            for _ in range(2):
                assert_near(model(x), plain(x), "dense_2layer")


def test_shapes_that_it_does_not_take() -> None:
    with zl.load(CNN, delegates=zl.OpenVino()) as model:
        x = values_of(model)
        before = model(x)
        with pytest.raises(zl.Error):
            model.resize({next(iter(model.inputs)): (1, 27, 28, 1)}, strict=False)
        np.testing.assert_array_equal(model(x), before)


def test_batches() -> None:
    batch = np.random.default_rng(4).normal(size=(21, 64)).astype(np.float32)
    with zl.load(DENSE) as plain, zl.load(DENSE, delegates=zl.OpenVino()) as model:
        expected = plain.map(batch)
        assert_near(model.map(batch), expected, "dense_2layer")
        assert_near(model.map(batch, chunk=8), expected, "dense_2layer")
    with zl.Pool(DENSE, workers=2, delegates=zl.OpenVino()) as pool:
        assert_near(pool.map(batch), expected, "dense_2layer")


def test_memory_of_the_callers() -> None:
    with zl.load(DENSE) as plain, zl.load(DENSE, delegates=zl.OpenVino()) as model:
        for seed in range(3):
            x, y = zl.empty((1, 64), np.float32), zl.empty((1, 10), np.float32)
            x[:] = values_of(model, seed)[X]
            model.bind({X: x, Y: y})
            model.run()
            assert_near(y, plain(x), "dense_2layer")


def test_runs_are_dispatched_directly() -> None:
    with zl.load(CNN, delegates=zl.OpenVino()) as model:
        model(values_of(model))
        assert model.dispatch == "direct"


def test_a_profile_has_it_as_one_part() -> None:
    with zl.load(CNN, delegates=zl.OpenVino()) as model:
        profile = model.profile(runs=3)
    assert {operator.delegate for operator in profile.operators} == {"OpenVINO"}


def test_threads() -> None:
    def threads_of(delegate: OpenVino, threads: int | None = None, cpu: int = 1) -> int | None:
        choice = DelegateChoice([delegate, zl.XNNPack(threads=cpu)], threads=threads)
        [chosen] = choice.before
        assert isinstance(chosen, OpenVino)
        return chosen.threads

    assert threads_of(zl.OpenVino()) == 1
    assert threads_of(zl.OpenVino(), cpu=3) == 3
    assert threads_of(zl.OpenVino(threads=2), cpu=3) == 2
    assert threads_of(zl.OpenVino(threads=2), threads=4) == 4
    with zl.load(CNN) as plain, zl.load(CNN, delegates=zl.OpenVino(threads=2)) as model:
        assert_near(model(values_of(model)), plain(values_of(plain)), "small_cnn")
        assert model.delegation.threads == 2
    with zl.load(zoo.model_path("counter"), delegates=zl.OpenVino(threads=2)) as model:
        assert model.delegation.threads == 1  # OpenVINO has no part of it


def test_models_of_one_process_at_once() -> None:
    with zl.load(CNN) as plain:
        expected = [plain(values_of(plain, seed)) for seed in range(4)]
    failures = []

    def use(seed: int) -> None:
        try:
            with zl.load(CNN, delegates=zl.OpenVino(threads=2)) as model:
                for _ in range(20):
                    assert_near(model(values_of(model, seed)), expected[seed], "small_cnn")
        except BaseException as error:  # noqa: BLE001 - an assertion of another thread is lost else
            failures.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_options_of_openvino() -> None:
    with zl.load(CNN, delegates=zl.OpenVino(options={"NO_SUCH_OPTION": "1"})) as model:
        [unused] = model.delegation.unused
    assert "NO_SUCH_OPTION" in unused.reason
    with zl.load(CNN, delegates=zl.OpenVino(device="NO_SUCH_DEVICE")) as model:
        [unused] = model.delegation.unused
    assert "NO_SUCH_DEVICE" in unused.reason
    delegate = zl.OpenVino(precision="bf16", options={"INFERENCE_PRECISION_HINT": "f32"})
    with zl.load(CNN) as plain, zl.load(CNN, delegates=delegate, fallback=False) as model:
        assert_near(model(values_of(model)), plain(values_of(plain)), "small_cnn")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"threads": 0}, ValueError, "threads is 0, and must be from 1 to 1024, or None"),
        ({"threads": "2"}, TypeError, "threads is '2', and must be an int"),
        ({"precision": "fp32"}, ValueError, "precision is 'fp32', and must be one of 'f32', 'bf16', 'f16', or None"),
        ({"device": ""}, ValueError, "device is '', and must be text"),
        ({"device": 1}, TypeError, "device is 1, and must be a str"),
        ({"options": {"A": 1}}, TypeError, "the option A is 1, and must be a str"),
        ({"options": {"A\0": "1"}}, ValueError, "without null characters"),
        ({"options": {"CACHE_ENCRYPTION_CALLBACKS": "1"}}, ValueError, "CACHE_ENCRYPTION_CALLBACKS takes an address"),
    ],
)
def test_wrong_settings(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        zl.OpenVino(**arguments)
    assert message in str(raised.value)


def test_settings_are_a_value() -> None:
    delegate = zl.OpenVino(threads=2, options={"ENABLE_HYPER_THREADING": "NO"})
    assert delegate == zl.OpenVino(**delegate.arguments)
    assert hash(delegate) == hash(zl.OpenVino(**delegate.arguments))
    assert delegate != zl.OpenVino(threads=2)
    assert repr(delegate) == "OpenVino(threads=2, options={'ENABLE_HYPER_THREADING': 'NO'})"
    assert DelegateChoice.from_json(DelegateChoice([delegate], threads=None).to_json()).before == [delegate]
    with pytest.raises(ValueError, match="second OpenVINO"):
        DelegateChoice([zl.OpenVino(), delegate], threads=None)


def test_a_model_in_another_process() -> None:
    with zl.load(CNN, delegates=zl.OpenVino(), fallback=False) as model:
        x = values_of(model)
        expected = model(x)
        with pickle.loads(pickle.dumps(model)) as copy:
            assert set(copy.delegation.operators) == {"OpenVINO"}
            np.testing.assert_array_equal(copy(x), expected)


def test_an_isolated_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with zl.load(CNN, delegates=zl.OpenVino(), verify="isolated") as model:
        assert set(model.delegation.operators) == {"OpenVINO"}
