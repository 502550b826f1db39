"""Connections to the port of gRPC that say nothing; the server goes on."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import grpc
import httpx
import pytest

from tests.serving.hostile.test_connections import received
from tests.serving.running import DEADLINE_S, DENSE, served_by_a_process

LIVE = "/inference.GRPCInferenceService/ServerLive"
ALLOWED = 4


def connected(address: str) -> socket.socket:
    parts = httpx.URL(address)
    return socket.create_connection((parts.host, parts.port or 0), timeout=DEADLINE_S)


def is_answered(address: str) -> bool:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100)]
    with grpc.insecure_channel(httpx.URL(address).netloc.decode(), options=options) as channel:
        answer: bytes = channel.unary_unary(LIVE)(b"", timeout=DEADLINE_S, wait_for_ready=True)
    return answer == b"\x08\x01"  # live: true


@pytest.mark.parametrize("sent", [b"", b"PRI * HTTP/2.0\r\n"])
def test_those_that_say_nothing_take_no_more_than_their_share(sent: bytes) -> None:
    options = ["--workers", "1", "--max-connections", str(ALLOWED), "--receive-timeout", str(DEADLINE_S)]
    with served_by_a_process(DENSE, *options, "--grpc-port", "0") as ([url, address], process):
        with ExitStack() as stack:
            silent = [stack.enter_context(connected(address)) for _ in range(200)]
            for one in silent[:ALLOWED]:
                one.sendall(sent)
            for one in silent[ALLOWED:]:
                assert received(one) == b""  # had to go
            assert httpx.get(f"{url}/v2").status_code == 200
            assert len([*Path(f"/proc/{process.pid}/fd").iterdir()]) < 100
        assert is_answered(address)


def test_those_that_say_nothing_have_to_go_in_time() -> None:
    options = ["--workers", "1", "--max-connections", str(ALLOWED), "--receive-timeout", "0.1", "--grpc-port", "0"]
    with served_by_a_process(DENSE, *options) as ([_url, address], _process), ExitStack() as stack:
        silent = [stack.enter_context(connected(address)) for _ in range(ALLOWED)]
        assert is_answered(address)
        for one in silent:
            received(one)  # comes to an end
