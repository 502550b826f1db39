"""`zerolite serve` beside a bare endpoint that calls tf.lite: requests a second, times, and what the server takes.

Clients of gRPC in Python take more time than those of HTTP, from the same two cores; so requests a second compare the
clients too. The processor time that the server's process takes for a request compares servers alone.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.models import DENSE
from benchmarks.outcome import Outcome
from benchmarks.settings import ROOT, Settings
from zerolite._timing.interleaved import interleave

__all__ = ["Served", "ask", "http_request", "run", "server"]

_CLIENTS = 64
_SECONDS = 2.0
_INPUT = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)
_BARE, _ECHO, _HTTP, _GRPC, _BATCHED = (
    "bare endpoint, tf.lite",
    "bare grpc.aio, no model",
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
        costs: dict[str, list[float]] = {name: [] for name in servers}
        for order in interleave(list(servers), rounds):
            for name in order:
                for clients in (_CLIENTS, 1):
                    served, request = servers[name]
                    answer = ask(served, request, clients=clients, seconds=seconds)
                    if clients == _CLIENTS:
                        costs[name].append(answer["processor_seconds"] / len(answer["answers"]))
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
            f"server's processor time of a request, {name.removeprefix('zerolite, ')}",
            "µs",
            (name, [1e6 * cost for cost in costs[name]]),
            (reference, [1e6 * cost for cost in costs[reference]]),
        )
        for name, reference in ((_HTTP, _BARE), (_GRPC, _BARE), (_GRPC, _ECHO), (_ECHO, _BARE))
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
        "nothing, and the bare server of gRPC sends back what it gets. All clients are Python, and those of gRPC take "
        "more of the cores than those of HTTP: servers alone compare by their processor time.",
        figures=figures,
        table=[
            ("server", "clients", "requests/s", "p50 (ms)", "p99 (ms)"),
            *(_row(*key, rates, taken) for key in taken),
        ],
        details={
            "clients": _CLIENTS,
            "rounds": rounds,
            "processor_seconds_a_request": costs,
            "requests_per_second": {f"{n}, {c}": r for (n, c), r in rates.items()},
        },
    )


def _row(
    name: str, clients: int, rates: Mapping[Any, list[float]], taken: Mapping[Any, list[list[float]]]
) -> list[str]:
    p50, p99 = np.percentile(np.concatenate(taken[name, clients]), (50, 99))
    rate = float(np.median(rates[name, clients]))
    return [name, str(clients), f"{rate:.0f}", f"{1000 * p50:.2f}", f"{1000 * p99:.2f}"]


@dataclass(frozen=True)
class Served:
    """A server that runs: its URLs, and its process."""

    urls: list[str]
    process: int

    @property
    def url(self) -> str:
        """The last of its URLs: of gRPC where there is one."""
        return self.urls[-1]

    def over_http(self) -> Served:
        """The same server, for clients of HTTP."""
        return Served(self.urls[:1], self.process)


def _start(stack: ExitStack) -> dict[str, tuple[Served, bytes]]:
    """Server -> where it is, and what is asked."""
    model, serve = str(DENSE), ["zerolite", "serve", str(DENSE), "--port", "0", "--grpc-port", "0", "--queue", "1024"]
    both = stack.enter_context(server(serve))
    return {
        _BARE: (stack.enter_context(server(["benchmarks.bare_endpoint", model])), _post("/", _INPUT.tobytes())),
        _ECHO: (stack.enter_context(server(["benchmarks.bare_grpc"])), _grpc_request()),
        _HTTP: (both.over_http(), http_request()),
        _GRPC: (both, _grpc_request()),
        _BATCHED: (stack.enter_context(server([*serve, "--max-batch", "16"])), _grpc_request()),
    }


@contextmanager
def server(module: list[str]) -> Iterator[Served]:
    """A server, which is ended afterwards: a module that prints its URLs, and its arguments."""
    with subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith("Serving at "):
                raise RuntimeError(f"{' '.join(module)} did not start")
            yield Served(line.removeprefix("Serving at ").rstrip("\n").split(" and "), process.pid)
        finally:
            process.terminate()


def _post(path: str, body: bytes, headers: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def http_request(model: str = DENSE.stem, name: str = "features", content: np.ndarray = _INPUT) -> bytes:
    """A request for a model with one input, as it goes over the wire."""
    entry = {
        "name": name,
        "datatype": {"float32": "FP32", "int8": "INT8"}[content.dtype.name],
        "shape": content.shape,
        "parameters": {"binary_data_size": content.nbytes},
    }
    header = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    length = f"Inference-Header-Content-Length: {len(header)}\r\n"
    return _post(f"/v2/models/{model}/infer", header + content.tobytes(), length)


def _grpc_request() -> bytes:
    from zerolite.serving.grpc.messages import METHODS

    request = METHODS["ModelInfer"][0](model_name=DENSE.stem, raw_input_contents=[_INPUT.tobytes()])
    request.inputs.add(name="features", datatype="FP32", shape=[1, 64])
    message: bytes = request.SerializeToString()
    return message


def ask(served: Served, request: bytes, *, clients: int, seconds: float, rate: float | None = None) -> dict[str, Any]:
    """The seconds that each answer took, that all took together, and that the server took of the processor for them.

    The clients are in a process of their own.

    Each client asks again as soon as it has its answer; with a `rate`, all of them together ask so often in a second,
    at random times, and an answer's time counts from when it should have been asked for.
    """
    order = {
        "url": served.url,
        "request": base64.b64encode(request).decode(),
        "clients": clients,
        "seconds": seconds,
        "rate": rate,
        "process": served.process,
    }
    client = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving_client"],
        input=json.dumps(order) + "\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if client.returncode != 0:
        raise RuntimeError(f"the clients of {served.url} failed: {client.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(client.stdout)
    return answer
