"""The protocol over HTTP, as a client of others and plain requests see it."""

from __future__ import annotations

import http.client
import json
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import ml_dtypes
import numpy as np
import pytest
import tritonclient.http
import trustme

import zerolite as zl
from tests.serving.running import DENSE, as_json, direct, error_of, outputs_of, running, served_by_a_process
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS, Array, load_manifest, random_inputs, reference_interpreter
from zerolite.serving import ServingSettings

SERVED = [
    entry
    for entry in load_manifest().values()
    if entry.runs
    and "dtype" in entry.name
    and not any(word in entry.name for word in ("int4", "int2", "complex", "float8"))
]
NAMES = [
    "counter",
    "dense_2layer",
    "fixed_batch",
    "gather",
    "multi_signature",
    "names_unicode",
    "no_inputs",
    "rank_0",
    "resize_image",
    "small_cnn",
    "string_passthrough",
    "two_inputs_three_outputs",
    "zero_size",
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    models = [MODELS / f"{name}.tflite" for name in NAMES] + [entry.path for entry in SERVED]
    with running(models, ServingSettings(workers=1)) as url:
        yield url


@pytest.fixture
def triton(url: str) -> Iterator[Any]:
    client = tritonclient.http.InferenceServerClient(url.removeprefix("http://"))
    yield client
    client.close()


def triton_run(client: Any, model: str, inputs: dict[str, Array], *, binary: bool = True, **options: Any) -> Any:
    given = []
    for name, array in inputs.items():
        datatype = {"bfloat16": "BF16"}.get(array.dtype.name) or tritonclient.http.np_to_triton_dtype(array.dtype)
        tensor = tritonclient.http.InferInput(name, list(array.shape), datatype)
        if datatype == "BF16":
            tensor._raw_data = array.tobytes()  # the client takes float32 for it, and cuts it instead of rounding
            tensor._parameters["binary_data_size"] = len(tensor._raw_data)
        else:
            tensor.set_data_from_numpy(array, binary_data=binary)
        given.append(tensor)
    outputs = options.pop("outputs", None)
    if outputs is None and not binary:
        outputs = [
            tritonclient.http.InferRequestedOutput(entry["name"], binary_data=False)
            for entry in client.get_model_metadata(model)["outputs"]
        ]
    return client.infer(model, given, outputs=outputs, **options)


def random_values(path: Path, seed: int = 0) -> dict[str, Array]:
    entry = load_manifest()[path.stem]
    details = reference_interpreter(path).get_signature_runner().get_input_details()
    values = random_inputs(
        details, np.random.default_rng(seed), ranges=entry.input_ranges, choices=entry.input_choices, dynamic_size=3
    )
    with zl.load(path) as model:
        return {name: array.astype(model.inputs[name].dtype) for name, array in values.items()}


def test_health_and_metadata(triton: Any) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("dense_2layer")
    assert triton.is_model_ready("dense_2layer", "1")
    assert not triton.is_model_ready("nothing")
    server = triton.get_server_metadata()
    assert (server["name"], server["version"]) == ("zerolite", zl.__version__)
    assert "binary_tensor_data" in server["extensions"]
    assert triton.get_model_metadata("dense_2layer") == {
        "name": "dense_2layer",
        "versions": ["1"],
        "platform": "tflite",
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 64]}],
        "outputs": [{"name": "output_0", "datatype": "FP32", "shape": [-1, 10]}],
    }
    assert {entry["name"] for entry in triton.get_model_repository_index()} >= set(NAMES)


@pytest.mark.parametrize("name", ["small_cnn", "two_inputs_three_outputs", "string_passthrough", "rank_0", "counter"])
@pytest.mark.parametrize("binary", [True, False])
def test_answers_are_those_of_the_model(triton: Any, name: str, binary: bool) -> None:
    path = MODELS / f"{name}.tflite"
    for seed in range(2):  # a model with state begins anew for each
        inputs = random_values(path, seed)
        answer = triton_run(triton, name, inputs, binary=binary, request_id=f"request {seed}")
        for output, expected in direct(path, inputs).items():
            array = answer.as_numpy(output)
            if array.dtype.hasobject and not binary:  # as JSON has strings
                array = np.vectorize(str.encode, otypes=[object])(array)
            assert_same_bits(array, expected)
        assert answer.get_response()["id"] == f"request {seed}"


