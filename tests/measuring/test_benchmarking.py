"""Measuring: what is timed is the same work everywhere, in turns, and is told completely. No test judges a time."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo
from zerolite._timing.interleaved import interleave
from zerolite._timing.stopwatch import clock_cost
from zerolite.benchmarking import (
    ENGINES,
    FIRST_RESULT_FIGURES,
    LATENCY_STATISTICS,
    BenchmarkResult,
    FreshProcess,
    Ratio,
    benchmark,
    first_results_in_turns,
    make_inputs,
    open_quietly,
    time_interleaved,
)
from zerolite.delegates import Delegate

DENSE = model_zoo.model_path("dense_2layer")
SHORT: dict[str, Any] = {"seconds": 0.004, "turns": 2, "warmup_s": 0.0}
TIMING: dict[str, Any] = {"seconds": 0.004, "rounds": 2, "warmup": 0.0}
WITHOUT_PROCESSES: dict[str, Any] = {**SHORT, "processes": 0}
OTHERS = ("litert", "compiled_model")


@pytest.fixture(scope="module")
def compared() -> BenchmarkResult:
    return benchmark(DENSE, against=["litert"], processes=2, **SHORT)


# The result


def test_result_tells_everything(compared: BenchmarkResult) -> None:
    assert [result.runtime for result in compared.runtimes] == ["zerolite", "litert"]
    assert compared.model == {
        "file": str(DENSE),
        "size_bytes": DENSE.stat().st_size,
        "signature": "serving_default",
        "dispatch": "direct",
    }
    for result in compared.runtimes:
        for timing in (result.call, result.invoke):
            assert timing is not None
            assert timing.rounds_ns.shape == (2,)
            latency = timing.latency_us()
            assert tuple(latency) == LATENCY_STATISTICS
            assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p95"] <= latency["p99"]
            assert latency["p99"] <= latency["max"]
            assert timing.items_per_second == pytest.approx(1e6 / timing.per_call_us)
        assert result.first_result is not None
        assert len(result.first_result.processes) == 2
        for process in result.first_result.processes:
            parts = process.import_ms + process.load_ms + process.first_inference_ms
            assert 0 < parts < process.start_to_first_result_ms
            assert process.peak_rss_bytes > 2**20


def test_json_keeps_its_layout(compared: BenchmarkResult) -> None:
    document = json.loads(compared.to_json())
    assert document == json.loads(json.dumps(compared.to_dict()))
    assert list(document) == ["schema", "model", "settings", "machine", "runtimes", "ratios"]
    assert document["schema"] == 1
    assert {"processor", "cores", "system", "python", "numpy", "date"} <= set(document["machine"])
    assert document["settings"] == {
        "threads": None,
        "workers": None,
        "batch": None,
        "inputs": "random",
        "seed": 0,
        "seconds": 0.004,
        "turns": 2,
        "warmup_s": 0.0,
        "processes": 2,
        "delegates": None,
    }
    for runtime in document["runtimes"]:
        assert list(runtime) == ["runtime", "version", "call", "invoke", "first_result"]
        assert list(runtime["call"]) == [
            "per_call_us",
            "items_per_call",
            "items_per_second",
            "latency_us",
            "calls",
            "rounds_us",
        ]
        assert list(runtime["first_result"]) == [*FIRST_RESULT_FIGURES, "processes"]
    assert {(ratio["against"], ratio["figure"]) for ratio in document["ratios"]} == {
        ("litert", figure) for figure in ("call", "invoke", *FIRST_RESULT_FIGURES)
    }


def test_csv_holds_one_number_a_line(compared: BenchmarkResult) -> None:
    lines = list(csv.DictReader(io.StringIO(compared.to_csv())))
    assert all(float(line["value"]) >= 0 and line["unit"] for line in lines)
    found = {(line["runtime"], line["figure"], line["statistic"]): float(line["value"]) for line in lines}
    assert len(found) == len(lines)
    assert found["litert", "call", "p99"] == compared.others["litert"].call.latency_us()["p99"]
    ratio = compared.ratio("litert", "peak_rss_bytes")
    assert ratio is not None
    assert found["zerolite/litert", "peak_rss_bytes", "median"] == ratio.median


def test_ratio_is_taken_round_by_round(compared: BenchmarkResult) -> None:
    ratio = compared.ratio("litert")
    assert ratio is not None
    expected = compared.zerolite.call.rounds_ns / compared.others["litert"].call.rounds_ns
    assert ratio.by_round == tuple(expected)
    with pytest.raises(ValueError, match="no figure 'speed'"):
        compared.ratio("litert", "speed")
    with pytest.raises(ValueError, match="'tf' was not compared with"):
        compared.ratio("tf")


@given(st.lists(st.tuples(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6)), min_size=1, max_size=9))
def test_ratio_spread_is_in_order(rounds: list[tuple[float, float]]) -> None:
    ratio = Ratio.of([above for above, _ in rounds], [below for _, below in rounds])
    (q1, q3), (low, high) = ratio.quartiles, ratio.range
    ordered = [low, q1, ratio.median, q3, high]
    assert ordered == pytest.approx(sorted(ordered))
    assert len(ratio.by_round) == len(rounds)


@pytest.mark.parametrize(("above", "below"), [([1.0], [1.0, 2.0]), ([], []), ([1.0], [0.0]), ([[1.0]], [[1.0]])])
def test_ratio_refuses_what_has_none(above: Any, below: Any) -> None:
    with pytest.raises(ValueError, match="ratio needs"):
        Ratio.of(above, below)


# Timing


def test_each_round_begins_with_another_one() -> None:
    assert ["".join(order) for order in interleave("abc", 4)] == ["abc", "bca", "cab", "abc"]
    assert list(interleave(["only"], 2)) == [["only"]] * 2
    endless = interleave(("a", "b"))
    assert [next(endless)[0] for _ in range(5)] == ["a", "b", "a", "b", "a"]


def test_works_take_turns() -> None:
    order: list[str] = []
    works = {name: ("order.append(name)", {"order": order, "name": name}) for name in "ab"}
    timings = time_interleaved(works, **{**TIMING, "rounds": 3})
    assert set(timings) == {"a", "b"}
    turns = [name for place, name in enumerate(order) if place == 0 or order[place - 1] != name]
    # One warm-up of each, then a b, a b, a b.
    assert "".join(turns) == "ab" + "ab" * 3
    assert all(timing.rounds_ns.shape == (3,) and timing.calls_ns.size >= 3 for timing in timings.values())


def test_time_is_told_per_call() -> None:
    # The work moves the clock itself by 5 µs, so that the result does not depend on the machine.
    clock = _Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zerolite._timing.stopwatch.time.perf_counter_ns", clock)
        clock_cost.cache_clear()
        timing = time_interleaved({"work": ("clock.now += 5000", {"clock": clock})}, **TIMING)["work"]
    clock_cost.cache_clear()
    np.testing.assert_allclose(timing.rounds_ns, 5000, rtol=0.02)
    np.testing.assert_allclose(timing.calls_ns, 5000 + clock.cost)


class _Clock:
    """A clock that moves when it is read, by 100 ns, and when it is told to."""

    cost = 100

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += self.cost
        return self.now


@pytest.mark.parametrize("options", [{"seconds": -1.0}, {"warmup": float("nan")}, {"rounds": 0}])
def test_impossible_timing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least"):
        time_interleaved({"work": ("pass", {})}, **{**TIMING, **options})


# The work


@pytest.mark.parametrize(
    "name",
    [
        "dense_2layer",
        "small_cnn_int8",
        "two_inputs_three_outputs",
        "no_signature_two_inputs",
        "multi_signature",
        "signature_order_differs",
    ],
)
@pytest.mark.parametrize("runtime", OTHERS)
def test_runtimes_do_the_same_work(name: str, runtime: str) -> None:
    """The statements that are timed give every runtime the same inputs, and all outputs are read."""
    path = model_zoo.model_path(name)
    with zl.load(path) as model:
        outputs = _outputs_after(model, "zerolite", path)
        others = _outputs_after(model, runtime, path)
    assert set(others) == set(outputs)
    for key, value in outputs.items():
        np.testing.assert_allclose(others[key].reshape(value.shape), value, rtol=1e-5, atol=1e-6, err_msg=key)


def _outputs_after(model: zl.CompiledModel, runtime: str, path: Path) -> dict[str, Any]:
    """Output name -> what the timed statement of the runtime read, for the same values by input name."""
    arrays = dict(zip(model.inputs, make_inputs({n: (t.shape, t.dtype) for n, t in model.inputs.items()}), strict=True))
    with open_quietly(runtime, path, signature=model.key) as session:
        by_name = set(session.inputs) == set(arrays)
        statement, scope = session.call([arrays[key] for key in session.inputs] if by_name else [*arrays.values()])
        exec(statement, scope)
        found = {key: value for key, value in scope.items() if key.startswith("y")}
        names = session.outputs if by_name else list(model.outputs)
        if set(found) == {"y"}:
            value = found["y"]
            return dict(value) if isinstance(value, dict) else {names[0]: value}
        return {names[int(key[1:])]: value for key, value in found.items()}


@pytest.mark.parametrize("name", ["dense_2layer", "fixed_batch", "small_cnn_int8"])
@pytest.mark.parametrize("runtime", OTHERS)
def test_batches_hold_the_same_results(name: str, runtime: str) -> None:
    path = model_zoo.model_path(name)
    results = {}
    for each in ("zerolite", runtime):
        with open_quietly(each, path) as session:
            ((per_run, *_), _), *_ = session.inputs.values()
            statement, scope = session.batch(make_inputs(session.inputs, items=4), per_run)
            exec(statement, scope)
            results[each] = scope["y" if each == "zerolite" else "result0"]
    np.testing.assert_allclose(results[runtime], results["zerolite"], rtol=1e-5, atol=1e-6)


def test_inputs_are_the_same_every_time() -> None:
    specs = {"x": ((2, 3), np.float32), "i": ((4,), np.int8), "index": ((5,), np.int64), "word": ((1,), np.object_)}
    first, again, other = make_inputs(specs), make_inputs(specs), make_inputs(specs, seed=1)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], other[0])
    assert [array.dtype for array in first] == [np.float32, np.int8, np.int64, np.object_]
    assert set(first[2]) <= {0, 1}
    assert all(not array.any() for array in make_inputs(specs, "zeros"))
    assert make_inputs(specs, items=7)[0].shape == (7, 3)
    with pytest.raises(ValueError, match="random, zeros"):
        make_inputs(specs, "ones")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [entry.name for entry in model_zoo.models("keras")])
def test_models_of_every_kind_are_benchmarked(name: str) -> None:
    result = benchmark(model_zoo.model_path(name), against=["litert"], **WITHOUT_PROCESSES)
    assert result.ratio("litert") is not None
    assert result.ratio("litert", "invoke") is not None
    assert result.ratio("litert", "load_ms") is None


# Sources and options


def test_bytes_are_a_model() -> None:
    result = benchmark(DENSE.read_bytes(), processes=1, **SHORT)
    assert result.model["file"] is None
    assert result.zerolite.first_result is not None


def test_loaded_model_is_timed_as_it_is() -> None:
    with zl.load(DENSE) as model:
        result = benchmark(model, **SHORT)
        assert not model.closed
    assert result.zerolite.first_result is None
    assert result.zerolite.invoke is not None
    with zl.load(DENSE) as model, pytest.raises(ValueError, match="against needs the model itself"):
        benchmark(model, against=["litert"], **SHORT)


@pytest.mark.parametrize("options", [{"batch": 6}, {"workers": 2, "batch": 6}])
def test_batches_are_timed_as_a_whole(options: dict[str, Any]) -> None:
    result = benchmark(DENSE, against=["litert"], **options, **WITHOUT_PROCESSES)
    for one in result.runtimes:
        assert one.invoke is None
        assert one.call.items_per_call == 6
        assert one.call.items_per_second == pytest.approx(6e6 / one.call.per_call_us)


def test_workers_have_a_batch_of_their_own() -> None:
    result = benchmark(DENSE, workers=2, **WITHOUT_PROCESSES)
    assert result.settings["batch"] == result.zerolite.call.items_per_call == 32


def test_batch_has_to_fit_the_model() -> None:
    with pytest.raises(ValueError, match="2 items at a time"):
        benchmark(model_zoo.model_path("fixed_batch"), batch=3, **WITHOUT_PROCESSES)
    with pytest.raises(ValueError, match="same leading axis"):
        benchmark(model_zoo.model_path("rank_0"), batch=2, **WITHOUT_PROCESSES)


def test_signature_is_chosen() -> None:
    path = model_zoo.model_path("multi_signature")
    result = benchmark(path, signature="mean", against=list(OTHERS), processes=1, **SHORT)
    assert result.model["signature"] == "mean"
    # The interpreter runs this signature by its runner only, so it has no call that only runs.
    assert result.ratio("litert", "invoke") is None
    assert result.ratio("compiled_model", "invoke") is not None
    with pytest.raises(ValueError, match="no signature 'median'; it has"):
        benchmark(path, signature="median", **WITHOUT_PROCESSES)


def test_delegates_reach_fresh_processes(tmp_path: Path) -> None:
    """A weight cache is written by whoever loads the model, and the flags show that all settings came along."""
    cache = tmp_path / "weights.xnnpack"
    delegate = zl.XNNPack(weight_cache=cache, flags={"qs8": False})
    with FreshProcess("zerolite", DENSE, delegates=delegate) as process:
        assert process.first_result.load_ms > 0
    assert cache.exists()
    result = benchmark(DENSE, delegates=zl.XNNPack(kernels="reference"), processes=1, **SHORT)
    assert "reference" in result.settings["delegates"]
    assert result.zerolite.first_result is not None


def test_delegates_of_others_are_not_sent() -> None:
    class Mine(zl.XNNPack):
        pass

    with pytest.raises(TypeError, match="can't be sent to a fresh process; use one of zerolite's own classes"):
        benchmark(DENSE, delegates=Mine(), processes=1, **SHORT)


@pytest.mark.parametrize(
    "delegate",
    [
        zl.XNNPack(threads=2, weight_cache="file", flags={"qs8": False}),
        zl.Gpu(precision="fp16", cache="folder", device="one"),
        zl.Npu(vendor="intel_openvino", options={"performance_mode": 1}, cache="folder"),
        zl.ExternalDelegate("library.so", {"name": "value"}),
    ],
    ids=lambda delegate: type(delegate).__name__,
)
def test_delegates_are_made_of_their_arguments(delegate: Delegate) -> None:
    arguments = json.loads(json.dumps(delegate.arguments))
    assert repr(type(delegate)(**arguments)) == repr(delegate)


def test_progress_counts_turns_and_processes() -> None:
    told: list[tuple[int, int]] = []
    benchmark(DENSE, processes=1, progress=lambda done, total: told.append((done, total)), **SHORT)
    assert told == [(done, 5) for done in range(1, 6)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"seconds": -1.0}, "seconds must be at least 0"),
        ({"turns": 0}, "turns must be at least 1"),
        ({"processes": -1}, "processes must be at least 0"),
        ({"against": ["caffe"]}, "no runtime 'caffe'"),
        ({"inputs": "ones"}, "random, zeros"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        benchmark(DENSE, **{**WITHOUT_PROCESSES, **options})


def test_other_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"write \['tf'\]"):
        benchmark(DENSE, against="tf", **WITHOUT_PROCESSES)
    with pytest.raises(TypeError, match="can't benchmark a float"):
        benchmark(1.0, **WITHOUT_PROCESSES)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        benchmark(tmp_path / "absent.tflite", **WITHOUT_PROCESSES)
    with pytest.raises(zl.InvalidModelError):
        benchmark(b"no model", **WITHOUT_PROCESSES)


def test_missing_runtime_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"needs the package tensorflow.*zerolite\[convert\]"):
        benchmark(DENSE, against=["tf"], **WITHOUT_PROCESSES)


def test_tflite_runtime_needs_an_older_numpy() -> None:
    if int(np.__version__.partition(".")[0]) < 2:
        pytest.skip("NumPy 1 is what it needs")
    with pytest.raises(ImportError, match="environment of its own"):
        benchmark(DENSE, against=["tflite_runtime"], **WITHOUT_PROCESSES)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    benchmark(DENSE, against=list(OTHERS), **WITHOUT_PROCESSES)
    assert capfd.readouterr() == ("", "")


# Fresh processes


def test_fresh_process_answers() -> None:
    with FreshProcess("litert", DENSE, threads=1) as process:
        assert process.first_result.peak_rss_bytes > 2**20
        assert process.block("call", 5) > 0
        assert process.block("invoke", 5) > 0


def test_fresh_process_has_nothing_but_its_runtime(tmp_path: Path) -> None:
    """Its peak of memory is its own, and does not begin with this process's."""
    hog = np.ones(2**27, np.uint8)
    with FreshProcess("litert", DENSE) as process:
        assert process.first_result.peak_rss_bytes < hog.nbytes


