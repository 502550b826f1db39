"""Spans of OpenTelemetry: what they say of requests, and whose they are."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.grpc
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.serving.running import DEADLINE_S, DENSE, Gate, as_json, running, served_by_a_process, wait_until
from tests.serving.test_grpc import infer
from tests.serving.test_grpc import running as running_grpc
from zerolite.serving import ServingSettings

INPUTS = {"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)}
INFER = "/v2/models/dense_2layer/infer"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def seconds_of(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


class Spans:
    """What was told, once requests are answered."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def of_one_request(self) -> dict[str, ReadableSpan]:
        """By name, of the only request."""
        wait_until(lambda: any(span.kind == SpanKind.SERVER for span in self._exporter.get_finished_spans()))
        spans = {span.name: span for span in self._exporter.get_finished_spans()}
        self._exporter.clear()
        return spans

    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


@pytest.fixture
def spans() -> Spans:
    return Spans()


@contextmanager
def asked(transport: str, spans: Spans, **options: Any) -> Iterator[Any]:
    """Something that asks a server with a row of numbers, and returns nothing."""
    settings = ServingSettings(workers=1, tracer_provider=spans.provider, **options)
    if transport == "http":
        with running(DENSE, settings) as url:
            yield lambda headers: httpx.post(f"{url}{INFER}", json=as_json(INPUTS), headers=headers)
    else:
        with running_grpc(DENSE, settings) as address, tritonclient.grpc.InferenceServerClient(address) as client:
            yield lambda headers: infer(client, "dense_2layer", INPUTS, headers=headers)


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_request_and_its_stages(transport: str, spans: Spans) -> None:
    with asked(transport, spans) as ask:
        ask({"traceparent": TRACEPARENT, "tracestate": "a=b"})
        found = spans.of_one_request()
        request, queue, run = (found[name] for name in ("request dense_2layer", "queue", "run"))
        assert len(found) == 3
        for span in found.values():
            assert f"{span.context.trace_id:032x}" == TRACE
            assert span.context.trace_state.get("a") == "b"
            assert span.status.status_code == StatusCode.UNSET
        assert request.parent is not None
        assert (request.kind, f"{request.parent.span_id:016x}") == (SpanKind.SERVER, PARENT)
        assert request.attributes == {
            "zerolite.transport": transport,
            "zerolite.model.name": "dense_2layer",
            "zerolite.model.version": 1,
            "zerolite.status": 200,
        }
        assert run.attributes == {"zerolite.batch.size": 1}
        for stage in (queue, run):
            assert stage.parent is not None
            assert stage.parent.span_id == request.context.span_id
        assert queue.end_time == run.start_time
        assert seconds_of(queue) >= 0
        assert seconds_of(run) > 0
        # Begin and end of the whole are read from another clock, which may be set meanwhile.
        assert abs((request.start_time or 0) - (queue.start_time or 0)) < 60e9

        for headers in ({}, {"traceparent": "nonsense"}, {"traceparent": TRACEPARENT[:-2]}):
            ask(headers)
            assert spans.of_one_request()["request dense_2layer"].parent is None
        ask({"traceparent": f"{TRACEPARENT[:-2]}00"})  # the client decided that nobody looks at it
        assert not spans.all()


def test_requests_that_fail(spans: Spans) -> None:
    with running(DENSE, ServingSettings(workers=1, tracer_provider=spans.provider)) as url:
        httpx.post(f"{url}/v2/models/{'x' * 1000}/infer", json={})
        (refused,) = spans.of_one_request().values()
        assert (refused.name, refused.attributes) == ("request", {"zerolite.transport": "http", "zerolite.status": 404})
        assert refused.status.status_code == StatusCode.UNSET  # as it is the client's doing
        assert not refused.events
        httpx.post(f"{url}{INFER}", json={})
        (refused,) = spans.of_one_request().values()
        assert (refused.attributes or {})["zerolite.status"] == 400
        httpx.get(f"{url}/v2")  # runs no model
        assert not spans.all()


def test_batches_and_deadlines(gate: Gate, threads: ThreadPoolExecutor, spans: Spans) -> None:
    settings = ServingSettings(workers=1, max_batch=2, tracer_provider=spans.provider)
    with running(DENSE, settings) as url:
        first = threads.submit(httpx.post, f"{url}{INFER}", json=as_json(INPUTS), timeout=DEADLINE_S)
        gate.wait_for_a_run()
        late = {**as_json(INPUTS), "parameters": {"timeout": 1000}}
        assert httpx.post(f"{url}{INFER}", json=late).status_code == 504
        found = spans.of_one_request()
        assert {*found} == {"request dense_2layer", "queue"}  # it waited, and was not run
        assert found["request dense_2layer"].status.status_code == StatusCode.ERROR
        others = [threads.submit(httpx.post, f"{url}{INFER}", json=as_json(INPUTS), timeout=DEADLINE_S) for _ in "ab"]
        waiting = 'queued_requests{model="dense_2layer",version="1"} 2.0'
        wait_until(lambda: waiting in httpx.get(f"{url}/metrics").text)
        gate.open()
        assert {one.result().status_code for one in (first, *others)} == {200}
        wait_until(lambda: len(spans.all()) == 9)
        sizes = [dict(span.attributes or {}) for span in spans.all() if span.name == "run"]
        assert sorted(map(repr, sizes)) == [repr({"zerolite.batch.size": size}) for size in (1, 2, 2)]


def test_nothing_is_imported_unasked() -> None:
    program = (
        "import sys, zerolite as zl; zl.serving.create_app(sys.argv[1]); "
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", program, str(DENSE)], check=True, timeout=DEADLINE_S)


def test_the_command_sends_its_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        try:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
            with served_by_a_process(DENSE, "--workers", "1", "--trace") as (urls, process):
                httpx.post(f"{urls[0]}{INFER}", json=as_json(INPUTS), headers={"traceparent": TRACEPARENT})
                process.terminate()
                _, errors = process.communicate(timeout=DEADLINE_S)
                assert (process.returncode, errors) == (0, "")
        finally:
            collector.shutdown()
            thread.join()
    sent = b"".join(bodies)
    assert bytes.fromhex(TRACE) in sent
    assert b"request dense_2layer" in sent
    assert b"zerolite" in sent


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    monkeypatch.delitem(sys.modules, "zerolite.serving.telemetry", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'zerolite\[telemetry\]'"):
        _ = ServingSettings(tracer_provider=TracerProvider()).tracing
