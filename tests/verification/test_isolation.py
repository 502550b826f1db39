"""A model is tried out in a process of its own, which may die of it; the verdict is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder, Op
from tests.mutations.mutation import Mutation
from tests.support import model_zoo as zoo
from zerolite import _native
from zerolite._isolation import confined_python, limits, trial

# Loaded without the checks of "full", these end a process or keep it busy.
ABORTS = Mutation.parse("quantized_add_int8/byte/1657151175")
LOOPS = Mutation.parse("while_loop/word/1965918748")
# A graph whose input is 84 million strings.
LARGE = Mutation.parse("hashtable_to_string/splice/378597636")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def without_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process alone has to find out."""
    with monkeypatch.context() as patch:
        patch.setattr(trial, "check_in_full", lambda *_: None)
        yield


def verdicts(cache: Path) -> list[Path]:
    return sorted(cache.glob("zerolite/verdicts/*.json"))


def test_sound_model_is_loaded(cache: Path) -> None:
    with zl.load(zoo.model_path("rank_0"), verify="isolated") as model:
        assert model.name == str(zoo.model_path("rank_0"))
        assert model(np.float32(2), np.float32(3)) == {"product": np.float32(6), "sum": np.float32(5)}
    assert len(verdicts(cache)) == 1


def test_verdict_is_kept(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    content = zoo.model_path("rank_0").read_bytes()
    zl.load(content, verify="isolated").close()
    # Nothing can be tried any more.
    monkeypatch.setattr("sys.executable", "")
    zl.load(bytearray(content), verify="isolated").close()
    zl.load(zoo.model_path("rank_0"), verify="isolated").close()
    with pytest.raises(zl.Error, match=r"sys\.executable names no interpreter"):
        zl.load(zoo.model_path("logic"), verify="isolated")
    with pytest.raises(zl.Error, match=r"sys\.executable"):  # other kernels may die of it
        zl.load(content, verify="isolated", delegates=zl.XNNPack(kernels="builtin"))
    assert len(verdicts(cache)) == 1


@pytest.mark.usefixtures("without_checks")
def test_model_that_ends_a_process_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "the model in memory is not a sound .* a process that loaded it and ran it once died of SIGABRT"
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(ABORTS.bytes(), verify="isolated")
    assert len(verdicts(cache)) == 1
    monkeypatch.setattr("sys.executable", "")
    with pytest.raises(zl.InvalidModelError, match=words):
        zl.load(ABORTS.bytes(), verify="isolated")


@pytest.mark.usefixtures("without_checks")
def test_model_that_does_not_end_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined_python, "_SECONDS", 3.0)
    with pytest.raises(zl.InvalidModelError, match=r"did not end within 3 s|used up its time"):
        zl.load(LOOPS.bytes(), verify="isolated")
    # A slow machine is no property of the model.
    assert verdicts(cache) == []


@pytest.mark.usefixtures("without_checks")
def test_model_that_needs_too_much_memory_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_ADDRESS_SPACE", 1 << 30)
    with pytest.raises(zl.InvalidModelError, match="needed more memory than it was given"):
        zl.load(LARGE.bytes(), verify="isolated")
    assert verdicts(cache) == []


def test_unsound_model_needs_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "")
    with pytest.raises(zl.InvalidModelError, match="works on quantized values"):
        zl.load(ABORTS.bytes(), verify="isolated")


def test_what_the_runtime_refuses_is_its_own_error() -> None:
    with pytest.raises(zl.Error, match="NobodyKnowsThis") as caught:
        zl.load(zoo.model_path("unknown_custom_op"), verify="isolated")
    assert not isinstance(caught.value, zl.InvalidModelError)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"death": 1}', b"\xff" * 9000])
def test_spoilt_verdict_is_as_good_as_none(content: bytes, cache: Path) -> None:
    zl.load(zoo.model_path("rank_0"), verify="isolated").close()
    (kept,) = verdicts(cache)
    sound = kept.read_bytes()
    kept.write_bytes(content)
    zl.load(zoo.model_path("rank_0"), verify="isolated").close()
    assert kept.read_bytes() == sound


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null/cache"])
def test_cache_that_can_not_be_written_is_no_error(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    zl.load(zoo.model_path("rank_0"), verify="isolated").close()


def test_cache_is_the_users_own(cache: Path) -> None:
    zl.load(zoo.model_path("rank_0"), verify="isolated").close()
    assert (cache / "zerolite" / "verdicts").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda _: None], ids=["fifo", "folder", "nothing"])
