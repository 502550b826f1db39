"""The server keeps to its own description, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from starlette.routing import Route

from tests.serving.running import DENSE, running
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings, create_app
from zerolite.serving.http.openapi import openapi_document


def test_every_path_is_described() -> None:
    routes = {route.path: route.methods or set() for route in create_app(DENSE).routes if isinstance(route, Route)}
    described = openapi_document(token=False)["paths"]
    assert {*described} == {*routes}
    for path, operations in described.items():
        assert {name.upper() for name in operations if name != "parameters"} <= routes[path]


def test_the_token_is_described() -> None:
    with running(DENSE, ServingSettings(workers=1, token="secret")) as url:
        assert httpx.get(f"{url}/openapi.json").status_code == 401
        described = httpx.get(f"{url}/openapi.json", headers={"Authorization": "Bearer secret"}).json()
        assert described["security"] == [{"token": []}]
        for path, operations in described["paths"].items():
            if "get" in operations and "{" not in path:
                asks = httpx.get(url + path).status_code == 401
                assert asks == (operations["get"].get("security") != []), path


schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
SCHEMA = schemathesis.openapi.from_dict(openapi_document(token=False))
# What is right by the description alone may still not fit the model.
BEYOND_THE_DESCRIPTION = [schemathesis.checks.positive_data_acceptance]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    models = [DENSE, MODELS / "string_passthrough.tflite"]
    with running(models, ServingSettings(workers=1, model_control="explicit", shared_memory="/zerolite_")) as url:
        yield url


@SCHEMA.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(url: str, case: Any) -> None:
    if "model" in case.path_parameters and len(case.path_parameters["model"]) % 2:
        case.path_parameters["model"] = DENSE.stem
    case.call_and_validate(base_url=url, excluded_checks=BEYOND_THE_DESCRIPTION)