@pytest.mark.parametrize("entry", SERVED, ids=str)
def test_every_datatype(url: str, triton: Any, entry: Any) -> None:
    inputs = random_values(entry.path)
    expected = direct(entry.path, inputs)
    answer = triton_run(triton, entry.name, inputs)
    for name, array in expected.items():
        raw = answer._buffer[slice(*_place(answer, name))]
        assert raw == array.tobytes()
        assert answer.get_output(name)["shape"] == list(array.shape)
    # The same as JSON.
    body = {
        "inputs": [
            {"name": name, "datatype": datatype(array), "shape": array.shape, "data": plain(array)}
            for name, array in inputs.items()
        ]
    }
    told = httpx.post(f"{url}/v2/models/{entry.name}/infer", json=body)
    assert told.status_code == 200, told.text
    for output in told.json()["outputs"]:
        array = expected[output["name"]]
        assert output["datatype"] == datatype(array)
        exact = array.dtype if array.dtype.kind in "biu" else np.dtype(np.float64)
        assert_same_bits(np.array(output["data"], exact).astype(array.dtype).reshape(output["shape"]), array)


def _place(answer: Any, name: str) -> tuple[int, int]:
    start = answer._output_name_to_buffer_map[name]
    return start, start + answer.get_output(name)["parameters"]["binary_data_size"]


def datatype(array: Array) -> str:
    special: dict[Any, str] = {np.dtype(ml_dtypes.bfloat16): "BF16"}
    return special.get(array.dtype) or str(tritonclient.http.np_to_triton_dtype(array.dtype))


def plain(array: Array) -> Any:
    return (array.astype(np.float64) if array.dtype.kind in "fV" else array).tolist()


def test_strings_that_are_no_text_are_binary(url: str, triton: Any) -> None:
    words = np.array([[b"\xff\x00", b"", "日本".encode()], [b"a", b"b" * 1000, b"\n"]], object)
    tensor = tritonclient.http.InferInput("x", [2, 3], "BYTES")
    tensor.set_data_from_numpy(words)
    answer = triton.infer("string_passthrough", [tensor])
    assert answer.as_numpy("y").ravel().tolist() == words.ravel().tolist()
    wanted = [tritonclient.http.InferRequestedOutput("y", binary_data=False)]
    with pytest.raises(tritonclient.utils.InferenceServerException, match=r"no UTF-8.*as binary data"):
        triton.infer("string_passthrough", [tensor], outputs=wanted)


def test_some_outputs_in_the_order_of_the_request(triton: Any) -> None:
    inputs = random_values(MODELS / "two_inputs_three_outputs.tflite")
    wanted = [
        tritonclient.http.InferRequestedOutput("product", binary_data=False),
        tritonclient.http.InferRequestedOutput("sum", binary_data=True),
    ]
    answer = triton_run(triton, "two_inputs_three_outputs", inputs, outputs=wanted)
    expected = direct(MODELS / "two_inputs_three_outputs.tflite", inputs)
    assert [entry["name"] for entry in answer.get_response()["outputs"]] == ["product", "sum"]
    for name in ("product", "sum"):
        assert_same_bits(answer.as_numpy(name), expected[name])


def test_open_sizes_are_chosen_by_the_request(url: str) -> None:
    rng = np.random.default_rng(0)
    for items in (1, 5, 2):
        inputs = {"features": rng.standard_normal((items, 64)).astype(np.float32)}
        answer = outputs_of(httpx.post(f"{url}/v2/models/dense_2layer/infer", json=as_json(inputs)))
        assert_same_bits(answer["output_0"].astype(np.float32), direct(DENSE, inputs)["output_0"])


def test_signatures(url: str) -> None:
    path = MODELS / "multi_signature.tflite"
    code = {"x": np.arange(8, dtype=np.float32).reshape(2, 4)}
    expected = direct(path, code, "encode")["code"]
    by_name = httpx.post(f"{url}/v2/models/multi_signature:encode/infer", json=as_json(code))
    by_parameter = httpx.post(
        f"{url}/v2/models/multi_signature/infer", json={**as_json(code), "parameters": {"signature": "encode"}}
    )
    for answer in (by_name, by_parameter):
        assert_same_bits(outputs_of(answer)["code"].astype(np.float32), expected)
    described = httpx.get(f"{url}/v2/models/multi_signature:encode").json()
    assert described["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]
    for answer in (
        httpx.get(f"{url}/v2/models/multi_signature:nothing"),
        httpx.post(f"{url}/v2/models/multi_signature/infer", json={"parameters": {"signature": "nothing"}}),
    ):
        assert answer.status_code == 404
        assert "no signature 'nothing'" in error_of(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/nothing", 404),
        ("GET", "/v2/models/dense_2layer/versions/2", 404),
        ("GET", "/v2/models/dense_2layer/versions/x/ready", 404),
        ("GET", "/v2/models/..%2Fdense_2layer", 404),
        ("POST", "/v2/models/%2Fetc%2Fpasswd/infer", 404),
        ("GET", "/v2/models/dense_2layer/infer", 405),
        ("GET", "/v3", 404),
        ("POST", "/v2/repository/models/dense_2layer/load", 403),
        ("POST", "/v2/repository/models/dense_2layer/unload", 403),
    ],
)
def test_what_there_is_not(url: str, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, url + path)
    assert answer.status_code == status
    assert error_of(answer)


