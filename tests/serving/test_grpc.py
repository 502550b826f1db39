"""The protocol over gRPC, as a client of others sees it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
import tritonclient.grpc
import trustme
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import np_to_triton_dtype

import zerolite as zl
from tests.serving.running import DEADLINE_S, DENSE, Gate, direct, served_by_a_process
from tests.serving.test_http import SERVED, datatype, random_values
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS, Array
from tools import serving_protocol
from zerolite.serving import ServingSettings
from zerolite.serving.core import InferenceServer
from zerolite.serving.grpc.service import grpc_server

NAMES = ["counter", "multi_signature", "no_inputs", "rank_0", "small_cnn", "string_passthrough", "gather"]
INPUTS = {"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)}


@contextmanager
def running(models: Any, settings: ServingSettings) -> Iterator[str]:
    """The address of a server in a thread, on a free port."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started: list[str] = []
    ready = threading.Event()

    async def serve() -> None:
        core = InferenceServer(models, settings)
        server, port = grpc_server(core, settings, host="127.0.0.1", port=0)
        await core.start()
        await server.start()
        started.append(f"127.0.0.1:{port}")
        ready.set()
        await stop.wait()
        await server.stop(DEADLINE_S)
        await core.stop()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(DEADLINE_S)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    models = [DENSE, *(MODELS / f"{name}.tflite" for name in NAMES), *(entry.path for entry in SERVED)]
    with running(models, ServingSettings(workers=1)) as address:
        yield address


@pytest.fixture
def triton(address: str) -> Iterator[Any]:
    with tritonclient.grpc.InferenceServerClient(address) as client:
        yield client


