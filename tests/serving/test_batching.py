"""Requests that run together: their results are those of runs alone, and none feels the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

import zerolite as zl
from tests.serving.running import DEADLINE_S, as_json, direct, error_of, outputs_of, running
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS, Array
from zerolite._inference.signature import SignatureMethods
from zerolite.serving import ServingSettings
from zerolite.serving.scheduling import Work
from zerolite.serving.served_model import ServedModel

RNG = np.random.default_rng(0)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many requests went through each run."""
    sizes: list[int] = []
    run = ServedModel._run

    def noted_run(self: ServedModel, replica: SignatureMethods, key: str, requests: Any) -> Any:
        sizes.append(len(requests))
        return run(self, replica, key, requests)

    monkeypatch.setattr(ServedModel, "_run", noted_run)
    return sizes


def together(threads: ThreadPoolExecutor, url: str, model: str, requests: list[dict[str, Array]]) -> list[Any]:
    """The answers to requests that are sent at once."""

    def ask(inputs: dict[str, Array]) -> httpx.Response:
        return httpx.post(f"{url}/v2/models/{model}/infer", json=as_json(inputs), timeout=DEADLINE_S)

    return list(threads.map(ask, requests))


def values(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("dense_2layer", {"features": (1, 64)}),
        ("dense_2layer_int8_float_io", {"features": (1, 64)}),
        ("small_cnn", {"image": (1, 28, 28, 1)}),
        ("small_mobilenet", None),
        ("two_inputs_three_outputs", {"left": (1, 4), "right": (1, 4)}),
    ],
)
def test_results_are_those_of_single_runs(
    threads: ThreadPoolExecutor, batches: list[int], model: str, inputs: dict[str, tuple[int, ...]] | None
) -> None:
    path = MODELS / f"{model}.tflite"
    with zl.load(path) as loaded:
        shapes = inputs or {name: (1, *tensor.shape[1:]) for name, tensor in loaded.inputs.items()}
    requests = [{name: values(*shape) for name, shape in shapes.items()} for _ in range(4)]
    # The delay is longer than any test: only a full batch begins.
    with running(path, ServingSettings(workers=1, max_batch=4, batch_delay_s=1000.0)) as url:
        for _ in range(3):  # the first one measures which chunks are fastest
            answers = together(threads, url, model, requests)
            for request, answer in zip(requests, answers, strict=True):
                for name, expected in direct(path, request).items():
                    assert_same_bits(outputs_of(answer)[name].astype(np.float32), expected)
    assert batches == [4, 4, 4]


def test_what_can_not_run_together_runs_alone(threads: ThreadPoolExecutor, batches: list[int]) -> None:
    """Several items, fixed sizes, strings, state: with this delay, waiting for company would never end."""
    settings = ServingSettings(workers=1, max_batch=4, batch_delay_s=1000.0)
    cases: dict[str, dict[str, Array]] = {
        "dense_2layer": {"features": values(3, 64)},
        "fixed_batch": {"x": values(2, 4, 4)},
        "rank_0": {"x": values(), "y": values()},
        "counter": {"x": values(3)},
        "no_inputs": {},
    }
    with running([MODELS / f"{name}.tflite" for name in cases], settings) as url:
        for model, inputs in cases.items():
            for answer in together(threads, url, model, [inputs] * 2):
                for name, expected in direct(MODELS / f"{model}.tflite", inputs).items():
                    assert_same_bits(outputs_of(answer)[name].astype(np.float32), expected)
    assert set(batches) == {1}


def test_each_signature_has_its_batches(threads: ThreadPoolExecutor, batches: list[int]) -> None:
    path = MODELS / "multi_signature.tflite"
    settings = ServingSettings(workers=1, max_batch=2, batch_delay_s=1000.0)
    encoded = [{"x": values(1, 4)} for _ in range(2)]
    mean = [{name: values(1, 4) for name in "xyz"} for _ in range(2)]

    def ask(request: tuple[str, dict[str, Array]]) -> httpx.Response:
        key, inputs = request
        return httpx.post(f"{url}/v2/models/multi_signature:{key}/infer", json=as_json(inputs), timeout=DEADLINE_S)

    requests = [("encode", encoded[0]), ("mean", mean[0]), ("encode", encoded[1]), ("mean", mean[1])]
    with running(path, settings) as url:
        for (key, inputs), answer in zip(requests, threads.map(ask, requests), strict=True):
            for name, expected in direct(path, inputs, key).items():
                assert_same_bits(outputs_of(answer)[name].astype(np.float32), expected)
    assert batches == [2, 2]


def test_without_company_a_request_waits_for_the_delay_only(batches: list[int], threads: ThreadPoolExecutor) -> None:
    path = MODELS / "dense_2layer.tflite"
    inputs = {"features": values(1, 64)}
    for delay in (0.0, 0.05):
        with running(path, ServingSettings(workers=1, max_batch=8, batch_delay_s=delay)) as url:
            (answer,) = together(threads, url, "dense_2layer", [inputs])
            assert_same_bits(outputs_of(answer)["output_0"].astype(np.float32), direct(path, inputs)["output_0"])
    assert batches == [1, 1]


def test_a_request_that_fails_fails_alone(
    threads: ThreadPoolExecutor, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = MODELS / "dense_2layer.tflite"
    run_one = ServedModel._run_one

    def failing_run(self: ServedModel, replica: Any, key: str, work: Work) -> Any:
        if work.inputs["features"][0, 0] == 13:
            raise ValueError("thirteen")
        return run_one(self, replica, key, work)

    def failing_batch(*_: object) -> Any:
        raise ValueError("one of them")

    monkeypatch.setattr(ServedModel, "_run_one", failing_run)
    monkeypatch.setattr(ServedModel, "_run_batch", failing_batch)
    good, bad = {"features": values(1, 64)}, {"features": np.full((1, 64), 13, np.float32)}
    with running(path, ServingSettings(workers=1, max_batch=2, batch_delay_s=1000.0)) as url:
        answers = together(threads, url, "dense_2layer", [good, bad])
    assert_same_bits(outputs_of(answers[0])["output_0"].astype(np.float32), direct(path, good)["output_0"])
    assert answers[1].status_code == 400
    assert error_of(answers[1]) == "thirteen"
    assert batches == [2]


def test_who_leaves_is_no_company(batches: list[int], threads: ThreadPoolExecutor) -> None:
    path = MODELS / "dense_2layer.tflite"
    inputs = {"features": values(1, 64)}
    with running(path, ServingSettings(workers=1, max_batch=2, batch_delay_s=1000.0)) as url:
        leaves = httpx.post(
            f"{url}/v2/models/dense_2layer/infer", json={**as_json(inputs), "parameters": {"timeout": 1000}}
        )
        assert leaves.status_code == 504
        for answer in together(threads, url, "dense_2layer", [inputs] * 2):
            assert_same_bits(outputs_of(answer)["output_0"].astype(np.float32), direct(path, inputs)["output_0"])
    assert batches == [2]
