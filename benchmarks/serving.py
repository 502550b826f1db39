"""Requests a second, and how long each takes: `zerolite serve` beside a bare endpoint that calls tf.lite."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.models import DENSE
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings
from zerolite._timing.interleaved import interleave

__all__ = ["ask", "http_request", "run"]

_CLIENTS = 64
_SECONDS = 2.0
_INPUT = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
_BARE, _HTTP, _GRPC, _BATCHED = (
    "bare endpoint, tf.lite",
    "zerolite, HTTP",
    "zerolite, gRPC",
    "zerolite, gRPC, batches of 16",
)


def run(settings: Settings) -> Outcome:
    """Ask all servers in turns, with as many clients at once, and with one alone."""
    rounds = 2 if settings.quick else 12
    seconds = settings.seconds(_SECONDS)
    with ExitStack() as stack:
        servers = _start(stack)
        taken: dict[tuple[str, int], list[list[float]]] = {}
        rates: dict[tuple[str, int], list[float]] = {}
        for order in interleave(list(servers), rounds):
            for name in order:
                for clients in (_CLIENTS, 1):
                    answer = ask(*servers[name], clients=clients, seconds=seconds)
                    taken.setdefault((name, clients), []).append(answer["answers"])
                    rates.setdefault((name, clients), []).append(len(answer["answers"]) / answer["seconds"])
    figures = [
        Figure.comparing(
            f"requests/s of {_CLIENTS} clients, {name.removeprefix('zerolite, ')}",
            "1/s",
            (name, rates[name, _CLIENTS]),
            (_BARE, rates[_BARE, _CLIENTS]),
            target=2.0 if name == _GRPC else None,
            goal="at least",
        )
        for name in (_HTTP, _GRPC, _BATCHED)
    ]
    figures += [
        Figure.comparing(
            f"one client, {name.removeprefix('zerolite, ')}",
            "µs",
            (name, [1e6 * float(np.median(answers)) for answers in taken[name, 1]]),
            (_BARE, [1e6 * float(np.median(answers)) for answers in taken[_BARE, 1]]),
        )
        for name in (_HTTP, _GRPC)
    ]
    return Outcome(
        title="Serving",
        method=f"Servers and clients are processes of their own on one machine, asked in turns for {seconds:g} s at a "
        "time; each client asks again as soon as it has its answer, with a request that was made before. The model is "
        "two dense layers, so that mainly the servers are measured. The bare endpoint knows no protocol and checks "
        "nothing.",
        figures=figures,
        table=[
            ("server", "clients", "requests/s", "p50 (ms)", "p99 (ms)"),
            *(_row(*key, rates, taken) for key in taken),
        ],
        details={
            "clients": _CLIENTS,
            "rounds": rounds,
            "requests_per_second": {f"{n}, {c}": r for (n, c), r in rates.items()},
        },
    )


def _row(
    name: str, clients: int, rates: Mapping[Any, list[float]], taken: Mapping[Any, list[list[float]]]
) -> list[str]:
    p50, p99 = np.percentile(np.concatenate(taken[name, clients]), (50, 99))
    rate = float(np.median(rates[name, clients]))
    return [name, str(clients), f"{rate:.0f}", f"{1000 * p50:.2f}", f"{1000 * p99:.2f}"]


def _start(stack: ExitStack) -> dict[str, tuple[str, bytes]]:
    """Server -> its URL, and what is asked."""
    model, serve = str(DENSE), ["zerolite", "serve", str(DENSE), "--port", "0", "--grpc-port", "0", "--queue", "1024"]
    (bare,) = stack.enter_context(_server(["benchmarks.bare_endpoint", model]))
    http, grpc = stack.enter_context(_server(serve))
    _, batched = stack.enter_context(_server([*serve, "--max-batch", "16"]))
    return {
        _BARE: (bare, _post("/", _INPUT.tobytes())),
        _HTTP: (http, http_request()),
        _GRPC: (grpc, _grpc_request()),
        _BATCHED: (batched, _grpc_request()),
    }


@contextmanager
def _server(module: list[str]) -> Iterator[list[str]]:
    """The URLs of a server, which is ended afterwards."""
    with subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith("Serving at "):
                raise RuntimeError(f"{' '.join(module)} did not start")
            yield line.removeprefix("Serving at ").split(" and ")
        finally:
            process.terminate()


def _post(path: str, body: bytes, headers: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def http_request() -> bytes:
    """A request for the dense model, as it goes over the wire."""
    content = _INPUT.tobytes()
    entry = {"name": "features", "datatype": "FP32", "shape": [1, 64], "parameters": {"binary_data_size": len(content)}}
    header = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    path = f"/v2/models/{DENSE.stem}/infer"
    return _post(path, header + content, f"Inference-Header-Content-Length: {len(header)}\r\n")


def _grpc_request() -> bytes:
    from zerolite.serving.grpc.messages import METHODS

    request = METHODS["ModelInfer"][0](model_name=DENSE.stem, raw_input_contents=[_INPUT.tobytes()])
    request.inputs.add(name="features", datatype="FP32", shape=[1, 64])
    message: bytes = request.SerializeToString()
    return message


def ask(url: str, request: bytes, *, clients: int, seconds: float) -> dict[str, Any]:
    """The seconds that each answer took, and all of them together; from clients in a process of their own."""
    order = {"url": url.strip(), "request": base64.b64encode(request).decode(), "clients": clients, "seconds": seconds}
    client = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving_client"],
        input=json.dumps(order) + "\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if client.returncode != 0:
        raise RuntimeError(f"the clients of {url} failed: {client.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(client.stdout)
    return answer
