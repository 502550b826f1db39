"""Conversions that share a process: one that crashes is one error, and the next one is not harmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from zerolite.cli import main
from zerolite.conversion import ConversionError
from zerolite.conversion.child.kept_process import kept_process

pytest.importorskip("litert_quantizer", reason="needs the extra quantize")

SOURCE = zoo.model_path("dense_2layer")
ROWS = np.random.default_rng(6).normal(size=(8, 64)).astype(np.float32)


class Children:
    """The processes that convert, noted at every step."""

    def __init__(self, *, killed_at: int = -1) -> None:
        self._killed_at = killed_at
        self._others = set(psutil.Process().children())
        self.pids: list[int] = []

    def now(self) -> set[psutil.Process]:
        """Those that have been started since."""
        return set(psutil.Process().children()) - self._others

    def note(self, _: str) -> None:
        (child,) = self.now()
        if len(self.pids) == self._killed_at:
            child.kill()
        self.pids.append(child.pid)


def test_it_is_the_same_process_and_the_same_model() -> None:
    modes: tuple[Literal["dynamic", "fp16"], ...] = ("dynamic", "fp16")
    apart = {mode: zl.convert(SOURCE, quantize=mode) for mode in modes}
    children = Children()
    with kept_process(), kept_process():
        for mode, alone in apart.items():
            together = zl.convert(SOURCE, quantize=mode, on_step=children.note)
            assert together.content == alone.content
            assert together.verification == alone.verification
    assert len(set(children.pids)) == 1
    assert not children.now()


def test_an_end_before_its_time_is_one_error() -> None:
    children = Children(killed_at=2)
    with kept_process():
        first = zl.convert(SOURCE, quantize="dynamic", on_step=children.note)
        with pytest.raises(ConversionError, match="was killed, most likely because the machine ran out of memory"):
            zl.convert(SOURCE, quantize="fp16", on_step=children.note)
        third = zl.convert(SOURCE, quantize="dynamic", on_step=children.note)
    assert third.content == first.content
    assert len(set(children.pids)) == 2


def test_a_refusal_ends_no_process() -> None:
    children = Children()
    with kept_process():
        zl.convert(SOURCE, quantize="dynamic", on_step=children.note)
        with pytest.raises(ValueError, match=r"no layer of .* is meant by 'nothing'"):
            zl.convert(SOURCE, quantize="dynamic", keep_float=["nothing"], on_step=children.note)
        zl.convert(SOURCE, quantize="fp16", on_step=children.note)
    assert len(set(children.pids)) == 1


def test_what_a_callback_raises_leaves_the_next_conversion_alone() -> None:
    def interrupt(_: str) -> None:
        raise LookupError

    with kept_process():
        with pytest.raises(LookupError):
            zl.convert(SOURCE, quantize="dynamic", on_step=interrupt)
        assert zl.convert(SOURCE, quantize="fp16").quantize == "fp16"


def test_a_search_has_one_process() -> None:
    children = Children()

    def share(outputs: np.ndarray, labels: np.ndarray) -> float:
        return float(np.allclose(outputs.argmax(axis=1), labels))

    def step(name: str) -> None:
        if name in ("Timing", "Verifying"):
            children.note(name)

    with zl.load(SOURCE) as model:
        labels = np.array([np.argmax(model(row[np.newaxis])) for row in ROWS])
    zl.convert(
        SOURCE,
        quantize="dynamic",
        max_loss=1,
        metric={"share": share},
        evaluation_data=ROWS,
        evaluation_labels=labels,
        on_step=step,
    )
    assert len(children.pids) == 2
    assert len(set(children.pids)) == 1


def test_a_variant_that_crashes_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("typer", reason="needs the extra cli")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dense.tflite").write_bytes(SOURCE.read_bytes())
    np.savez(tmp_path / "test.npz", x=ROWS, y=np.zeros(len(ROWS), np.int64))
    # Of the process alone: it imports this in the place of a module that makes int16 activations.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "import zerolite.conversion.quantization.quantizer as q\n"
        "real = q.quantization_recipe\n"
        "def recipe(mode, *a, **k):\n"
        "    os.kill(os.getpid(), signal.SIGSEGV) if mode == 'int16x8' else None\n"
        "    return real(mode, *a, **k)\n"
        "q.quantization_recipe = recipe\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main(["convert", "dense.tflite", "--all", "--data", "test.npz", "--no-verify", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["left_out"]) == ["int16x8"]
    assert "crashed (SIGSEGV)" in told["left_out"]["int16x8"]
    assert {"int8", "weight-only-int4"} <= set(told["conversions"])
