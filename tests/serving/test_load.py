"""Under load: the queue, deadlines, clients that go or dawdle, and the way to an orderly end."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.serving.running import (
    DEADLINE_S,
    DENSE,
    Gate,
    as_json,
    direct,
    error_of,
    outputs_of,
    running,
    served_by_a_process,
    wait_until,
)
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS
from zerolite.serving import ServingSettings
from zerolite.serving.served_model import ServedModel
from zerolite.tuned import Setting, TunedFile, TuningIdentity

INPUTS = {"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)}
BODY = as_json(INPUTS)
INFER = "/v2/models/dense_2layer/infer"


def infer(url: str, **parameters: Any) -> httpx.Response:
    return httpx.post(url + INFER, json={**BODY, "parameters": parameters}, timeout=DEADLINE_S)


def assert_right(answer: httpx.Response) -> None:
    expected = direct(DENSE, INPUTS)["output_0"]
    assert_same_bits(outputs_of(answer)["output_0"].astype(np.float32), expected)


def test_a_full_queue_refuses(gate: Gate, threads: ThreadPoolExecutor) -> None:
    with running(DENSE, ServingSettings(workers=1, queue_size=1)) as url:
        first = threads.submit(infer, url)
        gate.wait_for_a_run()
        others = [threads.submit(infer, url) for _ in range(3)]  # one of them may wait
        wait_until(lambda: sum(one.done() for one in others) == 2)
        refused = [one for one in others if one.done()]
        for answer in (one.result() for one in refused):
            assert answer.status_code == 429
            assert int(answer.headers["Retry-After"]) >= 1
            assert "1 requests wait" in error_of(answer)
        gate.open()
        for answer in (one.result() for one in [first, *others] if one not in refused):
            assert_right(answer)
    assert gate.runs == 2


def test_nothing_is_received_that_could_not_wait(gate: Gate, threads: ThreadPoolExecutor) -> None:
    with running(DENSE, ServingSettings(workers=1, queue_size=0)) as url, connected(url) as late:
        first = threads.submit(infer, url)
        gate.wait_for_a_run()
        late.sendall(request_head(1000))  # and no body
        assert late.recv(12) == b"HTTP/1.1 429"
        gate.open()
        assert_right(first.result())


def test_deadlines_end_waiting_and_running(gate: Gate, threads: ThreadPoolExecutor) -> None:
    with running(DENSE, ServingSettings(workers=1)) as url:
        first = threads.submit(infer, url, timeout=200_000)  # microseconds
        gate.wait_for_a_run()
        waiting = infer(url, timeout=1000)
        assert waiting.status_code == 504
        assert "no result within 0.001 s" in error_of(waiting)
        assert first.result().status_code == 504
        gate.open()
        assert_right(infer(url))
    assert gate.runs == 2  # what nobody waited for did not run


def test_a_tuned_number_of_replicas(gate: Gate, threads: ThreadPoolExecutor, tmp_path: Path) -> None:
    tuning = TunedFile(
        goal="throughput",
        signature="serving_default",
        setting=Setting(workers=3),
        ratio=0.5,
        identity=TuningIdentity.of(DENSE.read_bytes()),
    )
    tuning.write(tmp_path / "tuned.json")
    with running(DENSE, ServingSettings(tuned=tmp_path / "tuned.json")) as url:
        answers = [threads.submit(infer, url) for _ in range(4)]
        for _ in range(3):
            gate.wait_for_a_run()
        wait_until(lambda: 'queued_requests{model="dense_2layer",version="1"} 1.0' in httpx.get(f"{url}/metrics").text)
        gate.open()
        for answer in answers:
            assert_right(answer.result())


@pytest.mark.parametrize("end", [SystemExit(1), KeyboardInterrupt()])
def test_what_would_end_a_thread_ends_one_request(monkeypatch: pytest.MonkeyPatch, end: BaseException) -> None:
    run = ServedModel._run
    ends = [end]

    def ending_run(*arguments: Any) -> Any:
        if ends:
            raise ends.pop()
        return run(*arguments)

    monkeypatch.setattr(ServedModel, "_run", ending_run)
    with running(DENSE, ServingSettings(workers=1)) as url:
        assert infer(url).status_code == 503
        assert_right(infer(url))


LOOP = MODELS / "while_loop.tflite"
FOR_EVER = 2**31 - 1  # repetitions, which take minutes


def loop_request(count: int, **parameters: Any) -> dict[str, Any]:
    inputs = {"x": np.ones((3, 2), np.float32), "count": np.array(count, np.int32)}
    return {**as_json(inputs), "parameters": parameters}


def test_deadlines_stop_runs() -> None:
    with running(LOOP, ServingSettings(workers=1)) as url:
        ask = f"{url}/v2/models/while_loop/infer"
        assert httpx.post(ask, json=loop_request(FOR_EVER, timeout=50_000)).status_code == 504
        # There is one replica, and it is free again.
        assert httpx.post(ask, json=loop_request(3), timeout=DEADLINE_S).status_code == 200


def test_clients_that_go_stop_runs() -> None:
    with running(LOOP, ServingSettings(workers=1)) as url, httpx.Client(base_url=url) as client:
        running_runs = 'zerolite_running_runs{model="while_loop",version="1"}'
        with connected(url) as gone:
            body = json.dumps(loop_request(FOR_EVER)).encode()
            head = f"POST /v2/models/while_loop/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            gone.sendall(head.encode() + body)
            wait_until(lambda: f"{running_runs} 1.0" in client.get("/metrics").text)
        wait_until(lambda: f"{running_runs} 0.0" in client.get("/metrics").text)
        answer = client.post("/v2/models/while_loop/infer", json=loop_request(3), timeout=DEADLINE_S)
        assert answer.status_code == 200


def test_the_server_has_a_deadline_of_its_own(gate: Gate) -> None:
    with running(DENSE, ServingSettings(workers=1, deadline_s=0.05)) as url:
        assert infer(url, timeout=3600 * 1_000_000).status_code == 504
        gate.open()


def test_clients_that_go_leave_the_queue(gate: Gate, threads: ThreadPoolExecutor) -> None:
    def status() -> int:
        return infer(url, timeout=1000).status_code

    with running(DENSE, ServingSettings(workers=1, queue_size=1)) as url:
        first = threads.submit(infer, url)
        gate.wait_for_a_run()
        with connected(url) as waiting:
            waiting.sendall(request_head(len(encoded())) + encoded())
            wait_until(lambda: status() == 429)
        wait_until(lambda: status() == 504)  # there is room again
        gate.open()
        assert_right(first.result())
        assert_right(infer(url))
    assert gate.runs == 2


def encoded() -> bytes:
    return json.dumps(BODY).encode()


def request_head(length: int) -> bytes:
    return f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def connected(url: str) -> socket.socket:
    parts = httpx.URL(url)
    return socket.create_connection((parts.host, parts.port or 0), timeout=DEADLINE_S)


def received(connection: socket.socket) -> bytes:
    """All until the other side has nothing more to say."""
    content = b""
    while part := connection.recv(65536):
        content += part
    return content


def test_clients_that_dawdle_hold_no_worker() -> None:
    with running(DENSE, ServingSettings(workers=1, queue_size=0)) as url, connected(url) as slow:
        slow.sendall(request_head(len(encoded())) + encoded()[:100])
        for _ in range(5):
            assert_right(infer(url))
        slow.sendall(encoded()[100:])
        assert slow.recv(15) == b"HTTP/1.1 200 OK"


def test_requests_have_to_arrive_in_time() -> None:
    with running(DENSE, ServingSettings(workers=1, receive_timeout_s=0.05)) as url, connected(url) as slow:
        slow.sendall(request_head(len(encoded())) + encoded()[:100])
        answer = received(slow)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'{"error":"the request did not arrive within 0.05 s"}' in answer
        assert_right(infer(url))


@pytest.mark.parametrize("sent", [b"", b"POST /v2/models", b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /v2"])
def test_heads_have_to_arrive_in_time(sent: bytes) -> None:
    with (
        served_by_a_process(DENSE, "--workers", "1", "--receive-timeout", "0.3") as ([url], _process),
        connected(url) as slow,
    ):
        slow.sendall(sent)
        answer = received(slow)  # comes to an end
        assert (b'{"live":true}' in answer) == (b"live" in sent)
        assert_right(infer(url))


def refuses_connections(url: str) -> bool:
    try:
        connected(url).close()
    except ConnectionRefusedError:
        return True
    return False


def ended_well(process: Any) -> bool:
    output, errors = process.communicate(timeout=DEADLINE_S)
    return (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_that_have_begun_are_answered_before_the_end(number: signal.Signals) -> None:
    with served_by_a_process(DENSE, "--workers", "1") as ([url], process), connected(url) as begun:
        begun.sendall(request_head(len(encoded())) + encoded()[:100])
        assert_right(infer(url))  # so the head above was seen
        process.send_signal(number)
        wait_until(lambda: refuses_connections(url))
        begun.sendall(encoded()[100:])
        answer = received(begun)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b'"output_0"' in answer
        assert ended_well(process)


def test_readiness_ends_before_service() -> None:
    with served_by_a_process(DENSE, "--workers", "1", "--drain", "3600") as ([url], process):
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{url}/v2/health/ready").status_code == 503)
        assert httpx.get(f"{url}/v2/health/live").status_code == 200
        assert_right(infer(url))
        process.send_signal(signal.SIGTERM)  # a second one does not wait
        assert ended_well(process)


def test_many_clients_at_once(threads: ThreadPoolExecutor) -> None:
    rng = np.random.default_rng(0)
    requests = [{"features": rng.standard_normal((n % 3 + 1, 64)).astype(np.float32)} for n in range(60)]
    with running(DENSE, ServingSettings(workers=2)) as url:
        ask: Callable[[Any], httpx.Response] = lambda inputs: httpx.post(  # noqa: E731
            url + INFER, json=as_json(inputs), timeout=DEADLINE_S
        )
        for inputs, answer in zip(requests, threads.map(ask, requests), strict=True):
            expected = direct(DENSE, inputs)["output_0"]
            assert_same_bits(outputs_of(answer)["output_0"].astype(np.float32), expected)
