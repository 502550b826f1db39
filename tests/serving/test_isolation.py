"""A server whose models run in processes of their own: one that ends its process does not end the server."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest

import zerolite as zl
from tests.serving.running import DEADLINE_S, as_json, error_of, outputs_of, running
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings

MODEL = MODELS / "builtin_chain.tflite"


def infer(url: str, value: float) -> httpx.Response:
    inputs = {"x": np.full((1, 8), value, np.float32)}
    return httpx.post(f"{url}/v2/models/builtin_chain/infer", json=as_json(inputs), timeout=DEADLINE_S)


@pytest.mark.parametrize("attempt", ["abort", "read_null"])
def test_death_of_a_model_is_an_answer(sample_intruder: Path, attempt: str) -> None:
    delegate = zl.ExternalDelegate(sample_intruder, {"attempt": attempt})  # where the value is not negative
    with running(MODEL, ServingSettings(workers=1, delegates=delegate, isolation="process")) as url:
        for _ in range(2):
            answer = infer(url, 0)
            assert answer.status_code == 503
            assert "its process died of SIG" in error_of(answer)
            np.testing.assert_array_equal(outputs_of(infer(url, -3))["y"], np.full((1, 8), -2, np.float32))
