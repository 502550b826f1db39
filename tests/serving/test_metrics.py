"""What a server tells of itself: metrics and the access log."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.running import DEADLINE_S, DENSE, Gate, as_json, running, served_by_a_process, wait_until
from zerolite.serving import ServingSettings

INFER = "/v2/models/dense_2layer/infer"
BODY = as_json({"features": np.zeros((1, 64), np.float32)})
MODEL = {"model": "dense_2layer", "version": "1"}


def infer(url: str) -> httpx.Response:
    return httpx.post(url + INFER, json=BODY, timeout=DEADLINE_S)


def samples(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(url: str, name: str, **labels: str) -> float:
    return samples(url).get((name, frozenset(labels.items())), 0.0)


def test_requests_are_counted_by_their_status() -> None:
    with running(DENSE, ServingSettings(workers=1)) as url:
        for _ in range(3):
            infer(url)
        httpx.post(url + INFER, content=b"{")
        for number in range(5):
            httpx.post(f"{url}/v2/models/made-up-{number}/infer")
        http = {**MODEL, "transport": "http"}
        assert value(url, "zerolite_requests_total", **http, status="200") == 3
        assert value(url, "zerolite_requests_total", **http, status="400") == 1
        unknown = {"model": "", "version": "", "transport": "http"}
        assert value(url, "zerolite_requests_total", **unknown, status="404") == 5
        assert value(url, "zerolite_request_seconds_count", **http) == 4
        for name in ("wait_seconds", "run_seconds", "batch_requests"):
            assert value(url, f"zerolite_{name}_count", **MODEL) == 3
        assert value(url, "process_resident_memory_bytes") > 1 << 20
        assert "made-up" not in httpx.get(f"{url}/metrics").text


def test_queue_and_batches(gate: Gate, threads: ThreadPoolExecutor) -> None:
    with running(DENSE, ServingSettings(workers=1, max_batch=8)) as url:
        requests = [threads.submit(infer, url)]
        gate.wait_for_a_run()
        assert value(url, "zerolite_running_runs", **MODEL) == 1
        assert value(url, "zerolite_queued_requests", **MODEL) == 0
        requests += [threads.submit(infer, url) for _ in range(3)]
        wait_until(lambda: value(url, "zerolite_queued_requests", **MODEL) == 3)
        gate.open()
        assert {one.result().status_code for one in requests} == {200}
        assert value(url, "zerolite_batch_requests_bucket", **MODEL, le="1.0") == 1
        assert value(url, "zerolite_batch_requests_sum", **MODEL) == 4
        assert value(url, "zerolite_batch_requests_count", **MODEL) == 2
        assert value(url, "zerolite_queued_requests", **MODEL) == value(url, "zerolite_running_runs", **MODEL) == 0


def test_the_access_log_has_a_line_for_each_request(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("before\n")
    with served_by_a_process(DENSE, "--workers", "1", "--access-log", log) as ([url], process):
        length = len(infer(url).content)
        httpx.get(f"{url}/v2/%0A%22nothing")
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_S)
    before, *lines = log.read_text().splitlines()
    assert before == "before"
    entries = [json.loads(line) for line in lines]
    assert [(entry["method"], entry["path"], entry["status"]) for entry in entries] == [
        ("POST", INFER, 200),
        ("GET", '/v2/\n"nothing', 404),
    ]
    assert entries[0]["bytes"] == length
    assert entries[0]["client"] == "127.0.0.1"
    assert 0 < entries[0]["seconds"] < DEADLINE_S


def test_a_full_disk_stops_nobody() -> None:
    with served_by_a_process(DENSE, "--workers", "1", "--access-log", "/dev/full") as ([url], _process):
        for _ in range(3):
            assert infer(url).status_code == 200
