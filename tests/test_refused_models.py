"""Models that can't run are refused with the right class and one clear sentence, and nothing on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests import model_zoo as zoo
from tests.model_zoo import ModelEntry
from tests.python_process import answer_of

# What the message has to say beyond the file's name.
REASONS = {
    "unknown_custom_op": "NobodyKnowsThis",
    "flex_op": "FlexErfinv",
    "unsupported_type": "Neg",
    "shapes_do_not_fit": "prepare",
    "short_constant": "[Tt]ensor 2",
    "builtin_version_too_new": "version '99'",
    "unknown_builtin": "999",
    "schema_version": "schema version 9",
    "no_subgraph": "no subgraph",
    "operand_out_of_range": "77",
    "input_out_of_range": "input or output",
    "opcode_out_of_range": "operator",
    "buffer_out_of_range": "[Bb]uffer",
    "negative_dimension": "[Tt]ensor 0",
    "huge_tensor": "prepare",
    "signature_tensor_out_of_range": "serving_default",
    "signature_subgraph_out_of_range": "serving_default",
}

REFUSED = zoo.models("refused", runs=False)
MALFORMED = zoo.models("malformed", runs=False)
# Whether a kernel takes the values is seen when it runs.
REFUSED_BY_A_RUN = {"unsupported_type"}


def known_defects(entries: list[ModelEntry], names: set[str], words: str) -> list[Any]:
    """The entries as parameters; those named are expected to fail, until the defect is mended."""
    return [
        pytest.param(entry, id=entry.name, marks=[pytest.mark.xfail(reason=words)] if entry.name in names else [])
        for entry in entries
    ]


def some_inputs(model: zl.CompiledModel) -> list[np.ndarray]:
    return [
        np.full(tensor.shape, b"text" if tensor.dtype == object else 0, tensor.dtype)
        for tensor in model.inputs.values()
    ]


def load_and_run(source: Path | bytes) -> None:
    with zl.load(source) as model:
        model(*some_inputs(model))


def test_every_refused_model_has_its_reason() -> None:
    assert {entry.name for entry in REFUSED} == set(REASONS)


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_message_says_why(entry: ModelEntry, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(zl.Error, match=REASONS[entry.name]):
        load_and_run(entry.path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "entry",
    known_defects(
        REFUSED,
        {"unknown_custom_op", "flex_op", "unsupported_type", "shapes_do_not_fit", "huge_tensor"},
        "errors of preparing and of running do not name the model",
    ),
)
def test_message_names_the_file(entry: ModelEntry) -> None:
    with pytest.raises(zl.Error) as caught:
        load_and_run(entry.path)
    assert str(entry.path) in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    known_defects(
        [entry for entry in REFUSED if entry.name not in REFUSED_BY_A_RUN],
        {"unknown_custom_op", "flex_op", "shapes_do_not_fit", "huge_tensor"},
        "graphs are prepared at their first use only, so load does not see that they can't be",
    ),
)
def test_loading_refuses(entry: ModelEntry) -> None:
    """Not the first use: who gets a model can use it."""
    with pytest.raises(zl.Error):
        zl.load(entry.path).close()


@pytest.mark.parametrize(
    "entry",
    known_defects(
        MALFORMED,
        {"short_constant", "schema_version", "negative_dimension", "huge_tensor"},
        "what the runtime finds while it compiles is a plain Error, not an InvalidModelError",
    ),
)
def test_malformed_models_are_invalid(entry: ModelEntry) -> None:
    with pytest.raises(zl.InvalidModelError):
        load_and_run(entry.path)


@pytest.mark.parametrize("entry", [entry for entry in REFUSED if "malformed" not in entry.tags], ids=str)
def test_sound_models_are_not_called_invalid(entry: ModelEntry) -> None:
    with pytest.raises(zl.Error) as caught:
        load_and_run(entry.path)
    assert not isinstance(caught.value, zl.InvalidModelError)


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_same_from_bytes_and_again(entry: ModelEntry) -> None:
    """A refusal leaves nothing behind: the next one, and a sound model after it, go as if it had not been."""
    for _ in range(2):
        with pytest.raises(zl.Error, match=REASONS[entry.name]):
            load_and_run(entry.path.read_bytes())
    with zl.load(zoo.model_path("rank_0")) as model:
        assert model(np.float32(2), np.float32(3)) == {"product": np.float32(6), "sum": np.float32(5)}


def test_classes() -> None:
    assert issubclass(zl.Error, RuntimeError)
    assert issubclass(zl.InvalidModelError, zl.Error)
    assert issubclass(zl.InvalidModelError, ValueError)
    assert issubclass(zl.DelegateError, zl.Error)
    assert issubclass(zl.ArgumentError, TypeError)
    assert issubclass(zl.ArgumentError, ValueError)
    assert not issubclass(zl.ArgumentError, zl.Error)


def test_traceback_with_locals_of_a_refused_model() -> None:
    """Debuggers and test runners show the object whose loading failed."""
    answer = answer_of(
        """
import sys
import traceback
import zerolite as zl

try:
    zl.load(sys.argv[1])
except zl.InvalidModelError as error:
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(report.format()))
""",
        str(zoo.model_path("no_subgraph")),
    )
    assert "CompiledModel(not loaded)" in answer
    assert "no subgraph" in answer


@pytest.mark.xfail(reason="native members read wild memory of an object whose loading failed")
@pytest.mark.parametrize("member", ["name", "size", "threads", "key", "close()", "inputs", "dispatch"])
def test_object_whose_loading_failed_does_not_crash(member: str) -> None:
    program = f"""
import zerolite as zl

try:
    zl.CompiledModel.__new__(zl.CompiledModel).{member}
except (TypeError, zl.Error):
    print("refused")
"""
    assert answer_of(program) == "refused\n"
