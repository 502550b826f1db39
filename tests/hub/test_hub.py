"""Models come from the Hub by their address: once for each commit, whole, verified, and also without a network."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.hub.server import Hub, running_hub
from tests.support import model_zoo
from zerolite import metadata
from zerolite._hub.address import HubFile
from zerolite.cli import main

huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")

REPOSITORY = "some-owner/some.name"
CONTENT = model_zoo.model_path("dense_2layer").read_bytes()
OTHER_CONTENT = model_zoo.model_path("embedding").read_bytes()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A server without files, which huggingface-hub takes for the Hub, and an empty cache."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with running_hub() as hub:
        _point_to(hub.url, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
        monkeypatch.setattr(f"{_http.__name__}.time.sleep", lambda _: None)  # between attempts
        yield hub


def _point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment variable HF_ENDPOINT does where it is set before huggingface-hub is imported."""
    from huggingface_hub import constants

    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", url)


def answer(model: zl.CompiledModel) -> Any:
    return model(np.linspace(-1, 1, 64, dtype=np.float32)[None])


def expected() -> Any:
    with zl.load(CONTENT) as model:
        return answer(model)


def test_a_model_is_downloaded_once_and_gives_the_answers_of_its_file(hub: Hub) -> None:
    commit = hub.add(REPOSITORY, "float/a model.tflite", CONTENT)
    for _ in range(2):
        with zl.load(f"hf://{REPOSITORY}/float/a model.tflite") as model:
            assert np.array_equal(answer(model), expected())
            assert f"/snapshots/{commit}/" in model.name
    assert hub.downloads() == 1


@pytest.mark.parametrize("large", [True, False])
def test_a_file_is_held_against_the_digest(hub: Hub, large: bool) -> None:
    hub.large = large
    hub.add(REPOSITORY, "m.tflite", CONTENT)
    hub.instead = CONTENT[:-1] + b"\1"
    with pytest.raises(OSError, match=f"hf://{REPOSITORY}/m.tflite .*is another file than the Hub has"):
        zl.load(f"hf://{REPOSITORY}/m.tflite")


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("damage", ["bytes", "gone"])
def test_what_was_damaged_in_the_cache_is_downloaded_again(hub: Hub, large: bool, damage: str) -> None:
    hub.large = large
    address = f"hf://{REPOSITORY}/m.tflite"
    hub.add(REPOSITORY, "m.tflite", CONTENT)
    with zl.load(address) as model:
        file = Path(os.path.realpath(model.name))
    if damage == "bytes":
        file.write_bytes(b"\0" * len(CONTENT))
    else:
        file.unlink()
    with zl.load(address) as model:
        assert np.array_equal(answer(model), expected())


def test_a_damaged_file_without_a_network_is_one_sentence(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"hf://{REPOSITORY}/m.tflite"
    hub.add(REPOSITORY, "m.tflite", CONTENT)
    with zl.load(address) as model:
        Path(os.path.realpath(model.name)).write_bytes(b"\0" * len(CONTENT))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="is damaged, and can't be downloaded again here"):
        zl.load(address)


def test_a_revision_stays_what_it_is_and_a_branch_moves_on(hub: Hub) -> None:
    first = hub.add(REPOSITORY, "m.tflite", CONTENT)
    hub.revisions[REPOSITORY, "v1/a"] = first
    second = hub.add(REPOSITORY, "m.tflite", OTHER_CONTENT)
    with zl.load(f"hf://{REPOSITORY}/m.tflite") as model:
        assert second in model.name
    with zl.load(f"hf://{REPOSITORY}@{first}/m.tflite") as model:
        assert np.array_equal(answer(model), expected())
    before = len(hub.requests)
    with zl.load(f"hf://{REPOSITORY}@{first}/m.tflite") as model:  # a commit in the cache needs no network
        assert np.array_equal(answer(model), expected())
    assert len(hub.requests) == before


