"""The repository: versions, models that can't be loaded, and models that come and go while requests run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http

import zerolite as zl
from tests.serving.running import DEADLINE_S, DENSE, Gate, as_json, direct, error_of, outputs_of, running, wait_until
from tests.support.bit_equality import assert_same_bits
from tests.support.model_zoo import MODELS
from tests.support.python_process import run_python
from zerolite.serving import ServingSettings, create_app

INT8 = MODELS / "dense_2layer_int8_float_io.tflite"
INPUTS = {"features": np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 64)}
OPTIONS = ServingSettings(workers=1, model_control="explicit")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository: a file, a model with two versions, a broken one, and what is no model."""
    root = tmp_path / "models"
    for version, source in ((2, DENSE), (10, INT8)):
        (root / "dense" / str(version)).mkdir(parents=True)
        shutil.copy(source, root / "dense" / str(version) / "model.tflite")
    shutil.copy(DENSE, root / "plain.tflite")
    (root / "broken.tflite").write_bytes(b"no model")
    (root / "README.md").write_text("no model")
    (root / "notes").mkdir()
    return root


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with running(folder, OPTIONS) as url:
        yield url


def infer(url: str, model: str) -> httpx.Response:
    return httpx.post(f"{url}/v2/models/{model}/infer", json=as_json(INPUTS), timeout=DEADLINE_S)


def assert_answers_as(path: Path, answer: httpx.Response) -> None:
    (output,) = direct(path, INPUTS).values()
    assert_same_bits(next(iter(outputs_of(answer).values())).astype(np.float32), output)


def test_the_highest_version_is_the_default(url: str) -> None:
    assert httpx.get(f"{url}/v2/models/dense").json()["versions"] == ["2", "10"]
    for name, version, path in (
        ("dense", "10", INT8),
        ("dense/versions/10", "10", INT8),
        ("dense/versions/2", "2", DENSE),
        ("plain", "1", DENSE),
    ):
        answer = infer(url, name)
        assert answer.json()["model_version"] == version
        assert_answers_as(path, answer)


def test_a_folder_of_versions_is_a_model(folder: Path) -> None:
    with running([folder / "dense", folder / "plain.tflite"], OPTIONS) as url:
        assert_answers_as(INT8, infer(url, "dense"))
        assert_answers_as(DENSE, infer(url, "plain"))


def test_a_broken_model_stands_beside_the_others(url: str, folder: Path) -> None:
    index = httpx.post(f"{url}/v2/repository/index").json()
    assert [(entry["name"], entry["version"], entry["state"]) for entry in index] == [
        ("broken", "1", "UNAVAILABLE"),
        ("dense", "2", "READY"),
        ("dense", "10", "READY"),
        ("plain", "1", "READY"),
    ]
    ready = httpx.post(f"{url}/v2/repository/index", json={"ready": True}).json()
    assert [entry["name"] for entry in ready] == ["dense", "dense", "plain"]
    reasons = [index[0]["reason"]]
    for answer in (
        infer(url, "broken"),
        httpx.get(f"{url}/v2/models/broken/ready"),
        httpx.post(f"{url}/v2/repository/models/broken/load"),
    ):
        assert answer.status_code == 503
        reasons.append(error_of(answer))
    for reason in reasons:
        assert "broken" in reason
        assert str(folder) not in reason
        assert ".tflite" not in reason


def test_models_come_and_go(url: str, folder: Path) -> None:
    client: Any = tritonclient.http.InferenceServerClient(url.removeprefix("http://"))
    client.unload_model("plain")
    assert not client.is_model_ready("plain")
    assert infer(url, "plain").status_code == 503
    client.load_model("plain")
    assert_answers_as(DENSE, infer(url, "plain"))

    shutil.copy(DENSE, folder / "new.tflite")
    assert infer(url, "new").status_code == 404  # nobody has asked for it
    client.load_model("new")
    assert_answers_as(DENSE, infer(url, "new"))

    (folder / "dense" / "11").mkdir()
    shutil.copy(DENSE, folder / "dense" / "11" / "model.tflite")
    shutil.rmtree(folder / "dense" / "2")
    client.load_model("dense")
    assert_answers_as(DENSE, infer(url, "dense"))
    assert infer(url, "dense/versions/2").status_code == 404
    client.close()


