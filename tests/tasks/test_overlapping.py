"""Pictures are decoded and run on all cores, and few of them are held at a time, however many there are."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo

Image = pytest.importorskip("PIL.Image", reason="tasks on pictures need the extra vision")

CNN = model_zoo.model_path("small_cnn")
CORES = 2
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    monkeypatch.setattr("zerolite._platform.ordered_work.usable_cores", lambda: CORES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "some").mkdir()
    for index in range(6):
        Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(tmp_path / "some" / f"{index}.png")
    return tmp_path


class Meeting:
    """A picture that is only decoded when another one is as well."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        self._barrier.wait(PATIENCE_S)
        return np.zeros((4, 4), np.uint8)


@pytest.fixture(params=[None, 1, 2], ids=["model", "pool of 1", "pool of 2"])
def classifier(request: pytest.FixtureRequest) -> Iterator[zl.tasks.Classifier]:
    with zl.tasks.load(CNN, "classify", preprocessing="unit", workers=request.param) as task:
        yield task


def test_pictures_of_a_task_are_decoded_at_once(classifier: zl.tasks.Classifier) -> None:
    barrier = threading.Barrier(CORES)
    assert len(list(classifier.map([Meeting(barrier)] * 4))) == 4  # type: ignore[list-item] # as arrays of others


@pytest.mark.parametrize("workers", [None, 2])
def test_files_are_decoded_at_once(workers: int | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(CORES)
    open_image: Callable[..., Any] = Image.open

    def meet(*args: Any, **kwargs: Any) -> Any:
        barrier.wait(PATIENCE_S)
        return open_image(*args, **kwargs)

    expected = [found.predictions for found in zl.vision.classify(CNN, folder, preprocessing="unit")]
    monkeypatch.setattr(Image, "open", meet)
    found = list(zl.vision.classify(CNN, folder, preprocessing="unit", workers=workers))
    assert [one.path.name for one in found] == [f"{number}.png" for number in range(6)]
    for one, known in zip(found, expected, strict=True):
        np.testing.assert_allclose([p.score for p in one.predictions], [p.score for p in known], rtol=1e-5)
    assert len(list(zl.vision.load_images(folder, size=(8, 8)))) == 6
    assert zl.evaluate(CNN, folder, metrics={"none": lambda _, __: 0.0}, preprocessing="unit").items == 6


def test_few_pictures_are_held(classifier: zl.tasks.Classifier) -> None:
    """Of an endless iterator only the next ones are taken."""
    made: list[weakref.ref[np.ndarray]] = []
    most = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal most
        while True:
            picture = np.zeros((28, 28), np.uint8)
            made.append(weakref.ref(picture))
            most = max(most, sum(one() is not None for one in made))
            yield picture

    results = classifier.map(endless())
    for _ in range(300):
        next(results)
    results.close()  # type: ignore[attr-defined] # a generator
    assert 1 < most <= 3 * (CORES + 1) + 2


def test_failures_come_in_their_place(classifier: zl.tasks.Classifier) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from [np.zeros((28, 28), np.uint8)] * 3
        raise RuntimeError("the camera is gone")

    results = classifier.map(broken())
    assert len([next(results) for _ in range(3)]) == 3
    with pytest.raises(RuntimeError, match="the camera is gone"):
        next(results)
    results = classifier.map([np.zeros((28, 28), np.uint8), b"no picture", np.zeros((28, 28), np.uint8)])
    next(results)
    with pytest.raises(zl.ImageError):
        next(results)


def test_what_is_done_does_not_wait_for_many_more(
    classifier: zl.tasks.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera's picture is answered when the next one comes, and not when many more have come."""
    futures: list[Future[Any]] = []
    submit = ThreadPoolExecutor.submit

    def kept(executor: ThreadPoolExecutor, *args: Any) -> Future[Any]:
        future: Future[Any] = submit(executor, *args)
        if executor._thread_name_prefix == "zerolite-work":
            futures.append(future)
        return future

    def camera() -> Iterator[np.ndarray]:
        while True:
            yield np.zeros((28, 28), np.uint8)
            wait(futures, PATIENCE_S)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", kept)
    results = classifier.map(camera())
    for number in range(5):
        next(results)
        assert len(futures) <= number + 2
    results.close()  # type: ignore[attr-defined] # a generator


def test_warnings_are_as_they_were(folder: Path, classifier: zl.tasks.Classifier) -> None:
    """Pillow is kept quiet in several threads, and nobody else."""
    palette = Image.new("P", (28, 28))
    palette.info["transparency"] = b"\x01\x02"
    palette.save(folder / "palette.png", transparency=b"\x01\x02")
    before = list(warnings.filters)
    with zl.tasks.load(CNN, "classify") as unfed, pytest.warns(UserWarning, match="nothing tells the range"):
        assert len(list(unfed.map(folder))) == 7
    assert len(list(classifier.map(folder))) == 7
    assert list(warnings.filters) == before