def test_fresh_processes_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    start = FreshProcess.__enter__

    def noted(process: FreshProcess) -> FreshProcess:
        order.append(process._runtime)
        return start(process)

    monkeypatch.setattr(FreshProcess, "__enter__", noted)
    found = first_results_in_turns(["zerolite", "litert"], DENSE, processes=2)
    assert order == ["zerolite", "litert"] * 2
    assert {name: len(results.processes) for name, results in found.items()} == {"zerolite": 2, "litert": 2}


@pytest.mark.parametrize("runtime", ["zerolite", "litert"])
def test_replicas_are_loaded(runtime: str) -> None:
    assert first_results_in_turns([runtime], DENSE, processes=1, replicas=2)[runtime].median("load_ms") > 0


def test_failure_of_a_fresh_process_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"no model")
    with (
        pytest.raises(RuntimeError, match="fresh process with zerolite failed: InvalidModelError"),
        FreshProcess("zerolite", path),
    ):
        pass


def test_silent_process_is_given_up(tmp_path: Path) -> None:
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec cat\n")
    sleeper.chmod(0o755)
    with (
        pytest.raises(RuntimeError, match="gave no answer within"),
        FreshProcess("litert", DENSE, python=os.fspath(sleeper), timeout=0.05),
    ):
        pass


