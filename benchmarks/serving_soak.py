"""Whether a server grows: `python -m benchmarks.serving_soak`.

A million requests, 10,000 models loaded and unloaded, 100,000 connections whose clients go in the middle, and 100,000
regions of shared memory. What is printed is what `benchmarks.soak` prints. The server is a thread of this process, so
that the clients are counted too.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import uvicorn

from benchmarks.process_growth import Load, Work
from benchmarks.soak import main
from zerolite.serving import ServingSettings, create_app

MODEL = Path(__file__).parent.parent / "tests" / "models" / "dense_2layer.tflite"
INFER = f"/v2/models/{MODEL.stem}/infer"
BODY = json.dumps({"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 64], "data": [1.0] * 64}]}).encode()
HEAD = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()


@contextmanager
def server() -> Iterator[int]:
    """The port of a server in a thread."""
    settings = ServingSettings(workers=2, model_control="explicit", shared_memory="/zerolite_soak_")
    config = uvicorn.Config(create_app(MODEL, settings), port=0, log_config=None, access_log=False)
    running = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not running.started and thread.is_alive():
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join()
        listener.close()


def ask(connection: HTTPConnection, path: str, body: bytes) -> None:
    """Ask for something that has to succeed.

    Raises:
        RuntimeError: it does not.
    """
    connection.request("POST", path, body)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the server answered {answer.status}: {content.decode()}")


@contextmanager
def requests(count: int = 10_000) -> Iterator[Work]:
    """One client that asks again and again."""
    with server() as port, closing(HTTPConnection("127.0.0.1", port)) as connection:

        def work() -> int:
            for _ in range(count):
                ask(connection, INFER, BODY)
            return count

        yield work


@contextmanager
def loads(count: int = 100) -> Iterator[Work]:
    """A model that is unloaded, loaded and asked."""
    with server() as port, closing(HTTPConnection("127.0.0.1", port)) as connection:

        def work() -> int:
            for _ in range(count):
                for change in ("unload", "load"):
                    ask(connection, f"/v2/repository/models/{MODEL.stem}/{change}", b"{}")
                ask(connection, INFER, BODY)
            return count

        yield work


@contextmanager
def dropped(count: int = 1_000) -> Iterator[Work]:
    """Clients that go: before their request, in the middle of it, and before its answer."""
    parts = (b"", HEAD[:20], HEAD + BODY[:100], HEAD + BODY)
    with server() as port:

        def work() -> int:
            for number in range(count):
                with socket.create_connection(("127.0.0.1", port)) as gone:
                    gone.sendall(parts[number % len(parts)])
            # A new connection: an idle one would be closed meanwhile. Those before were accepted.
            with closing(HTTPConnection("127.0.0.1", port)) as connection:
                ask(connection, INFER, BODY)
            return count

        yield work


@contextmanager
def regions(count: int = 1_000) -> Iterator[Work]:
    """Shared memory that is registered, used and unregistered."""
    name = f"zerolite_soak_{os.getpid()}"
    place = {"shared_memory_region": "row", "shared_memory_byte_size": 256}
    entry = {"name": "features", "datatype": "FP32", "shape": [1, 64], "parameters": place}
    steps: tuple[tuple[str, object], ...] = (
        ("/v2/systemsharedmemory/region/row/register", {"key": f"/{name}", "byte_size": 256}),
        (INFER, {"inputs": [entry]}),
        ("/v2/systemsharedmemory/region/row/unregister", {}),
    )
    path = Path("/dev/shm") / name
    path.write_bytes(bytes(256))
    try:
        with server() as port, closing(HTTPConnection("127.0.0.1", port)) as connection:

            def work() -> int:
                for _ in range(count):
                    for step, body in steps:
                        ask(connection, step, json.dumps(body).encode())
                return count

            yield work
    finally:
        path.unlink()


# What is done, and how many readings that makes.
LOADS: Mapping[str, tuple[Load, int]] = {
    "request": (requests, 100),
    "unload, load, request": (loads, 100),
    "connection that is dropped": (dropped, 100),
    "region of shared memory": (regions, 100),
}

if __name__ == "__main__":
    main(LOADS)