def test_what_is_loaded_stays_when_the_files_break(url: str, folder: Path) -> None:
    replacement = folder / "plain.new"
    replacement.write_bytes(b"no model")
    replacement.rename(folder / "plain.tflite")
    assert httpx.post(f"{url}/v2/repository/models/plain/load").status_code == 503
    assert_answers_as(DENSE, infer(url, "plain"))
    (folder / "dense" / "11").mkdir()
    answer = httpx.post(f"{url}/v2/repository/models/dense/load")
    assert answer.status_code == 503
    assert str(folder) not in error_of(answer)
    assert_answers_as(INT8, infer(url, "dense"))


def test_clients_name_no_files(url: str, folder: Path) -> None:
    shutil.copy(DENSE, folder.parent / "secret.tflite")
    for name in (
        "..%2Fsecret",
        "../secret",
        "%2Fetc%2Fpasswd",
        str(folder.parent / "secret.tflite").replace("/", "%2F"),
    ):
        assert httpx.post(f"{url}/v2/repository/models/{name}/load").status_code == 404
    answer = httpx.post(
        f"{url}/v2/repository/models/plain/load", json={"parameters": {"file:1/model.tflite": "AAAA", "config": "{}"}}
    )
    assert answer.status_code == 403


def test_unloading_waits_for_requests(folder: Path, gate: Gate, threads: ThreadPoolExecutor) -> None:
    with running(folder, OPTIONS) as url:
        first = threads.submit(infer, url, "plain")
        gate.wait_for_a_run()
        second = threads.submit(infer, url, "plain")
        queued = 'zerolite_queued_requests{model="plain",version="1"} 1.0'
        wait_until(lambda: queued in httpx.get(f"{url}/metrics").text)
        assert httpx.post(f"{url}/v2/repository/models/plain/unload").status_code == 200
        assert infer(url, "plain").status_code == 503
        assert httpx.post(f"{url}/v2/repository/models/plain/load").status_code == 200
        third = threads.submit(infer, url, "plain")  # by the new one
        gate.wait_for_a_run()
        gate.open()
        for request in (first, second, third):
            assert_answers_as(DENSE, request.result())


def test_models_are_exchanged_without_a_lost_request(url: str, threads: ThreadPoolExecutor) -> None:
    done = [threads.submit(infer, url, "plain") for _ in range(40)]
    for _ in range(4):
        assert httpx.post(f"{url}/v2/repository/models/plain/load", timeout=DEADLINE_S).status_code == 200
    for one in done:
        assert_answers_as(DENSE, one.result())


def test_sources_that_can_not_be_served(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        create_app(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no model"):
        create_app(tmp_path / "empty")
    with pytest.raises(ValueError, match="two models are called 'plain'"):
        create_app([folder, folder / "plain.tflite"])
    (folder / "dense" / "12").mkdir()
    with pytest.raises(ValueError, match=r"must hold one \.tflite file, and holds 0"):
        create_app(folder)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"deadline_s": 0}, "deadline_s is 0"),
        ({"receive_timeout_s": float("inf")}, "receive_timeout_s is inf"),
        ({"max_request_bytes": -1}, "max_request_bytes is -1"),
        ({"queue_size": -1}, "queue_size is -1"),
        ({"model_control": "poll"}, "must be 'none' or 'explicit'"),
        ({"tuned": "auto", "threads": 2}, "tuned chooses threads as well"),
        ({"token": ""}, "the token must be"),
        ({"token": "a\nb"}, "the token must be"),
    ],
)
def test_options_that_are_wrong(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ServingSettings(**options)


@pytest.mark.parametrize(
    ("name", "words"),
    [("broken", "no model can be loaded"), ("int4", "which the Open Inference Protocol does not have")],
)
def test_the_command_ends_when_there_is_nothing_to_serve(folder: Path, name: str, words: str) -> None:
    path = folder / f"{name}.tflite"
    if name == "int4":
        shutil.copy(MODELS / "dtype_int4_input.tflite", path)
    program = "import sys; from zerolite.cli import main; sys.exit(main(sys.argv[1:]))"
    answer = run_python(program, "serve", str(path), "--port", "0")
    assert answer.returncode == 1
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_serving_without_the_extra_says_what_to_install() -> None:
    program = """
import sys
sys.modules["starlette"] = sys.modules["uvicorn"] = None
import zerolite as zl
for start in (zl.serving.create_app, zl.serving.serve):
    try:
        start("model.tflite")
    except ModuleNotFoundError as error:
        print(error)
"""
    answer = run_python(program)
    assert answer.stdout.count("pip install 'zerolite[serve]'") == 2, answer.stderr
    assert zl.serving.ServingSettings().model_control == "none"
