"""Requests that are not what the protocol or the model takes: each is told why, and the server goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.running import DENSE, as_json, direct, error_of, outputs_of, running
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings

GOOD = as_json({"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)})
ANSWER = direct(DENSE, {"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)})["output_0"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["inputs", "outputs", "parameters", "name", "datatype", "shape", "data", "id"]) | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    names = [
        "dense_2layer",
        "dtype_int8",
        "dtype_uint64",
        "dtype_float16",
        "dtype_bool",
        "string_passthrough",
        "gather",
    ]
    models = [MODELS / f"{name}.tflite" for name in names]
    with running(models, ServingSettings(workers=1)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def infer(client: httpx.Client, body: Any, model: str = "dense_2layer", **options: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/v2/models/{model}/infer", content=content, **options)


def refusal(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return error_of(answer)


def still_serves(client: httpx.Client) -> None:
    assert_same_bits(outputs_of(infer(client, GOOD))["output_0"].astype(np.float32), ANSWER)


def changed(**entry: Any) -> dict[str, Any]:
    """The good request with another input; a value of None takes the key away."""
    given_entry = {key: value for key, value in {**GOOD["inputs"][0], **entry}.items() if value is not None}
    return {"inputs": [given_entry]}


ROW = [0.0] * 64


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe{}", "no UTF-8"),
        (b"[]", "an object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"inputs": ' + b"9" * 10_000 + b"}", "a number that can't be read"),
        ({}, "has no input 'features'"),
        ({"inputs": {}}, "'inputs' must be a list"),
        ({"inputs": [1]}, "'inputs' must be a list of objects"),
        ({"inputs": GOOD["inputs"] * 2}, "is there twice"),
        ({**GOOD, "id": 1}, "id of the request must be a string"),
        ({**GOOD, "parameters": []}, "'parameters' must be an object"),
        ({**GOOD, "parameters": {"signature": 1}}, "'signature' must be a string"),
        ({**GOOD, "parameters": {"timeout": -1}}, "'timeout' must be a whole number"),
        ({**GOOD, "parameters": {"timeout": 1.5}}, "'timeout' must be a whole number"),
        ({**GOOD, "parameters": {"binary_data_output": 1}}, "must be true or false"),
        ({**GOOD, "outputs": [{"name": "nothing"}]}, "no output 'nothing'; the model's are 'output_0'"),
        ({**GOOD, "outputs": [{"name": ["output_0"]}]}, "no output not a string"),
        ({**GOOD, "outputs": [{"name": "output_0", "parameters": {"classification": 2}}]}, "not supported"),
        (changed(name="nothing"), "no input 'nothing'; the model's are 'features'"),
        (changed(name="x" * 10_000), "no input 'xxx"),
        (changed(name=None), "no input not a string"),
        (changed(datatype="FP64"), "is 'FP64', and must be 'FP32'"),
        (changed(datatype=None), "must be 'FP32'"),
        (changed(shape=[64]), r"is [64], and must be [-1, 64]"),
        (changed(shape=[1, 63]), r"must be [-1, 64]"),
        (changed(shape=[0, 64], data=[]), r"must be [-1, 64]"),
        (changed(shape=[2**31, 64]), r"must be [-1, 64]"),
        (changed(shape=[1] * 10_000), "a list of 10000"),
        (changed(shape=[True, 64]), "must be a list of sizes"),
        (changed(shape=[1.0, 64]), "must be a list of sizes"),
        (changed(shape=[-1, 64]), "must be a list of sizes"),
        (changed(shape=None), "must be a list of sizes"),
        (changed(shape=[2, 64], data=[ROW]), r"not nested as its shape [2, 64]"),
        (changed(shape=[2, 64], data=ROW), r"has 64 elements, and its shape [2, 64] takes 128"),
        (changed(data=ROW[1:]), r"has 63 elements, and its shape [1, 64] takes 64"),
        (changed(data=[ROW, ROW]), "not nested"),
        (changed(data=[[0.0] * 32, [0.0] * 32]), "not nested"),
        (changed(data=[[*ROW[1:], []]]), "takes numbers, and its data holds a list"),
        (changed(data=[*ROW[1:], True]), "takes numbers, and its data holds true or false"),
        (changed(data=[*ROW[1:], None]), "its data holds null"),
        (changed(data=[*ROW[1:], "1"]), "its data holds a string"),
        (changed(data=[*ROW[1:], 1e39]), "does not fit into FP32"),
        (changed(data=[*ROW[1:], 10**400]), "does not fit into FP32"),
        (changed(data="0"), "is a string, and must be a list"),
        (changed(data=None), "is null, and must be a list"),
        (json.dumps(changed(data=[*ROW[1:], float("nan")])).encode(), "holds NaN"),
        (changed(parameters={"binary_data_size": 256}), "both data and a binary_data_size"),
        (changed(data=None, parameters={"binary_data_size": 256}), "up to the 0 that are left"),
        (changed(data=None, parameters={"shared_memory_region": "a"}), "shared memory is not supported"),
        (changed(parameters=3), "'parameters' must be an object"),
    ],
)
def test_requests_that_are_wrong(client: httpx.Client, body: Any, words: str) -> None:
    assert words in refusal(infer(client, body))
    still_serves(client)


@pytest.mark.parametrize(
    ("model", "name", "datatype", "shape", "data", "words"),
    [
        ("dtype_int8", "x", "INT8", [2, 4], [128] * 8, "holds 128, and INT8 goes from -128 to 127"),
        ("dtype_int8", "x", "INT8", [2, 4], [1.0] * 8, "takes whole numbers, and its data holds a real number"),
        ("dtype_uint64", "x", "UINT64", [2, 4], [2**64] * 8, "UINT64 goes from 0"),
        ("dtype_uint64", "x", "UINT64", [2, 4], [-1] * 8, "UINT64 goes from 0"),
        ("dtype_uint64", "x", "UINT64", [2, 4], [10**4000] * 8, "a number of more than 80 bits"),
        ("dtype_float16", "x", "FP16", [2, 4], [70000.0] * 8, "does not fit into FP16"),
        ("dtype_bool", "x", "BOOL", [2, 4], [1] * 8, "takes true and false"),
        ("string_passthrough", "x", "BYTES", [2, 3], [1] * 6, "takes strings"),
        ("string_passthrough", "x", "BYTES", [2, 3], ["\ud800"] * 6, "half of a surrogate pair"),
    ],
)
def test_values_that_do_not_fit(  # noqa: PLR0917
    client: httpx.Client, model: str, name: str, datatype: str, shape: list[int], data: list[Any], words: str
) -> None:
    body = {"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]}
    assert words in refusal(infer(client, body, model))


def test_values_that_the_model_refuses(client: httpx.Client) -> None:
    inputs = {"x": np.zeros(10, np.float32), "index": np.array([0, 1, 10**9])}
    answer = infer(client, as_json(inputs), "gather")
    assert answer.status_code in (400, 503)
    told = error_of(answer)
    assert "the model did not run" in told
    assert str(MODELS) not in told
    still_serves(client)


@given(body=JSON)
def test_any_json(client: httpx.Client, body: Any) -> None:
    refusal(infer(client, json.dumps(body).encode()))


@given(body=st.binary(max_size=300), length=st.none() | st.text("0123456789abx-+_,", min_size=1, max_size=4))
def test_any_bytes(client: httpx.Client, body: bytes, length: str | None) -> None:
    headers = {"Inference-Header-Content-Length": length} if length else {}
    refusal(infer(client, body, headers=headers))


@given(key=st.sampled_from(["name", "datatype", "shape", "data", "parameters"]), value=JSON)
def test_any_value_in_the_place_of_the_right_one(client: httpx.Client, key: str, value: Any) -> None:
    if key == "parameters" and (value is None or (isinstance(value, dict) and "binary_data_size" not in value)):
        return
    refusal(infer(client, {"inputs": [{**GOOD["inputs"][0], key: value}]}))


BINARY = np.linspace(-1, 1, 64, dtype=np.float32).tobytes()


def binary_request(size: Any, binary: bytes, **headers: str) -> tuple[bytes, dict[str, str]]:
    entry = {"name": "features", "datatype": "FP32", "shape": [1, 64], "parameters": {"binary_data_size": size}}
    header = json.dumps({"inputs": [entry]}).encode()
    return header + binary, {"Inference-Header-Content-Length": str(len(header)), **headers}


@given(cut=st.integers(1, 600))
def test_binary_requests_that_are_cut_off(client: httpx.Client, cut: int) -> None:
    body, headers = binary_request(len(BINARY), BINARY)
    refusal(infer(client, body[:-cut], headers=headers))
    body, headers = binary_request(len(BINARY), BINARY + b"x" * cut)
    assert "belong to no input" in refusal(infer(client, body, headers=headers))


@given(size=st.integers() | JSON)
def test_sizes_of_binary_parts(client: httpx.Client, size: Any) -> None:
    body, headers = binary_request(size, BINARY)
    if type(size) is int and size == len(BINARY):
        assert infer(client, body, headers=headers).status_code == 200
    else:
        refusal(infer(client, body, headers=headers))


@given(content=st.binary(max_size=60))
def test_any_bytes_as_strings(client: httpx.Client, content: bytes) -> None:
    entry = {"name": "x", "datatype": "BYTES", "shape": [2, 3], "parameters": {"binary_data_size": len(content)}}
    header = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header))}
    answer = infer(client, header + content, "string_passthrough", headers=headers)
    if answer.status_code == 200:  # so these were six strings with their lengths, and come back as they are
        assert answer.content.endswith(content)
    else:
        assert "string" in refusal(answer)


def test_bytes_that_are_no_booleans(client: httpx.Client) -> None:
    entry = {"name": "x", "datatype": "BOOL", "shape": [2, 4], "parameters": {"binary_data_size": 8}}
    header = json.dumps({"inputs": [entry]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(header))}
    answer = infer(client, header + b"\x00\x01\x02\x00\x00\x00\x00\x00", "dtype_bool", headers=headers)
    assert "holds 2" in refusal(answer)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: chunked, identity",
        "Bad Header: 1",
    ],
)
def test_requests_whose_end_is_in_doubt(client: httpx.Client, head: str) -> None:
    """Where a proxy could see one request and the server two, there is one answer, and the connection ends."""
    hidden = "GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=60) as connection:
        request = f"POST /v2/models/dense_2layer/infer HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n0\r\n\r\n{hidden}"
        connection.sendall(request.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))
    still_serves(client)