def test_what_is_no_file_is_refused(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    make(path)
    with pytest.raises(OSError, match=r"model\.tflite"):
        zl.load(path, verify="isolated")


def test_file_of_any_name(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/n\xff.tflite"
    with open(path, "wb") as file:  # noqa: PTH123 - the name is no text
        file.write(zoo.model_path("no_subgraph").read_bytes())
    with pytest.raises(_native.InvalidModelError, match="no subgraph") as caught:
        zl.load(os.fsdecode(path), verify="isolated")
    assert os.fsdecode(path) in str(caught.value)


def resized_image(*, minus: int) -> bytes:
    """An image of constant pixels, resized to x - minus: sizes that are not positive are refused before the kernel."""
    builder = GraphBuilder()
    size = builder.tensor("size", [2], "int32")
    wanted = builder.tensor("wanted", [2], "int32")
    lesser = builder.constant("minus", np.array([minus, minus], np.int32))
    pixels = builder.constant("pixels", np.ones((1, 2, 2, 1), np.float32))
    image = builder.tensor("image", [1, 2, 2, 1], shape_signature=[1, -1, -1, 1])
    builder.operator(Op.SUB, [size, lesser], [wanted], options=schema.SubOptionsT())
    builder.operator(
        Op.RESIZE_NEAREST_NEIGHBOR, [pixels, wanted], [image], options=schema.ResizeNearestNeighborOptionsT()
    )
    builder.interface([size], [image])
    return builder.finish()


def test_values_that_are_refused_are_followed_by_others(cache: Path) -> None:
    with zl.load(resized_image(minus=0), verify="isolated") as model:
        assert np.shape(model(np.array([3, 4], np.int32))) == (1, 3, 4, 1)
    assert len(verdicts(cache)) == 1


def test_model_whose_runs_never_finish_is_not_believed(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(resized_image(minus=100))
    for _ in range(2):
        with pytest.raises(zl.Error, match=r"model\.tflite could not be tried .*no run of its signature") as caught:
            zl.load(path, verify="isolated")
        assert not isinstance(caught.value, zl.InvalidModelError)
    assert verdicts(cache) == []
    with zl.load(path, verify="full") as model:  # as the message says
        assert np.shape(model(np.array([103, 104], np.int32))) == (1, 3, 4, 1)
    pytest.importorskip("typer", reason="needs the extra cli")
    from zerolite.cli import main

    assert main(["check", str(path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["sound"], document["loads"]) == (None, False)


def test_model_that_has_no_room_in_the_trial_is_not_believed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands before a tensor that only this process has room for was not tried."""
    builder = GraphBuilder()
    one = builder.tensor("one", [1])
    times = builder.constant("times", np.array([500_000_000], np.int32))
    many = builder.tensor("many", [500_000_000])
    builder.operator(Op.TILE, [one, times], [many], options=schema.TileOptionsT())
    builder.interface([one], [many])
    monkeypatch.setattr(limits, "_ADDRESS_SPACE", 1 << 30)
    with pytest.raises(zl.Error, match="memory"):
        zl.load(builder.finish(), verify="isolated")
    assert verdicts(cache) == []


def test_process_that_ends_early_survived_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined_python, "_PROGRAM", "import os; os._exit(0)")
    with pytest.raises(zl.InvalidModelError, match="ended before its work was done"):
        zl.load(zoo.model_path("rank_0"), verify="isolated")


@pytest.mark.parametrize("report", ["[", "1", '{"refused": 1}', '{"sound": true}', "x" * 100])
def test_process_that_says_what_no_trial_says_survived_nothing(report: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"import os; os.write(reply, {report!r}.encode() + b'\\n'); os._exit(0)"
    monkeypatch.setattr(confined_python, "_PROGRAM", program.replace("{", "{{").replace("}", "}}"))
    with pytest.raises(zl.InvalidModelError, match="took over what tells of it"):
        zl.load(zoo.model_path("rank_0"), verify="isolated")