def test_values_that_json_does_not_have(url: str) -> None:
    body: dict[str, Any] = as_json({"features": np.full((1, 64), 3e38, np.float32)})
    answer = httpx.post(f"{url}/v2/models/dense_2layer/infer", json=body)
    assert answer.status_code == 400
    assert "infinity or NaN" in error_of(answer)
    body["parameters"] = {"binary_data_output": True}
    answer = httpx.post(f"{url}/v2/models/dense_2layer/infer", json=body)
    assert answer.status_code == 200
    length = int(answer.headers["Inference-Header-Content-Length"])
    (entry,) = json.loads(answer.content[:length])["outputs"]
    assert not np.isfinite(np.frombuffer(answer.content[length:], np.float32)).all()
    assert entry["parameters"]["binary_data_size"] == len(answer.content) - length == 40


def test_requests_that_are_too_large_are_not_received() -> None:
    with running(DENSE, ServingSettings(workers=1, max_request_bytes=1000)) as url:
        declared = http.client.HTTPConnection(url.removeprefix("http://"))
        declared.putrequest("POST", "/v2/models/dense_2layer/infer")
        declared.putheader("Content-Length", "100000000")
        declared.endheaders()  # and nothing after them
        assert declared.getresponse().status == 413
        declared.close()
        chunks = (b" " * 300 for _ in range(10))
        answer = httpx.post(f"{url}/v2/models/dense_2layer/infer", content=chunks)
        assert answer.status_code == 413
        assert "1000 bytes" in error_of(answer)
        compressed = httpx.post(f"{url}/v2/models/dense_2layer/infer", headers={"Content-Encoding": "gzip"})
        assert compressed.status_code == 415


def test_a_token_is_asked_for() -> None:
    with running(DENSE, ServingSettings(workers=1, token="open sesame")) as url:
        for path in ("/v2", "/v2/models/dense_2layer", "/"):
            for headers in ({}, {"Authorization": "Bearer open"}, {"Authorization": "open sesame"}):
                answer = httpx.get(url + path, headers=headers)
                assert answer.status_code == 401
                assert "bearer token" in error_of(answer)
        assert httpx.get(f"{url}/v2", headers={"Authorization": "Bearer open sesame"}).status_code == 200
        assert httpx.get(f"{url}/v2/health/live").status_code == 200


def test_tls_and_a_token_of_the_command(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "token").write_text("secret\n", encoding="utf-8")
    options: list[str | Path] = ["--certificate", tmp_path / "certificate.pem", "--private-key", tmp_path / "key.pem"]
    with served_by_a_process(DENSE, *options, "--token-file", tmp_path / "token") as ([url], _process):
        assert url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        assert httpx.get(f"{url}/v2", verify=trusting).status_code == 401
        answer = httpx.get(f"{url}/v2", verify=trusting, headers={"Authorization": "Bearer secret"})
        assert answer.json()["name"] == "zerolite"


def test_binary_strings_have_lengths(url: str) -> None:
    words = [b"a", b"", b"ccc", b"d", b"e", b"f"]
    binary = b"".join(struct.pack("<I", len(word)) + word for word in words)
    parameters = {"binary_data_size": len(binary)}
    header = json.dumps(
        {"inputs": [{"name": "x", "datatype": "BYTES", "shape": [2, 3], "parameters": parameters}]}
    ).encode()
    answer = httpx.post(
        f"{url}/v2/models/string_passthrough/infer",
        content=header + binary,
        headers={"Inference-Header-Content-Length": str(len(header))},
    )
    assert answer.json()["outputs"] == [
        {"name": "y", "datatype": "BYTES", "shape": [3, 2], "data": [word.decode() for word in words]}
    ]
