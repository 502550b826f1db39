"""Servers for tests: in a thread of this process, or in a process of their own; and requests to them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

import zerolite as zl
from tests.support.model_zoo import MODELS, Array
from zerolite.serving import ServingSettings, create_app

DEADLINE_S = 60.0
DENSE = MODELS / "dense_2layer.tflite"
JSON_DATATYPES = {"float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64", "bool": "BOOL"}


@contextmanager
def running(models: Any, options: ServingSettings | None = None) -> Iterator[str]:
    """The URL of a server in a thread, on a free port."""
    config = uvicorn.Config(create_app(models, options), port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        wait_until(lambda: not thread.is_alive() or is_ready(url))
        assert thread.is_alive(), "the server did not start"
        yield url
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)
        listener.close()
        assert not thread.is_alive()


@contextmanager
def served_by_a_process(*arguments: str | Path) -> Iterator[tuple[list[str], subprocess.Popen[str]]]:
    """The URLs and the process of `zerolite serve`, which is killed at the end if it still runs."""
    command = [sys.executable, "-m", "zerolite", "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Serving at http"), process.communicate()
            yield line.removeprefix("Serving at ").rstrip("\n").split(" and "), process
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)  # between two looks


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def as_json(inputs: Mapping[str, Array]) -> dict[str, Any]:
    """The body of a request with inputs as flat lists."""
    return {
        "inputs": [
            {
                "name": name,
                "datatype": JSON_DATATYPES[array.dtype.name],
                "shape": array.shape,
                "data": array.ravel().tolist(),
            }
            for name, array in inputs.items()
        ]
    }


def outputs_of(answer: httpx.Response) -> dict[str, Array]:
    """The outputs of an answer in JSON, as float64 where they are numbers."""
    assert answer.status_code == 200, answer.text
    return {
        entry["name"]: np.array(entry["data"], np.float64).reshape(entry["shape"]) for entry in answer.json()["outputs"]
    }


def error_of(answer: httpx.Response) -> str:
    """The message of a refusal, whose body has nothing else."""
    body = answer.json()
    assert list(body) == ["error"], body
    return str(body["error"])


def direct(path: Path, inputs: Mapping[str, Array], signature: str | None = None) -> dict[str, Array]:
    """What the model answers in this process."""
    with zl.load(path) as model:
        chosen = model if signature is None else model.signatures[signature]
        changed = {name: array.shape for name, array in inputs.items() if chosen.inputs[name].shape != array.shape}
        if changed:
            chosen.resize(changed)
        result = chosen(dict(inputs))
        return result if isinstance(result, dict) else {next(iter(chosen.outputs)): result}


class Gate:
    """Runs wait here until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.runs = 0
        self._open = threading.Event()

    def wait_for_a_run(self) -> None:
        assert self.entered.acquire(timeout=DEADLINE_S)

    def open(self) -> None:
        self._open.set()

    def pass_through(self) -> None:
        self.runs += 1
        self.entered.release()
        assert self._open.wait(DEADLINE_S)