# Engines that are no TensorFlow Lite


def test_openvino_has_a_process_of_its_own() -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    known = set(sys.modules)
    result = benchmark(DENSE, against=["openvino", "litert"], threads=2, processes=1, **SHORT)
    assert not any(name.partition(".")[0] == "openvino" for name in set(sys.modules) - known)
    assert [one.runtime for one in result.runtimes] == ["zerolite", "openvino", "litert"]
    assert result.settings["inputs"] == "zeros"
    for one in result.runtimes:
        assert one.version is not None
        assert one.invoke is None
        assert one.call.rounds_ns.shape == (2,)
        assert one.call.latency_us()["min"] > 0
        assert one.first_result is not None
    assert result.ratio("openvino") is not None
    assert result.ratio("openvino", "invoke") is None
    json.loads(result.to_json())


def test_an_engine_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "openvino", ("no_such_module", "pip install 'zerolite[openvino]'"))
    with pytest.raises(ImportError, match=r"needs the package no_such_module; install it with: pip install"):
        benchmark(DENSE, against=["openvino"], **SHORT)


@pytest.mark.parametrize("options", [{"batch": 4}, {"workers": 2}])
def test_an_engine_is_compared_call_by_call(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="openvino is compared call by call; leave one of both out"):
        benchmark(DENSE, against=["openvino"], **options, **SHORT)


def test_an_engine_is_not_compared_with_a_loaded_model() -> None:
    with zl.load(DENSE) as model, pytest.raises(ValueError, match="give its path or its bytes"):
        benchmark(model, against=["openvino"], **SHORT)


def test_a_model_that_openvino_refuses_is_an_error_in_its_words() -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    with pytest.raises(RuntimeError, match="RANDOM_UNIFORM"):
        benchmark(model_zoo.model_path("random_numbers"), against=["openvino"], **SHORT)