@pytest.fixture(scope="module")
def stub(address: str) -> Iterator[Any]:
    """The methods with messages as they are."""
    with grpc.insecure_channel(address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def infer(client: Any, model: str, inputs: dict[str, Array], **options: Any) -> Any:
    given_inputs = []
    for name, array in inputs.items():
        tensor = tritonclient.grpc.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        given_inputs.append(tensor)
    return client.infer(model, given_inputs, **options)


@contextmanager
def refused(code: str, words: str = "") -> Iterator[None]:
    with pytest.raises(tritonclient.utils.InferenceServerException) as told:
        yield
    assert told.value.status() == f"StatusCode.{code}"
    assert words in told.value.message()


def test_health_and_metadata(triton: Any) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("dense_2layer", "1")
    server = triton.get_server_metadata()
    assert (server.name, server.version) == ("zerolite", zl.__version__)
    model = triton.get_model_metadata("dense_2layer", as_json=True)
    assert model["versions"] == ["1"]
    assert model["inputs"] == [{"name": "features", "datatype": "FP32", "shape": ["-1", "64"]}]
    assert {entry.name for entry in triton.get_model_repository_index().models} >= {"dense_2layer", *NAMES}
    with refused("NOT_FOUND", "no model 'nothing'"):
        triton.get_model_metadata("nothing")
    with refused("NOT_FOUND"):
        triton.is_model_ready("dense_2layer", "7")
    with refused("PERMISSION_DENIED"):
        triton.unload_model("dense_2layer")


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_those_of_the_model(triton: Any, name: str) -> None:
    path = MODELS / f"{name}.tflite"
    if name == "multi_signature":
        inputs, signature = {"x": np.arange(8, dtype=np.float32).reshape(2, 4)}, "encode"
        answers = [
            infer(triton, "multi_signature:encode", inputs),
            infer(triton, name, inputs, parameters={"signature": "encode"}),
        ]
    else:
        inputs, signature = random_values(path), None
        answers = [infer(triton, name, inputs, request_id="a request")]
        assert answers[0].get_response().id == "a request"
    for answer in answers:
        for output, expected in direct(path, inputs, signature).items():
            assert_same_bits(answer.as_numpy(output), expected)


@pytest.mark.parametrize("entry", SERVED, ids=str)
def test_every_datatype(stub: Any, entry: Any) -> None:
    inputs = random_values(entry.path)
    expected = direct(entry.path, inputs)
    request = service_pb2.ModelInferRequest(model_name=entry.name)
    for name, array in inputs.items():
        request.inputs.add(name=name, datatype=datatype(array), shape=array.shape)
        request.raw_input_contents.append(array.tobytes())
    answer = stub.ModelInfer(request)
    assert [output.name for output in answer.outputs] == list(expected)
    for output, raw in zip(answer.outputs, answer.raw_output_contents, strict=True):
        array = expected[output.name]
        assert (output.datatype, tuple(output.shape)) == (datatype(array), array.shape)
        assert raw == array.tobytes()

    # The same as typed contents, where there are such.
    field = typed_field(next(iter(inputs.values())))
    del request.raw_input_contents[:]
    for tensor, array in zip(request.inputs, inputs.values(), strict=True):
        getattr(tensor.contents, field or "fp32_contents").extend(array.ravel().tolist())
    if field is None:
        with pytest.raises(grpc.RpcError, match="only goes into raw_input_contents"):
            stub.ModelInfer(request)
        return
    answer = stub.ModelInfer(request)
    assert not answer.raw_output_contents
    for output in answer.outputs:
        array = expected[output.name]
        values = np.array(list(getattr(output.contents, field)), array.dtype).reshape(output.shape)
        assert_same_bits(values, array)


def typed_field(array: Array) -> str | None:
    fields = {"bool": "bool", "float32": "fp32", "float64": "fp64", "int64": "int64", "uint64": "uint64"}
    narrow = {"int8", "int16", "int32", "uint8", "uint16", "uint32"}
    name = array.dtype.name
    if name in narrow:
        return f"{name.rstrip('0123456789')}_contents"
    return f"{fields[name]}_contents" if name in fields else None


def test_infinity_and_strings_as_contents(stub: Any) -> None:
    request = service_pb2.ModelInferRequest(model_name="dense_2layer")
    tensor = request.inputs.add(name="features", datatype="FP32", shape=[1, 64])
    tensor.contents.fp32_contents.extend([np.inf] * 64)
    answer = stub.ModelInfer(request)
    values = np.array(answer.outputs[0].contents.fp32_contents, np.float32)
    expected = direct(DENSE, {"features": np.full((1, 64), np.inf, np.float32)})["output_0"]
    np.testing.assert_array_equal(values, expected[0])
    request = service_pb2.ModelInferRequest(model_name="string_passthrough")
    words = [b"\xff", b"", b"a", b"b", b"c", b"d"]
    request.inputs.add(name="x", datatype="BYTES", shape=[2, 3]).contents.bytes_contents.extend(words)
    answer = stub.ModelInfer(request)
    assert list(answer.outputs[0].contents.bytes_contents) == words
    assert list(answer.outputs[0].shape) == [3, 2]


def good() -> Any:
    request = service_pb2.ModelInferRequest(model_name="dense_2layer")
    request.inputs.add(name="features", datatype="FP32", shape=[1, 64])
    request.raw_input_contents.append(INPUTS["features"].tobytes())
    return request


def changed(change: Callable[[Any], object]) -> Any:
    request = good()
    change(request)
    return request


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r.ClearField("inputs"), "0 inputs and 1 raw_input_contents"),
        (lambda r: r.ClearField("raw_input_contents"), "has 0 elements"),
        (lambda r: r.raw_input_contents.append(b""), "1 inputs and 2 raw_input_contents"),
        (lambda r: (r.inputs.append(r.inputs[0]), r.raw_input_contents.append(b"")), "is there twice"),
        (lambda r: r.inputs[0].contents.fp32_contents.append(1), "has contents beside the raw_input_contents"),
        (lambda r: setattr(r.inputs[0], "name", "x"), "no input 'x'"),
        (lambda r: setattr(r.inputs[0], "datatype", "FP64"), "must be 'FP32'"),
        (lambda r: r.inputs[0].shape.append(1), "must be [-1, 64]"),
        (lambda r: r.inputs[0].shape.__setitem__(0, -1), "must be a list of sizes"),
        (lambda r: r.inputs[0].shape.__setitem__(0, 2**62), "must be [-1, 64]"),
        (lambda r: r.inputs[0].shape.__setitem__(0, 2), "takes 512"),
        (lambda r: r.outputs.add(name="x"), "no output 'x'"),
        (lambda r: r.inputs[0].parameters["shared_memory_region"].MergeFrom(text("a")), "shared memory"),
        (lambda r: r.parameters["timeout"].MergeFrom(text("a")), "'timeout' must be a whole number"),
        (lambda r: r.parameters["signature"].CopyFrom(service_pb2.InferParameter(bool_param=True)), "must be a string"),
    ],
)
def test_requests_that_are_wrong(stub: Any, change: Callable[[Any], object], words: str) -> None:
    with pytest.raises(grpc.RpcError) as told:
        stub.ModelInfer(changed(change))
    assert told.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert words in told.value.details()
    assert stub.ModelInfer(good()).raw_output_contents[0] == direct(DENSE, INPUTS)["output_0"].tobytes()


def text(value: str) -> Any:
    return service_pb2.InferParameter(string_param=value)


