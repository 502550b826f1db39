"""`zl.load(model, tuned="auto")` and `zl.Pool(model, tuned="auto")`: searched for once, and kept."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from zerolite.tuned import Goal, Setting, TunedFile, TuningIdentity, automatic

MODEL = zoo.model_path("dense_2layer")
CONTENT = MODEL.read_bytes()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder. Whether a search finds something in so short a time is not what is tested."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(automatic, "BUDGET_S", 0.05)
    return tmp_path / "cache"


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise AssertionError("it was searched for")

    monkeypatch.setattr(automatic, "run", run)


def keep(goal: Goal = "latency", *, signature: str | None = None, **setting: Any) -> Path:
    """Put a setting where an earlier search would have."""
    identity = TuningIdentity.of(CONTENT)
    path = automatic.kept_path(identity, goal=goal, signature=signature)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = TunedFile(goal=goal, signature="serving_default", setting=Setting(**setting), ratio=0.5, identity=identity)
    found.write(path)
    return path


def threads(source: Path | bytes = MODEL) -> int:
    with zl.load(source, tuned="auto") as model:
        return model.delegation.threads


def test_it_is_searched_for_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((1, 64), dtype=np.float32)
    with zl.load(MODEL) as plain, zl.load(MODEL, tuned="auto") as model:
        np.testing.assert_allclose(model(x), plain(x), rtol=0, atol=1e-3)
        first = model.delegation
    (kept,) = (cache / "zerolite" / "tunings").iterdir()
    assert TunedFile.read(kept).identity == TuningIdentity.of(CONTENT)
    assert kept == automatic.kept_path(TuningIdentity.of(CONTENT), goal="latency")
    monkeypatch.setattr(automatic, "run", None)  # which nobody can call
    for source in (MODEL, CONTENT):
        with zl.load(source, tuned="auto") as model:
            assert model.delegation == first


@pytest.mark.usefixtures("no_search")
def test_what_is_kept_is_applied() -> None:
    keep(threads=2, chunk=8)
    assert threads() == threads(CONTENT) == 2
    keep("throughput", workers=3)
    with zl.Pool(MODEL, tuned="auto") as pool:
        assert pool.workers == 3
    with zl.load(MODEL) as model, zl.Pool(model, tuned="auto") as pool:
        assert pool.workers == 3
    keep("throughput", signature="serving_default", workers=2)
    with zl.Pool(MODEL, signature="serving_default", tuned="auto") as pool:
        assert pool.workers == 2


def of_another_model(path: Path) -> None:
    found = TunedFile.read(path)
    replace(found, identity=TuningIdentity.of(b"another")).write(path)


def of_another_goal(path: Path) -> None:
    replace(TunedFile.read(path), goal="throughput").write(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_text(path.read_text().replace('"threads": 2', '"threads": 0')),
        lambda path: path.chmod(0o666),
        of_another_model,
        of_another_goal,
    ],
)
def test_a_damaged_entry_is_made_anew(damage: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep(threads=2)
    damage(path)
    searches = []

    def search(*_: Any, **__: Any) -> TunedFile:
        searches.append(1)
        identity = TuningIdentity.of(CONTENT)
        setting = Setting(threads=3)
        return TunedFile(goal="latency", signature="serving_default", setting=setting, ratio=0.5, identity=identity)

    monkeypatch.setattr(automatic, "_searched", search)
    assert threads() == threads() == 3
    assert searches == [1]


def test_without_a_place_to_keep_it(cache: Path) -> None:
    cache.write_bytes(b"a file")
    zl.load(MODEL, tuned="auto").close()
    assert cache.read_bytes() == b"a file"


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "import os; os.abort()", "import no_such_module"])
def test_a_search_that_comes_to_nothing(program: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "_PROGRAM", program)
    assert threads() == 1
    with zl.Pool(MODEL, tuned="auto") as pool:
        assert pool.workers == len(os.sched_getaffinity(0))
    assert not cache.exists()


def test_what_is_no_model_is_refused_as_ever(tmp_path: Path) -> None:
    with pytest.raises(zl.InvalidModelError):
        zl.load(b"no model", tuned="auto")
    with pytest.raises(FileNotFoundError):
        zl.load(tmp_path / "nowhere.tflite", tuned="auto")
    with pytest.raises(TypeError, match="a model is loaded from a path or from bytes"):
        zl.load(3, tuned="auto")  # type: ignore[arg-type]


@pytest.mark.usefixtures("no_search")
def test_settings_beside_it() -> None:
    with pytest.raises(ValueError, match="tuned chooses threads as well, and threads is 2"):
        zl.load(MODEL, tuned="auto", threads=2)
    with pytest.raises(ValueError, match="tuned chooses workers as well, and workers is 2"):
        zl.Pool(MODEL, tuned="auto", workers=2)
    with pytest.raises(FileNotFoundError):
        zl.load(MODEL, tuned="./auto")


@pytest.mark.usefixtures("no_search")
def test_a_pickled_model_needs_no_search(cache: Path) -> None:
    keep(threads=2)
    with zl.load(MODEL, tuned="auto") as model:
        pickled = pickle.dumps(model)
    shutil.rmtree(cache)
    with pickle.loads(pickled) as again:
        assert again.delegation.threads == 2


def test_another_file_in_the_place_is_another_search(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "model.tflite"
    for source in (MODEL, zoo.model_path("small_cnn")):
        path.write_bytes(source.read_bytes())
        zl.load(path, tuned="auto").close()
    assert len(list((cache / "zerolite" / "tunings").iterdir())) == 2
