"""Connections that say nothing, too much, or two things at once; the server goes on."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.serving.running import DEADLINE_S, DENSE, served_by_a_process, wait_until
from zerolite.serving.http.connections import connections_possible

INFER = "/v2/models/dense_2layer/infer"
BODY = json.dumps({"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 64], "data": [0.5] * 64}]}).encode()
HEAD = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
PLAIN = f"POST {INFER} HTTP/1.1\r\nHost: x\r\n".encode()
CHUNKED = PLAIN + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"


def connected(url: str) -> socket.socket:
    parts = httpx.URL(url)
    return socket.create_connection((parts.host, parts.port or 0), timeout=DEADLINE_S)


def received(connection: socket.socket) -> bytes:
    content = b""
    try:
        while part := connection.recv(65536):
            content += part
    except ConnectionResetError:  # the server had not read all of it
        pass
    return content


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served_by_a_process(DENSE, "--workers", "1", "--receive-timeout", str(DEADLINE_S)) as ([url], _process):
        yield url


@pytest.mark.parametrize("sent", [b"", b"POST /v2/mod"])
def test_those_that_say_nothing_keep_nobody_out(sent: bytes) -> None:
    options = ["--workers", "1", "--max-connections", "8"]
    with served_by_a_process(DENSE, *options) as ([url], process), httpx.Client(base_url=url) as known:
        assert known.post(INFER, content=BODY).status_code == 200
        with ExitStack() as stack:
            silent = [stack.enter_context(connected(url)) for _ in range(200)]
            for one in silent[-4:]:
                one.sendall(sent)
            assert known.post(INFER, content=BODY).status_code == 200
            assert httpx.post(url + INFER, content=BODY).status_code == 200
            assert received(silent[0]) == b""  # had to go
            silent[-1].sendall(HEAD.removeprefix(sent) + BODY)  # that one was only slow
            assert silent[-1].recv(15) == b"HTTP/1.1 200 OK"
            assert len([*Path(f"/proc/{process.pid}/fd").iterdir()]) < 100


def test_those_that_have_been_answered_make_room() -> None:
    options = ["--workers", "1", "--max-connections", "2"]
    with served_by_a_process(DENSE, *options) as ([url], _process), ExitStack() as stack:
        for _ in range(6):
            assert stack.enter_context(httpx.Client(base_url=url)).post(INFER, content=BODY).status_code == 200


def test_those_with_a_request_do_not() -> None:
    options = ["--workers", "1", "--max-connections", "2"]
    with served_by_a_process(DENSE, *options) as ([url], _process), ExitStack() as stack:
        begun = [stack.enter_context(connected(url)) for _ in range(2)]
        for one in begun:
            one.sendall(HEAD + BODY[:10])
        wait_until(lambda: httpx.get(f"{url}/v2").status_code == 503)
        for one in begun:
            one.sendall(BODY[10:])
            assert one.recv(15) == b"HTTP/1.1 200 OK"
        assert httpx.get(f"{url}/v2").status_code == 200


@pytest.mark.parametrize(
    "part",
    [
        b"GET /" + b"a" * (4 << 20),
        b"GET /v2 HTTP/1.1\r\nX: " + b"a" * (4 << 20),
        b"GET /v2 HTTP/1.1\r\n" + b"X: a\r\n" * (1 << 20),
        CHUNKED + b"0\r\nX: " + b"a" * (4 << 20),
        CHUNKED + b"0\r\n" + b"X: a\r\n" * (1 << 20),
    ],
)
def test_heads_and_trailers_without_end(url: str, part: bytes) -> None:
    with connected(url) as endless:
        with suppress(ConnectionResetError, BrokenPipeError):
            endless.sendall(part)
        assert received(endless)[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400", b"")
    assert httpx.post(url + INFER, content=BODY).status_code == 200


def test_heads_may_have_tens_of_kilobytes(url: str) -> None:
    assert httpx.post(url + INFER, content=BODY, headers={"X": "a" * 60_000}).status_code == 200


@pytest.mark.parametrize(
    "request_in_doubt",
    [
        PLAIN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        PLAIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        PLAIN + b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        PLAIN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        PLAIN + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        PLAIN + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"Host: y\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"X: a\r\n Content-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"X: a\rContent-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"X: a\0b\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"Content-Length: 5, 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        PLAIN + b"Content-Length: 1_0\r\n\r\n0\r\n\r\n",
        PLAIN.replace(b"\r\n", b"\n") + b"Content-Length: 5\n\n0\r\n\r\n",
        PLAIN.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n\r\n",
        CHUNKED + b"-1\r\n\r\n",
        CHUNKED + b"0x0\r\n\r\n",
        CHUNKED + b"2\n{}\n0\n\n",
        CHUNKED + b'2;a="\n\r\n{}\r\n0\r\n\r\n',
        CHUNKED + b"2\r\n{}xx\r\n0\r\n\r\n",
    ],
)
def test_requests_that_can_be_read_in_two_ways(url: str, request_in_doubt: bytes) -> None:
    """What a proxy may have taken for one request must not become two here."""
    with connected(url) as connection:
        connection.sendall(request_in_doubt + HIDDEN)
        answer = received(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_log_that_takes_no_line() -> None:
    with served_by_a_process(DENSE, "--workers", "1", "--access-log", "/dev/full") as ([url], _process):
        for _ in range(3):
            assert httpx.post(url + INFER, content=BODY).status_code == 200


@pytest.mark.parametrize(
    ("transports", "limits", "possible", "asked_for"),
    [
        (1, (1024, 4096), 1024, 1536),
        (1, (1024, resource.RLIM_INFINITY), 1024, 1536),
        (1, (resource.RLIM_INFINITY, resource.RLIM_INFINITY), 1024, None),
        (1, (4096, 4096), 1024, None),
        (1, (1024, 1024), 512, 1024),
        (1, (256, 600), 300, 600),
        (2, (1024, 4096), 1024, 2560),
        (2, (1024, 1024), 256, 1024),
        (2, (256, 600), 150, 600),
    ],
)
def test_descriptors_for_connections(
    monkeypatch: pytest.MonkeyPatch, transports: int, limits: tuple[int, int], possible: int, asked_for: int | None
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted[0]))
    assert connections_possible(1024, transports=transports) == possible
    assert asked == ([] if asked_for is None else [asked_for])
