"""What reaches stderr: nothing, unless asked; what the runtime says of a failure is in its exception."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.models.generate.graph_builder import GraphBuilder
from tests.support import model_zoo as zoo
from tests.support.python_process import answer_of, run_python

LEVELS = ("verbose", "info", "warning", "error", "silent")

# Each begins with its own process: some messages are said once in a process.
LOAD_AND_FAIL = """
import os
import sys

import zerolite as zl

if len(sys.argv) > 3:
    zl.set_log_level(sys.argv[3])
with zl.load(sys.argv[1]) as model:
    model.run()
try:
    with zl.load(sys.argv[2]) as model:
        model.run()
except zl.Error as error:
    print(error)
"""
PATHS = (str(zoo.model_path("small_cnn")), str(zoo.model_path("unknown_custom_op")))


@pytest.fixture(autouse=True)
def silent_again() -> Iterator[None]:
    yield
    zl.set_log_level("silent")


def test_nothing_by_default() -> None:
    assert "NobodyKnowsThis" in answer_of(LOAD_AND_FAIL, *PATHS)  # which checks that stderr is empty


def test_silent_shows_nothing() -> None:
    assert "NobodyKnowsThis" in answer_of(LOAD_AND_FAIL, *PATHS, "silent")


@pytest.mark.parametrize("level", ["verbose", "info"])
def test_info_shows_what_the_runtime_does(level: str) -> None:
    process = run_python(LOAD_AND_FAIL, *PATHS, level)
    assert process.returncode == 0
    assert "INFO: Created TensorFlow Lite XNNPACK delegate for CPU." in process.stderr
    assert "ERROR: " in process.stderr
    assert "NobodyKnowsThis" in process.stdout


def test_names_command_no_terminal(tmp_path: Path) -> None:
    """The runtime writes names of the model's as they are."""
    builder = GraphBuilder()
    x, y = builder.tensor("x", [1]), builder.tensor("y", [1])
    builder.custom_operator("\x1b]0;owned\x07\u202e\x7f\u009bJ\u00e9", [x], [y])
    builder.interface([x], [y])
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.finish())
    process = run_python(LOAD_AND_FAIL, PATHS[0], str(path), "error")
    assert "\\x1b]0;owned\\x07\\xe2\\x80\\xae\\x7f\\xc2\\x9bJ\u00e9" in process.stderr
    assert not set("\x1b\x07\u202e\x7f\u009b") & set(process.stderr)


@pytest.mark.parametrize("level", ["warning", "error"])
def test_errors_are_shown_from_their_level_on(level: str) -> None:
    process = run_python(LOAD_AND_FAIL, *PATHS, level)
    assert process.returncode == 0
    assert "ERROR: Encountered unresolved custom op: NobodyKnowsThis" in process.stderr
    assert "INFO" not in process.stderr
    assert "NobodyKnowsThis" in process.stdout


@pytest.mark.parametrize("level", LEVELS)
def test_messages_are_in_the_exception_at_every_level(level: Any, capfd: pytest.CaptureFixture[str]) -> None:
    zl.set_log_level(level)
    with zl.load(zoo.model_path("gather")) as model:
        for _ in range(2):
            with pytest.raises(zl.Error, match="index") as caught:
                model(x=np.zeros(10, np.float32), index=np.array([0, 10, 2]))
            assert not str(caught.value).startswith(("ERROR", "["))
            assert "\n" not in str(caught.value)
    assert ("ERROR" in capfd.readouterr().err) == (level != "silent")


def test_level_can_be_changed_at_any_time(capfd: pytest.CaptureFixture[str]) -> None:
    with zl.load(zoo.model_path("gather")) as model:

        def fail() -> str:
            with pytest.raises(zl.Error):
                model(x=np.zeros(10, np.float32), index=np.array([0, 10, 2]))
            return capfd.readouterr().err

        for _ in range(2):
            assert fail() == ""
            zl.set_log_level("error")
            assert "ERROR: " in fail()
            zl.set_log_level("silent")
        assert fail() == ""


@pytest.mark.parametrize("level", ["", "INFO", "debug", None, 0, []])
def test_wrong_level(level: Any) -> None:
    with pytest.raises(ValueError, match=r"'verbose', 'info', 'warning', 'error', 'silent'"):
        zl.set_log_level(level)


def test_messages_of_one_failure_are_not_in_the_next() -> None:
    with zl.load(zoo.model_path("gather")) as gather, zl.load(zoo.model_path("integer_division")) as division:
        for _ in range(2):
            with pytest.raises(zl.Error) as first:
                gather(x=np.zeros(10, np.float32), index=np.array([0, 10, 2]))
            with pytest.raises(zl.Error) as second:
                division(x=np.ones(4, np.int32), y=np.zeros(4, np.int32))
            assert "gather" in str(first.value)
            assert "gather" not in str(second.value)
            assert "div" in str(second.value)


def test_another_user_of_the_library_keeps_its_messages() -> None:
    """LiteRT's own Python package loads the same library; what it says is not ours to hide."""
    program = """
import sys

import zerolite as zl
from ai_edge_litert.interpreter import Interpreter

zl.load(sys.argv[1]).run()
print("quiet so far", file=sys.stderr, flush=True)
Interpreter(sys.argv[1]).allocate_tensors()
"""
    process = run_python(program, PATHS[0])
    assert process.returncode == 0
    before, _, after = process.stderr.partition("quiet so far")
    assert before == ""
    assert "XNNPACK" in after
