"""Tensors in shared memory, as clients of Triton have them, and what must not come of it."""

from __future__ import annotations

import errno
import itertools
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, serialize_byte_tensor

from tests.serving.running import DENSE, Gate, direct, error_of, running, served_by_a_process
from tests.serving.test_grpc import running as running_grpc
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS, Array
from zerolite.serving import ServingSettings
from zerolite.serving.core import InferenceServer

SHM = Path("/dev/shm")
PREFIX = f"/zerolite_{os.getpid()}_"
SETTINGS = ServingSettings(workers=1, shared_memory=PREFIX, max_request_bytes=100_000)
SERVED = [DENSE, MODELS / "string_passthrough.tflite", MODELS / "multi_signature.tflite"]
ROWS = np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64)
EXPECTED = direct(DENSE, {"features": ROWS})["output_0"]


class Region:
    """Shared memory of a client."""

    def __init__(self, size: int) -> None:
        self.key = f"{PREFIX}{secrets.token_hex(8)}"
        self.path = SHM / self.key[1:]
        self.path.write_bytes(bytes(size))

    def put(self, content: bytes, offset: int = 0) -> None:
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(content)

    def array(self, offset: int, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        return np.frombuffer(self.path.read_bytes(), np.float32, count, offset).reshape(shape)


@pytest.fixture
def region() -> Iterator[Region]:
    region = Region(4096)
    yield region
    region.path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(SERVED, SETTINGS) as url:
        yield url


@pytest.fixture(scope="module")
def grpc_address() -> Iterator[str]:
    with running_grpc(SERVED, SETTINGS) as address:
        yield address


@pytest.fixture(scope="module")
def clients(url: str, grpc_address: str) -> Iterator[dict[str, tuple[Any, Any]]]:
    """By transport, its module and a client; the one for HTTP is of gevent, which lets it change no threads."""
    http = tritonclient.http.InferenceServerClient(url.removeprefix("http://"))
    with tritonclient.grpc.InferenceServerClient(grpc_address) as grpc:
        yield {"http": (tritonclient.http, http), "grpc": (tritonclient.grpc, grpc)}
    http.close()


@pytest.fixture(scope="module")
def plain(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(params=["http", "grpc"])
def transport(request: pytest.FixtureRequest, clients: dict[str, tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """The module of a transport, and a client of it, which leaves no region behind."""
    _, client = chosen = clients[request.param]
    client.unregister_system_shared_memory()
    yield chosen
    client.unregister_system_shared_memory()


def input_there(module: Any, name: str, array: Array, *place: int, region: str = "in") -> Any:
    tensor = module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_shared_memory(region, *place)
    return tensor


def output_there(module: Any, name: str, *place: int, region: str = "in") -> Any:
    output = module.InferRequestedOutput(name)
    output.set_shared_memory(region, *place)
    return output


@contextmanager
def refused(words: str) -> Iterator[None]:
    with pytest.raises(InferenceServerException) as told:
        yield
    assert words in told.value.message()
    assert str(SHM) not in told.value.message()


@pytest.fixture
def shm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Triton's own library for regions."""
    # It finds its library (2.41) with a module that setuptools does not have any more (82).
    stand_in = ModuleType("pkg_resources")
    monkeypatch.setattr(stand_in, "resource_filename", lambda name, file: str(files(name) / file), raising=False)
    monkeypatch.setitem(sys.modules, "pkg_resources", stand_in)
    return import_module("tritonclient.utils.shared_memory")


def test_regions_of_tritons_own_library(transport: tuple[Any, Any], shm: Any) -> None:
    module, client = transport
    assert "system_shared_memory" in extensions_of(client)
    key = f"{PREFIX}{secrets.token_hex(8)}"
    handle = shm.create_shared_memory_region("data", key, 1024)
    try:
        shm.set_shared_memory_region(handle, [ROWS])
        client.register_system_shared_memory("data", key, 1024)
        answer = client.infer(
            "dense_2layer",
            [input_there(module, "features", ROWS, ROWS.nbytes, region="data")],
            outputs=[output_there(module, "output_0", EXPECTED.nbytes, 512, region="data")],
        )
        result = shm.get_contents_as_numpy(handle, np.float32, [2, 10], offset=512)
        assert_same_bits(np.array(result), EXPECTED)
        told = answer.get_output("output_0")
        assert list(told["shape"] if isinstance(told, dict) else told.shape) == [2, 10]
    finally:
        shm.destroy_shared_memory_region(handle)


def test_what_is_registered(transport: tuple[Any, Any], region: Region) -> None:
    _, client = transport
    assert status_of(client) == {}
    client.register_system_shared_memory("one", region.key, 100, 28)
    client.register_system_shared_memory("another ü", region.key[1:], 4096)  # shm_open takes both
    assert status_of(client) == {"one": (region.key, 28, 100), "another ü": (region.key[1:], 0, 4096)}
    assert status_of(client, "one") == {"one": (region.key, 28, 100)}
    with refused("already"):
        client.register_system_shared_memory("one", region.key, 100)
    with refused("no region"):
        status_of(client, "two")
    client.unregister_system_shared_memory("two")
    client.unregister_system_shared_memory("one")
    assert [*status_of(client)] == ["another ü"]
    client.unregister_system_shared_memory()
    assert status_of(client) == {}
    client.register_system_shared_memory("one", region.key, 100)


def test_tensors_here_and_there(transport: tuple[Any, Any], region: Region) -> None:
    """Inputs and outputs in a region, in the request, and both."""
    module, client = transport
    region.put(ROWS.tobytes(), 100)
    client.register_system_shared_memory("in", region.key, 4000, 96)
    there = [input_there(module, "features", ROWS, ROWS.nbytes, 4)]
    sent = module.InferInput("features", [2, 64], "FP32")
    sent.set_data_from_numpy(ROWS)
    assert_same_bits(client.infer("dense_2layer", there).as_numpy("output_0"), EXPECTED)
    for position, inputs in enumerate((there, [sent])):
        offset = 1000 + 100 * position
        client.infer("dense_2layer", inputs, outputs=[output_there(module, "output_0", EXPECTED.nbytes, offset)])
        assert_same_bits(region.array(96 + offset, (2, 10)), EXPECTED)
    # Over the input itself, which was read before.
    client.infer("dense_2layer", there, outputs=[output_there(module, "output_0", EXPECTED.nbytes, 4)])
    assert_same_bits(region.array(100, (2, 10)), EXPECTED)


def test_strings(transport: tuple[Any, Any], region: Region) -> None:
    module, client = transport
    words = np.array([[b"\xff", b"", b"a"], [b"bc", b"c", "日本".encode()]], object)
    content = serialize_byte_tensor(words).item()
    region.put(content)
    client.register_system_shared_memory("in", region.key, 4096)
    given_words = [input_there(module, "x", words, len(content))]
    answer = client.infer("string_passthrough", given_words, outputs=[output_there(module, "y", 1000, 2000)])
    told = answer.get_response(as_json=True) if module is tritonclient.grpc else answer.get_response()
    assert str(len(content)) in json.dumps(told)
    assert region.path.read_bytes()[2000 : 2000 + len(content)] == content
    with refused("string"):
        client.infer("string_passthrough", [input_there(module, "x", words, len(content) - 1)])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("/etc/passwd", "one slash and a name"),
        (f"{PREFIX}/../../etc/passwd", "one slash and a name"),
        ("..", "one slash and a name"),
        ("/", "one slash and a name"),
        ("//x", "one slash and a name"),
        (f"{PREFIX}\0", "one slash and a name"),
        ("/sem.x", "one slash and a name"),
        ("/x", "begins with"),
        (PREFIX[:-1], "begins with"),
        (f"{PREFIX}nothing", "no shared memory"),
        (f"{PREFIX}{'x' * 300}", "no shared memory"),
        (f"{PREFIX}link", "no shared memory"),
        (f"{PREFIX}folder", "no shared memory"),
        (f"{PREFIX}pipe", "no shared memory"),
        (f"{PREFIX}socket", "no shared memory"),
    ],
    ids=itertools.count(),  # names with the process's number are others in each worker
)
def test_keys_that_are_no_shared_memory(transport: tuple[Any, Any], key: str, words: str, tmp_path: Path) -> None:
    _module, client = transport
    place = SHM / key[1:]
    kind = key.removeprefix(PREFIX)
    (tmp_path / "secret").write_bytes(bytes(100))
    with socket.socket(socket.AF_UNIX) as listener:
        make: dict[str, Callable[[], object]] = {
            "link": lambda: place.symlink_to(tmp_path / "secret"),
            "folder": place.mkdir,
            "pipe": lambda: os.mkfifo(place),
            "socket": lambda: listener.bind(str(place)),
        }
        if kind in make:
            make[kind]()
        try:
            with refused(words):
                client.register_system_shared_memory("in", key, 10)
        finally:
            if kind == "folder":
                place.rmdir()
            elif kind in make:
                place.unlink()
    assert status_of(client) == {}


def test_sizes_that_are_not_there(transport: tuple[Any, Any], region: Region) -> None:
    module, client = transport
    for size, offset in ((4097, 0), (1, 4096), (2**61, 2**61)):
        with refused("has 4096 bytes"):
            client.register_system_shared_memory("in", region.key, size, offset)
    with refused("'byte_size' must be"):
        client.register_system_shared_memory("in", region.key, 0)
    with refused("must be a whole number"):
        client.register_system_shared_memory("in", region.key, 2**63)
    client.register_system_shared_memory("in", region.key, 1000, 96)
    for place in ((513, 488), (512, 2**60), (2**60, 0)):
        with refused("has 1000 bytes"):
            client.infer("dense_2layer", [input_there(module, "features", ROWS, *place)])
    with refused("takes 512"):
        client.infer("dense_2layer", [input_there(module, "features", ROWS, 511)])
    with refused("no region"):
        client.infer("dense_2layer", [input_there(module, "features", ROWS, 512, region="x")])
    ask = [input_there(module, "features", ROWS, 512)]
    with refused("has 80 bytes, and its place in shared memory 'in' 79"):
        client.infer("dense_2layer", ask, outputs=[output_there(module, "output_0", 79)])
    with refused("no region"):
        client.infer("dense_2layer", ask, outputs=[output_there(module, "output_0", 80, region="x")])
    assert region.path.read_bytes() == bytes(4096)


def test_inputs_larger_than_requests_may_be(transport: tuple[Any, Any], region: Region) -> None:
    module, client = transport
    os.truncate(region.path, 1 << 40)
    client.register_system_shared_memory("in", region.key, 1 << 40)
    rows = np.broadcast_to(np.float32(), (500, 64))
    with refused("100000 bytes"):
        client.infer("dense_2layer", [input_there(module, "features", rows, rows.nbytes)])


def test_outputs_over_each_other(transport: tuple[Any, Any], region: Region) -> None:
    module, client = transport
    client.register_system_shared_memory("in", region.key, 4096)
    client.register_system_shared_memory("same", region.key, 1000, 96)
    ask = [input_there(module, "features", ROWS, 512)]
    for other in (output_there(module, "output_0", 80, 1079), output_there(module, "output_0", 80, 904, region="same")):
        with refused("share bytes"):
            client.infer("dense_2layer", ask, outputs=[output_there(module, "output_0", 80, 1000), other])


def test_regions_that_shrink(transport: tuple[Any, Any], region: Region) -> None:
    """A mapping of them would end the server with SIGBUS."""
    module, client = transport
    client.register_system_shared_memory("in", region.key, 4096)
    ask = [input_there(module, "features", ROWS, 512)]
    os.truncate(region.path, 100)
    with refused("smaller than when it was registered"):
        client.infer("dense_2layer", ask)
    os.truncate(region.path, 512)
    with refused("smaller than when it was registered"):
        client.infer("dense_2layer", ask, outputs=[output_there(module, "output_0", 80, 1000)])
    assert region.path.stat().st_size == 512
    os.truncate(region.path, 4096)
    client.infer("dense_2layer", ask, outputs=[output_there(module, "output_0", 80, 1000)])


def test_regions_whose_name_is_gone(transport: tuple[Any, Any], region: Region) -> None:
    module, client = transport
    region.put(ROWS.tobytes())
    client.register_system_shared_memory("in", region.key, 4096)
    region.path.unlink()
    answer = client.infer("dense_2layer", [input_there(module, "features", ROWS, 512)])
    assert_same_bits(answer.as_numpy("output_0"), EXPECTED)


def test_as_many_as_may_be(transport: tuple[Any, Any], region: Region) -> None:
    _, client = transport
    before = descriptors()
    for number in range(256):
        client.register_system_shared_memory(str(number), region.key, 10)
    with refused("as many as may be"):
        client.register_system_shared_memory("one more", region.key, 10)
    client.unregister_system_shared_memory("7")
    client.register_system_shared_memory("one more", region.key, 10)
    client.unregister_system_shared_memory()
    assert descriptors() <= before


def test_unregistered_while_the_request_runs(gate: Gate, threads: ThreadPoolExecutor, region: Region) -> None:
    region.put(ROWS.tobytes())
    module = tritonclient.grpc
    with running_grpc(DENSE, SETTINGS) as address, module.InferenceServerClient(address) as client:
        client.register_system_shared_memory("in", region.key, 4096)
        ask = [input_there(module, "features", ROWS, 512)]
        outputs = [output_there(module, "output_0", 80, 1000)]
        asked = threads.submit(client.infer, "dense_2layer", ask, outputs=outputs)
        gate.wait_for_a_run()
        client.unregister_system_shared_memory("in")
        gate.open()
        with refused("unregistered before"):
            asked.result()
    assert region.path.read_bytes()[1000:] == bytes(3096)


def test_changed_while_the_request_runs(gate: Gate, threads: ThreadPoolExecutor, region: Region) -> None:
    region.put(ROWS.tobytes())
    module = tritonclient.grpc
    with running_grpc(DENSE, SETTINGS) as address, module.InferenceServerClient(address) as client:
        client.register_system_shared_memory("in", region.key, 4096)
        asked = threads.submit(client.infer, "dense_2layer", [input_there(module, "features", ROWS, 512)])
        gate.wait_for_a_run()
        region.put(bytes(512))
        os.truncate(region.path, 0)
        gate.open()
        assert_same_bits(asked.result().as_numpy("output_0"), EXPECTED)  # of what there was at first


def test_memory_that_there_is_not(transport: tuple[Any, Any], region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    module, client = transport
    client.register_system_shared_memory("in", region.key, 4096)
    monkeypatch.setattr(os, "pwrite", full)
    with refused("no memory for output 'output_0'"):
        client.infer(
            "dense_2layer",
            [input_there(module, "features", ROWS, 512)],
            outputs=[output_there(module, "output_0", 80)],
        )


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner))


@given(document=st.dictionaries(st.sampled_from(["key", "offset", "byte_size"]), JSON) | JSON)
def test_any_registration(plain: httpx.Client, document: Any) -> None:
    answer = plain.post("/v2/systemsharedmemory/region/x/register", content=json.dumps(document).encode())
    assert answer.status_code in (400, 403)
    error_of(answer)


@given(
    parameters=st.fixed_dictionaries(
        {"shared_memory_region": st.just("in") | JSON},
        optional={
            "shared_memory_offset": st.integers(-10, 5000) | JSON,
            "shared_memory_byte_size": st.integers(-10, 5000) | JSON,
            "binary_data_size": JSON,
        },
    )
)
def test_any_place(plain: httpx.Client, parameters: dict[str, Any]) -> None:
    entry = {"name": "features", "datatype": "FP32", "shape": [1, 64], "parameters": parameters}
    answer = plain.post("/v2/models/dense_2layer/infer", json={"inputs": [entry]})
    assert answer.status_code == 400
    error_of(answer)


def test_without_the_option(region: Region) -> None:
    with running(DENSE, ServingSettings(workers=1)) as url:
        assert "system_shared_memory" not in httpx.get(f"{url}/v2").json()["extensions"]
        base = f"{url}/v2/systemsharedmemory"
        answers = [
            httpx.get(f"{base}/status"),
            httpx.get(f"{base}/region/a/status"),
            httpx.post(f"{base}/unregister"),
            httpx.post(f"{base}/region/a/register", json={"key": region.key, "byte_size": 1}),
        ]
        assert [answer.status_code for answer in answers] == [403] * 4
        entry = {"name": "features", "datatype": "FP32", "shape": [1, 64], "parameters": {"shared_memory_region": "a"}}
        answer = httpx.post(f"{url}/v2/models/dense_2layer/infer", json={"inputs": [entry]})
        assert (answer.status_code, "not supported" in error_of(answer)) == (400, True)


@pytest.mark.parametrize("prefix", ["", "/a/b", "a\0", "/" + "x" * 256, "//"])
def test_prefixes_that_no_name_can_have(prefix: str) -> None:
    with pytest.raises(ValueError, match="shared memory"):
        ServingSettings(shared_memory=prefix)


def test_regions_are_closed_with_the_server(region: Region) -> None:
    before = descriptors()
    core = InferenceServer(DENSE, SETTINGS)
    core.shared_memory.register("in", key=region.key, offset=0, byte_size=1)
    assert descriptors() == before + 1
    core.shared_memory.close()
    assert descriptors() == before


def test_the_command(region: Region) -> None:
    options = ["--workers", "1", "--grpc-port", "0", "--shared-memory", "/"]
    module = tritonclient.grpc
    with (
        served_by_a_process(DENSE, *options) as (urls, _process),
        module.InferenceServerClient(urls[1].removeprefix("grpc://")) as client,
    ):
        region.put(ROWS.tobytes())
        client.register_system_shared_memory("in", region.key, 4096)
        answer = client.infer("dense_2layer", [input_there(module, "features", ROWS, 512)])
        assert_same_bits(answer.as_numpy("output_0"), EXPECTED)


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def extensions_of(client: Any) -> list[str]:
    metadata = client.get_server_metadata()
    return metadata["extensions"] if isinstance(metadata, dict) else list(metadata.extensions)


def status_of(client: Any, name: str = "") -> dict[str, tuple[str, int, int]]:
    told = client.get_system_shared_memory_status(name)
    if isinstance(told, list):
        return {one["name"]: (one["key"], one["offset"], one["byte_size"]) for one in told}
    return {name: (one.key, one.offset, one.byte_size) for name, one in told.regions.items()}