@pytest.mark.parametrize("how", ["offline", "no server", "broken server"])
def test_without_a_network_the_cache_is_taken(hub: Hub, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    hub.add(REPOSITORY, "m.tflite", CONTENT)
    zl.load(f"hf://{REPOSITORY}/m.tflite").close()
    if how == "offline":
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    elif how == "no server":
        _point_to("http://127.0.0.1:9", monkeypatch)  # where nobody listens
    else:
        hub.status = 500
    with zl.load(f"hf://{REPOSITORY}/m.tflite") as model:
        assert np.array_equal(answer(model), expected())
    with pytest.raises(ConnectionError, match=r"other.tflite is not in the cache .* the Hub can't be reached; check"):
        zl.load(f"hf://{REPOSITORY}/other.tflite")


def test_what_the_hub_does_not_have_is_named(hub: Hub) -> None:
    hub.add(REPOSITORY, "m.tflite", CONTENT)
    hub.gated.add("shy/model")
    for address, kind, words in (
        (f"hf://{REPOSITORY}/n.tflite", FileNotFoundError, f"{REPOSITORY} has no file n.tflite at revision 'main'"),
        (f"hf://{REPOSITORY}@v9/m.tflite", FileNotFoundError, "has no revision 'v9'"),
        ("hf://nobody/nothing/m.tflite", FileNotFoundError, "no repository of models nobody/nothing"),
        ("hf://shy/model/m.tflite", PermissionError, "only to people who may have it"),
    ):
        with pytest.raises(kind, match=words):
            zl.load(address)


@pytest.mark.parametrize(
    "address",
    [
        "hf://owner/name",
        "hf://owner/name/",
        "hf://owner",
        "hf://",
        "hf:///name/m.tflite",
        "hf://own er/name/m.tflite",
        "hf://owner/na..me/m.tflite",
        "hf://owner/-name/m.tflite",
        "hf://owner/name@/m.tflite",
        "hf://owner/name/../m.tflite",
        "hf://owner/name/a//m.tflite",
        "hf://owner/name/a\0.tflite",
        "hf://owner/" + "n" * 100 + "/m.tflite",
        "https://example.org/m.tflite",
        "http://huggingface.co/owner/name",
    ],
)
def test_bad_addresses_are_told_from_files(address: str) -> None:
    with pytest.raises(ValueError, match=r"is no address of a file on the Hugging Face Hub.*give hf://owner/name/"):
        zl.load(address)


@pytest.mark.parametrize(
    ("address", "repository", "revision", "path"),
    [
        ("hf://o/n/m.tflite", "o/n", None, "m.tflite"),
        ("hf://o/n@v1.0/a/b c.tflite", "o/n", "v1.0", "a/b c.tflite"),
        ("hf://o/n@refs%2Fpr%2F1/m@2.tflite", "o/n", "refs/pr/1", "m@2.tflite"),
        ("https://huggingface.co/o/n/blob/main/a/m.tflite", "o/n", "main", "a/m.tflite"),
        ("https://huggingface.co/o/n/resolve/v1/m%20a.tflite?download=true", "o/n", "v1", "m a.tflite"),
    ],
)
def test_addresses(address: str, repository: str, revision: str | None, path: str) -> None:
    assert HubFile.parse(address) == HubFile(repository, path, revision)


def test_what_comes_from_a_network_is_verified_in_full(hub: Hub, tmp_path: Path) -> None:
    broken = _only_full_refuses()
    hub.add(REPOSITORY, "m.tflite", broken)
    address = f"hf://{REPOSITORY}/m.tflite"
    with pytest.raises(zl.InvalidModelError):
        zl.load(address)
    with pytest.raises(zl.InvalidModelError):
        zl.Pool(address, workers=1)
    (cached,) = (tmp_path / "cache").glob("models--*/snapshots/*/m.tflite")
    with pytest.raises(zl.InvalidModelError):
        zl.load(cached)  # by its path, too
    elsewhere = tmp_path / "m.tflite"
    elsewhere.write_bytes(broken)
    for source in (address, elsewhere):
        try:
            zl.load(source, verify="structure").close()
        except zl.InvalidModelError as error:
            pytest.fail(f"{source} is sound in structure: {error}")
        except zl.Error:
            pass  # the runtime's own refusal


def _only_full_refuses() -> bytes:
    """A model that the structure's check lets pass, and the full one does not."""
    for path in sorted(Path("tests/mutations/crashers").resolve().glob("*.tflite")):
        content = path.read_bytes()
        try:
            zl._native.verify_model(content, b"m", zl._native.Verification.structure)
        except zl.InvalidModelError:
            continue
        try:
            zl._native.verify_model(content, b"m", zl._native.Verification.full)
        except zl.InvalidModelError:
            return content
    raise AssertionError("no such model is kept")


def test_everything_that_takes_a_model_takes_an_address(hub: Hub, tmp_path: Path) -> None:
    hub.add(REPOSITORY, "m.tflite", CONTENT)
    address = f"hf://{REPOSITORY}/m.tflite"
    x = np.linspace(-1, 1, 64, dtype=np.float32)[None]
    with zl.load(Path(address)) as model:  # a path object makes one slash of two
        assert np.array_equal(answer(model), expected())
    with zl.Pool(address, workers=2) as pool:
        assert np.array_equal(np.asarray(pool.map(x)), expected())
    interpreter = zl.Interpreter(address)
    interpreter.allocate_tensors()
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, 64]
    assert metadata.read(address) == metadata.read(CONTENT)
    np.savez(tmp_path / "data.npz", x=x, y=np.array([int(np.argmax(expected()))]))
    assert zl.evaluate(address, tmp_path / "data.npz").metrics["accuracy"] == 1
    assert zl.compare({"a": address, "b": CONTENT}, tmp_path / "data.npz").rows[0].size_bytes == len(CONTENT)
    assert zl.benchmark(address, seconds=0.001, turns=1, warmup_s=0, processes=0).runtimes
    cached = next((tmp_path / "cache").glob("models--*/snapshots/*/m.tflite"))
    with pytest.raises(ValueError, match="lies in the cache of huggingface-hub"):
        metadata.write(address, metadata.Metadata(name="other"), path=cached)
    assert hub.downloads() == 1


