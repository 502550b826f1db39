"""Functions that load a model themselves run it where `delegates` says, and say so where they can't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from tests.support.sample_libraries import SampleDelegate
from zerolite.cli import main

Image = pytest.importorskip("PIL.Image", reason="images need the extra vision")

MODEL = model_zoo.model_path("small_mobilenet")  # with one ADD, which the sample delegate takes
ITEMS = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
LABELS = np.arange(3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five images, each of a class of its own."""
    place = tmp_path_factory.mktemp("images")
    for number in range(5):
        (place / str(number)).mkdir()
        Image.new("RGB", (32, 32), (50 * number, 40, 10)).save(place / str(number) / "one.png")
    return place


def evaluated(model: Any, folder: Path, **options: Any) -> Any:
    del folder
    return zl.evaluate(model, ITEMS, LABELS, **options).outputs


def compared(model: Any, folder: Path, **options: Any) -> Any:
    del folder
    rows = zl.compare({"only": model}, ITEMS, LABELS, rounds=1, **options).rows
    return [row.result.metrics["accuracy"] for row in rows]


def classified(model: Any, folder: Path, **options: Any) -> Any:
    found = zl.vision.classify(model, folder, preprocessing="unit", **options)
    return [[one.score for one in image.predictions] for image in found]


ENTRIES = [evaluated, compared, classified]


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_model_runs_in_the_delegate(
    entry: Callable[..., Any], folder: Path, sample_delegate: SampleDelegate
) -> None:
    expected = entry(MODEL, folder)
    before = sample_delegate.invoked
    given = entry(MODEL, folder, delegates=zl.ExternalDelegate(sample_delegate.path))
    assert sample_delegate.invoked >= before + 3
    np.testing.assert_allclose(given, expected, rtol=1e-4)


@pytest.mark.parametrize("entry", [evaluated, classified])
def test_each_replica_of_a_pool_has_them(
    entry: Callable[..., Any], folder: Path, sample_delegate: SampleDelegate
) -> None:
    created = sample_delegate.created
    entry(MODEL, folder, workers=2, threads=2, delegates=zl.ExternalDelegate(sample_delegate.path))
    assert sample_delegate.created >= created + 2


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_delegate_that_fails_is_told(entry: Callable[..., Any], folder: Path) -> None:
    with pytest.raises(zl.DelegateError, match=r"libnothing\.so"):
        entry(MODEL, folder, delegates=[zl.ExternalDelegate("libnothing.so"), zl.XNNPack()])


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_loaded_model_is_refused_with_a_cure(entry: Callable[..., Any], folder: Path) -> None:
    with zl.load(MODEL) as model, pytest.raises(ValueError, match=r"^delegates are for .* \.tflite model.* or leave"):
        entry(model, folder, delegates=zl.XNNPack())
    entry(MODEL.read_bytes(), folder, delegates=zl.XNNPack())


def test_other_runtimes_run_without_them(folder: Path, sample_delegate: SampleDelegate) -> None:
    delegate = zl.ExternalDelegate(sample_delegate.path)
    with pytest.raises(ValueError, match=r'with "zerolite" among runtimes'):
        compared(MODEL, folder, delegates=delegate, runtimes=("ai_edge_litert",))
    before = sample_delegate.created
    assert len(compared(MODEL, folder, delegates=delegate, runtimes=("ai_edge_litert", "zerolite"))) == 2
    assert sample_delegate.created == before + 1


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_of_a_pool_are_those_of_each_replica(threads: int) -> None:
    with zl.Pool(MODEL, workers=2, threads=threads) as pool:
        assert {model.threads for model in pool._models} == {threads}
    with zl.load(MODEL, threads=2) as model, zl.Pool(model, workers=2, threads=threads) as pool:
        assert {model.threads for model in pool._models} == {threads}
    with pytest.raises(ValueError, match="threads is 0"):
        zl.Pool(MODEL, workers=1, threads=0)


@pytest.mark.parametrize("workers", [[], ["--workers", "2", "--threads", "2"]])
@pytest.mark.parametrize("command", ["evaluate", "compare", "classify"])
def test_commands(
    command: str, workers: list[str], folder: Path, sample_delegate: SampleDelegate, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {
        "evaluate": ["evaluate", MODEL, folder, *workers],
        "compare": ["compare", MODEL, "--data", folder, "--rounds", "1"],
        "classify": ["classify", folder, "--model", MODEL, *workers],
    }[command]
    before = sample_delegate.invoked
    assert main([*map(str, arguments), "--preprocessing", "unit", "--delegate", str(sample_delegate.path)]) == 0
    assert sample_delegate.invoked >= before + 3
    capsys.readouterr()
    assert main([*map(str, arguments), "--delegate", "abacus"]) == 2
    assert "There is no delegate 'abacus'" in capsys.readouterr().err
