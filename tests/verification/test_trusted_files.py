"""What is kept for later is believed where nobody else can have put it there: verdicts, weights, programs, tunings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of

DENSE = zoo.model_path("dense_2layer")
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only the administrator gives files away")


def as_a_link(path: Path) -> None:
    """The same content, through a link."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def as_another_users(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)


def in_another_users_folder(path: Path) -> None:
    os.chown(path.parent, NOBODY, NOBODY)


def below_another_users_folder(path: Path) -> None:
    os.chown(path.parent.parent, NOBODY, NOBODY)


def writable_by_all(path: Path) -> None:
    path.chmod(0o666)


def writable_by_a_group(path: Path) -> None:
    os.chown(path, -1, NOBODY)
    path.chmod(0o664)


def in_a_folder_of_all(path: Path) -> None:
    path.parent.chmod(0o777)


def below_a_folder_of_all(path: Path) -> None:
    path.parent.parent.chmod(0o777)


SPOILT: dict[Callable[[Path], None], str] = {
    as_a_link: "is a symbolic link; name the file that it leads to",
    writable_by_all: r"others may write to it \(mode 0666\)",
    in_a_folder_of_all: r"the folder .* may be written to by others \(mode 0777\)",
    below_a_folder_of_all: r"the folder .* may be written to by others \(mode 0777\)",
}
GIVEN_AWAY: dict[Callable[[Path], None], str] = {
    as_another_users: "belongs to user 65534, and this is user 0; remove it",
    writable_by_a_group: r"others may write to it \(mode 0664\)",
    in_another_users_folder: "the folder .* belongs to user 65534",
    below_another_users_folder: "the folder .* belongs to user 65534",
}
WAYS = [
    *(pytest.param(spoil, words, id=spoil.__name__) for spoil, words in SPOILT.items()),
    *(pytest.param(spoil, words, id=spoil.__name__, marks=needs_root) for spoil, words in GIVEN_AWAY.items()),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "above" / "folder"
    made.mkdir(parents=True)
    return made


@pytest.mark.parametrize(("spoil", "words"), WAYS)
def test_packed_weights(spoil: Callable[[Path], None], words: str, folder: Path) -> None:
    weights = folder / "weights"
    delegate = zl.XNNPack(weight_cache=weights)
    zl.load(DENSE, delegates=delegate).close()
    assert weights.stat().st_size > 0
    spoil(weights)
    with pytest.raises(PermissionError, match=f"weights is not used, since .*{words}"):
        zl.load(DENSE, delegates=delegate)


@pytest.mark.parametrize(("spoil", "words"), WAYS)
def test_tunings(spoil: Callable[[Path], None], words: str, folder: Path) -> None:
    tuning = folder / "tuned.json"
    zl.tune(DENSE, budget_s=0.05, max_workers=1).save(tuning)
    zl.load(DENSE, tuned=tuning).close()
    spoil(tuning)
    with pytest.raises(PermissionError, match=rf"tuned\.json is not used, since .*{words}"):
        zl.load(DENSE, tuned=tuning)


@pytest.mark.parametrize(("spoil", "words"), WAYS)
def test_verdicts_are_found_anew(
    spoil: Callable[[Path], None], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    zl.load(DENSE, verify="isolated").close()
    (kept,) = (tmp_path / "zerolite" / "verdicts").iterdir()
    # A process whose interpreter is missing can try nothing: only a verdict that is believed loads the model.
    monkeypatch.setattr("sys.executable", "")
    zl.load(DENSE, verify="isolated").close()
    spoil(kept)
    assert words
    with pytest.raises(zl.Error, match=r"sys\.executable"):
        zl.load(DENSE, verify="isolated")


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_cache_that_users_share(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody may make folders there; with the sticky bit, nobody may put another in the place of ours."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))
    zl.load(DENSE, verify="isolated").close()
    assert len(list(shared.glob("zerolite/verdicts/*.json"))) == (mode == 0o1777)


def test_what_is_made_is_believed_whatever_the_umask(tmp_path: Path) -> None:
    program = (
        "import os, sys, zerolite as zl\n"
        "model, folder = sys.argv[1:]\n"
        "os.umask(0)\n"
        "os.chdir(folder)\n"
        "for _ in range(2):\n"
        "    zl.load(model, delegates=zl.XNNPack(weight_cache='weights')).close()\n"
        "    zl.load(model, verify='isolated').close()\n"
        "    sys.executable = ''\n"
        "zl.tune(model, budget_s=0.05, max_workers=1).save('tuned.json')\n"
        "zl.load(model, tuned='tuned.json').close()\n"
        "print('done')\n"
    )
    environment = {"XDG_CACHE_HOME": str(tmp_path / "made" / "cache")}
    assert answer_of(program, str(DENSE), str(tmp_path), environment=environment) == "done\n"


def test_the_advice_helps(folder: Path) -> None:
    weights = folder / "weights"
    delegate = zl.XNNPack(weight_cache=weights)
    values = np.ones((1, 64), np.float32)
    with zl.load(DENSE, delegates=delegate) as model:
        expected = model(values)
    weights.chmod(0o666)
    with pytest.raises(PermissionError, match="remove it, so that it is made anew"):
        zl.load(DENSE, delegates=delegate)
    weights.unlink()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="chmod go-w"):
        zl.load(DENSE, delegates=delegate)
    folder.chmod(0o755)
    with zl.load(DENSE, delegates=delegate) as model:
        np.testing.assert_array_equal(model(values), expected)
