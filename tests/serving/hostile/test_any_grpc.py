"""Whatever comes over gRPC is answered or refused, and the server goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.serving.running import DEADLINE_S, DENSE
from tests.serving.test_grpc import running
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running([DENSE, MODELS / "string_passthrough.tflite"], ServingSettings(workers=1)) as address:
        yield address


@pytest.fixture(scope="module")
def stub(address: str) -> Iterator[Any]:
    """The methods with messages as they are."""
    with grpc.insecure_channel(address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


@given(name=st.text(max_size=8), shape=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9), raw=st.binary())
def test_any_tensor(stub: Any, name: str, shape: list[int], raw: bytes) -> None:
    request = service_pb2.ModelInferRequest(model_name="dense_2layer", raw_input_contents=[raw])
    request.inputs.add(name=name or "features", datatype="FP32", shape=shape)
    with pytest.raises(grpc.RpcError) as told:
        stub.ModelInfer(request)
    assert told.value.code() == grpc.StatusCode.INVALID_ARGUMENT


SMALL = st.text(max_size=3)
PARAMETERS = st.dictionaries(
    st.sampled_from(["timeout", "signature", "shared_memory_region", "classification", "x"]),
    st.builds(lambda v: {"int64_param": v}, st.integers(-(2**63), 2**63 - 1))
    | st.builds(lambda v: {"string_param": v}, SMALL)
    | st.builds(lambda v: {"bool_param": v}, st.booleans())
    | st.just({}),
    max_size=2,
)
CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "fp32_contents": st.lists(st.floats(width=32), max_size=64),
        "int_contents": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        "bytes_contents": st.lists(st.binary(max_size=3), max_size=6),
    },
)
TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["features", "x", "image"]) | SMALL,
        "datatype": st.sampled_from(["FP32", "BYTES", "INT32"]) | SMALL,
        "shape": st.sampled_from([[1, 64], [2, 3], [0, 64], [-1, 64]]) | st.lists(st.integers(-1, 3), max_size=3),
    },
    optional={"parameters": PARAMETERS, "contents": CONTENTS},
)
REQUESTS = st.fixed_dictionaries(
    {"model_name": st.sampled_from(["dense_2layer", "dense_2layer:serving_default", "string_passthrough"]) | SMALL},
    optional={
        "model_version": st.sampled_from(["1", "2", "-1"]) | SMALL,
        "id": SMALL,
        "parameters": PARAMETERS,
        "inputs": st.lists(TENSORS, max_size=2),
        "outputs": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["output_0", "y"]) | SMALL}), max_size=2),
        "raw_input_contents": st.lists(st.binary(max_size=8) | st.just(bytes(256)), max_size=2),
    },
)


@given(request=REQUESTS)
def test_any_request(stub: Any, request: dict[str, Any]) -> None:
    """What the protocol can say is answered, or is an error of the client's."""
    answer = stub.ModelInfer.future(service_pb2.ModelInferRequest(**request), timeout=DEADLINE_S)
    assert answer.code() in {*CLIENTS_FAULT, grpc.StatusCode.OK}, answer.exception()


# The deadline is the request's own parameter.
CLIENTS_FAULT = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED)


@given(content=st.binary(max_size=200))
def test_any_message(address: str, content: bytes) -> None:
    """Bytes that are no message, or a message of something: an error of the client's, and the server goes on."""
    with grpc.insecure_channel(address) as channel:
        method = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError):
            method(content, timeout=DEADLINE_S)
        assert service_pb2_grpc.GRPCInferenceServiceStub(channel).ServerLive(service_pb2.ServerLiveRequest()).live