def test_without_huggingface_hub_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"hf://o/n/m.tflite needs huggingface-hub; .*'zerolite\[hub\]'"):
        zl.load("hf://o/n/m.tflite")


class TestCommandLine:
    def test_commands_take_addresses(self, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
        commit = hub.add(REPOSITORY, "m.tflite", CONTENT)
        address = f"hf://{REPOSITORY}/m.tflite"
        assert main(["info", address, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["file"] == f"hf://{REPOSITORY}@{commit}/m.tflite"
        assert main(["run", address, "--input", json.dumps([[0.5] * 64])]) == 0
        assert main(["benchmark", address, "--seconds", "0.001", "--turns", "1", "--processes", "0"]) == 0
        assert main(["check", address, "--verify", "full"]) == 0
        assert capsys.readouterr().err == ""
        assert hub.downloads() == 1

    def test_failures_are_one_line(self, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
        hub.add(REPOSITORY, "m.tflite", CONTENT)
        for address, code, words in (
            ("hf://owner/name", 2, "it names no file"),
            ("https://example.org/m.tflite", 2, "loads from no other place"),
            (f"hf://{REPOSITORY}/n.tflite", 1, "has no file n.tflite"),
            ("absent.tflite", 2, "does not exist"),
            ("tests", 2, "is a directory"),
        ):
            assert main(["run", address]) == code
            told = " ".join(capsys.readouterr().err.replace("│", " ").split())
            assert words in told
            assert "Traceback" not in told
