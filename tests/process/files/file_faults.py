"""What is done with files, while one call for files after the other fails; run with failing_files.cpp in front.

`python -m tests.process.files.file_faults WORK FOLDER` does one kind of work again and again, in each turn with the
next call that fails, until none is left to fail. It prints how many turns there were, and what went wrong in them.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import zerolite as zl
from tests.support import model_zoo

MODEL = model_zoo.model_path("small_cnn")
# 0 stands for a call that does half of what it was asked for.
CALLS = {
    "open": (errno.EIO, errno.ENOSPC, errno.EMFILE),
    "read": (errno.EIO, errno.EINTR, 0),
    "write": (errno.EIO, errno.ENOSPC, errno.EINTR, 0),
    "fsync": (errno.EIO, errno.ENOSPC),
    "ftruncate": (errno.ENOSPC,),
    "rename": (errno.EIO, errno.ENOSPC),
    "mmap": (errno.ENOMEM, errno.ENODEV),
}
HARMLESS = (errno.EINTR, 0)
Action = Callable[[Path], None]
_INPUT = np.random.default_rng(1).normal(size=(1, 28, 28, 1)).astype(np.float32)


@dataclass(frozen=True)
class Work:
    """One kind of work with files."""

    prepare: Action
    """What is there before, when nothing fails."""
    act: Action
    """The work: it ends with the right values, or with an error."""
    check: Action
    """What holds afterwards in any case."""
    prefix: str = ""
    """What the names of the files begin with that fail, in place of the folder's."""


def right_values(model: Any) -> None:
    np.testing.assert_array_equal(model(_INPUT), EXPECTED)


def load_file(folder: Path, **options: Any) -> None:
    with zl.load(folder / "model.tflite", **options) as model:
        right_values(model)


def copy_model(folder: Path) -> None:
    shutil.copy(MODEL, folder / "model.tflite")


def no_leftovers(folder: Path, *, names: set[str]) -> None:
    """Nothing lies there but files of these names."""
    found = {path.name for path in folder.rglob("*") if path.is_file()}
    assert found <= names, f"left over: {found - names}"


def load_with_weight_cache(folder: Path) -> None:
    load_file(folder, delegates=[zl.XNNPack(weight_cache=folder / "weights")])


def check_weight_cache(folder: Path) -> None:
    no_leftovers(folder, names={"model.tflite", "weights"})
    load_with_weight_cache(folder)


def save_metadata(folder: Path) -> None:
    names = [f"class {number}" for number in range(10)]
    zl.metadata.annotate(folder / "model.tflite", class_names=names, path=folder / "written.tflite")


def old_or_new_model(folder: Path) -> None:
    no_leftovers(folder, names={"model.tflite", "written.tflite"})
    with zl.load(folder / "written.tflite") as model:
        right_values(model)


def prepare_two_models(folder: Path) -> None:
    copy_model(folder)
    shutil.copy(MODEL, folder / "written.tflite")


def load_data(folder: Path) -> None:
    found = zl.evaluate(folder / "model.tflite", folder / "data.npz", metrics=["accuracy"])
    assert found.items == 8


def prepare_data(folder: Path) -> None:
    copy_model(folder)
    values = np.random.default_rng(2).normal(size=(8, *_INPUT.shape[1:])).astype(np.float32)
    np.savez(folder / "data.npz", x=values, y=np.arange(8) % 10)


def read_labels_and_picture(folder: Path) -> None:
    assert zl.vision.load_labels(folder / "labels.txt") == ["cat", "dog"]
    np.testing.assert_array_equal(zl.vision.load_image(folder / "picture.png").shape, (1, 8, 8, 3))


def prepare_labels_and_picture(folder: Path) -> None:
    (folder / "labels.txt").write_text("cat\ndog\n", encoding="utf-8")
    Image.new("RGB", (8, 8)).save(folder / "picture.png")


@functools.cache
def comparison() -> zl.Comparison:
    return zl.compare({"model": MODEL}, np.repeat(_INPUT, 4, axis=0), np.arange(4), rounds=1, warmup=0)


def write_report(folder: Path) -> None:
    comparison().save(folder / "report.json")


def prepare_report(folder: Path) -> None:
    comparison()
    (folder / "report.json").write_text("old", encoding="utf-8")


def old_or_new_report(folder: Path) -> None:
    no_leftovers(folder, names={"report.json"})
    text = (folder / "report.json").read_text(encoding="utf-8")
    assert text == "old" or json.loads(text)


def load_isolated(folder: Path) -> None:
    load_file(folder, isolation="process")


def nothing(folder: Path) -> None:
    assert folder.is_dir()


WORK = {
    "load": Work(copy_model, load_file, load_file),
    "load mapped": Work(copy_model, lambda folder: load_file(folder, map=True), load_file),
    "weight cache": Work(copy_model, load_with_weight_cache, check_weight_cache),
    "metadata": Work(prepare_two_models, save_metadata, old_or_new_model),
    "data": Work(prepare_data, load_data, nothing),
    "labels and picture": Work(prepare_labels_and_picture, read_labels_and_picture, nothing),
    "report": Work(prepare_report, write_report, old_or_new_report),
    "isolation": Work(copy_model, load_isolated, load_file, prefix="/memfd:"),
}


def turns(shim: Any, work: Work, folder: Path) -> Iterator[str]:
    """Yield what went wrong in each turn: "" where nothing did."""
    for call, errors in CALLS.items():
        for error in errors:
            for number in itertools.count(1):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                work.prepare(folder)
                shim.failing_files_arm(call.encode(), (work.prefix or str(folder)).encode(), number, error)
                failure: BaseException | None = None
                try:
                    work.act(folder)
                except Exception as found:  # noqa: BLE001 - what it may be is looked at below
                    failure = found
                if not shim.failing_files_disarm():
                    if failure is not None:
                        raise failure
                    break
                turn = f"{call} {number} {errno.errorcode.get(error, 'half')}"
                yield f"{turn}: {wrong(work, folder, call, error, failure)}"


def wrong(work: Work, folder: Path, call: str, error: int, failure: BaseException | None) -> str:
    """Say what is not as it should be after a turn."""
    if failure is not None:
        if not isinstance(failure, (OSError, zl.Error)):
            return f"{type(failure).__name__}: {failure}"
        if error in HARMLESS and call in {"read", "write"}:
            return f"not tried again: {failure}"
        if not work.prefix and str(folder) not in str(failure):
            return f"names no file: {failure!r}"
    try:
        work.check(folder)
    except Exception as found:  # noqa: BLE001 - every one is told
        return f"afterwards {type(found).__name__}: {found}"
    return ""


def main() -> None:
    name, folder = sys.argv[1:]
    shim = ctypes.CDLL(None)
    found = list(turns(shim, WORK[name], Path(folder)))
    problems = [turn for turn in found if not turn.endswith(": ")]
    print(len(found), *problems, sep="\n")


with zl.load(MODEL) as _model:
    EXPECTED = np.array(_model(_INPUT))

if __name__ == "__main__":
    main()