def test_numbers_that_do_not_fit(stub: Any) -> None:
    request = service_pb2.ModelInferRequest(model_name="dtype_int8")
    request.inputs.add(name="x", datatype="INT8", shape=[2, 4]).contents.int_contents.extend([128] * 8)
    with pytest.raises(grpc.RpcError, match="holds 128, and INT8 goes from -128 to 127"):
        stub.ModelInfer(request)
    request.inputs[0].contents.int_contents[:] = []
    request.inputs[0].contents.fp32_contents.extend([1.0] * 8)
    with pytest.raises(grpc.RpcError, match="goes into int_contents, and has fp32_contents"):
        stub.ModelInfer(request)


def test_messages_that_are_too_large() -> None:
    with (
        running(DENSE, ServingSettings(workers=1, max_request_bytes=1000)) as address,
        tritonclient.grpc.InferenceServerClient(address) as client,
    ):
        with refused("RESOURCE_EXHAUSTED"):
            infer(client, "dense_2layer", {"features": np.zeros((4, 64), np.float32)})
        assert infer(client, "dense_2layer", INPUTS).as_numpy("output_0").shape == (1, 10)


def test_a_full_queue_and_deadlines(gate: Gate, threads: ThreadPoolExecutor) -> None:
    settings = ServingSettings(workers=1, queue_size=0)
    with running(DENSE, settings) as address, tritonclient.grpc.InferenceServerClient(address) as client:
        first = threads.submit(infer, client, "dense_2layer", INPUTS)
        gate.wait_for_a_run()
        with refused("RESOURCE_EXHAUSTED", "as many as may"):
            infer(client, "dense_2layer", INPUTS)
        gate.open()
        assert_same_bits(first.result().as_numpy("output_0"), direct(DENSE, INPUTS)["output_0"])


def test_deadlines(gate: Gate, threads: ThreadPoolExecutor) -> None:
    settings = ServingSettings(workers=1)
    with running(DENSE, settings) as address, tritonclient.grpc.InferenceServerClient(address) as client:
        first = threads.submit(infer, client, "dense_2layer", INPUTS)
        gate.wait_for_a_run()
        with refused("DEADLINE_EXCEEDED"):
            infer(client, "dense_2layer", INPUTS, timeout=1000)  # microseconds, in the request
        with refused("DEADLINE_EXCEEDED"):
            infer(client, "dense_2layer", INPUTS, client_timeout=0.05)  # seconds, of gRPC
        assert client.is_server_live()  # on the same connection, so the server knows by now that nobody waits
        gate.open()
        first.result()
        infer(client, "dense_2layer", INPUTS)
    assert gate.runs == 2  # what nobody waited for did not run


def test_both_transports_of_the_command(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    (tmp_path / "token").write_text("secret\n", encoding="utf-8")
    options: list[str | Path] = ["--certificate", tmp_path / "server.pem", "--token-file", tmp_path / "token"]
    with served_by_a_process(DENSE, *options, "--model-control", "--grpc-port", "0") as (urls, process):
        _http, address = urls
        assert address.startswith("grpcs://127.0.0.1:")
        client = tritonclient.grpc.InferenceServerClient(
            address.removeprefix("grpcs://"), ssl=True, root_certificates=str(tmp_path / "ca.pem")
        )
        with client:
            assert client.is_server_ready()
            with refused("UNAUTHENTICATED", "bearer token"):
                infer(client, "dense_2layer", INPUTS)
            headers = {"authorization": "Bearer secret"}
            answer = infer(client, "dense_2layer", INPUTS, headers=headers)
            assert_same_bits(answer.as_numpy("output_0"), direct(DENSE, INPUTS)["output_0"])
            client.unload_model("dense_2layer", headers=headers)
            assert not client.is_model_ready("dense_2layer", headers=headers)
            client.load_model("dense_2layer", headers=headers)
            with refused("PERMISSION_DENIED", "the server's own files"):
                client.load_model("dense_2layer", headers=headers, config="{}")
            assert client.is_model_ready("dense_2layer", headers=headers)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, output, errors) == (0, "", "")


def test_requests_of_both_are_counted() -> None:
    with served_by_a_process(DENSE, "--workers", "1", "--grpc-port", "0") as (urls, _process):
        url, address = urls
        with tritonclient.grpc.InferenceServerClient(address.removeprefix("grpc://")) as client:
            infer(client, "dense_2layer", INPUTS)
            with refused("NOT_FOUND"):
                infer(client, "nothing", INPUTS)
        figures = httpx.get(f"{url}/metrics").text
        labels = 'model="dense_2layer",status="200",transport="grpc",version="1"'
        assert f"zerolite_requests_total{{{labels}}} 1.0" in figures


def test_the_description_is_of_the_proto_file() -> None:
    assert serving_protocol.main(["--check"]) == 0
