"""Models that can't run are refused with the right class and one clear sentence, and nothing on stderr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.model_zoo import ModelEntry
from tests.support.python_process import answer_of

# What the message has to say beyond the file's name.
REASONS = {
    "unknown_custom_op": "NobodyKnowsThis",
    "flex_op": "FlexErfinv",
    "unsupported_type": "Neg",
    "shapes_do_not_fit": "could not prepare signature 'serving_default'",
    "short_constant": "tensor 'constant' takes 32 bytes, and its buffer holds 20",
    "builtin_version_too_new": "version '99'",
    "unknown_builtin": "999",
    "schema_version": "schema version 9, and version 3 is expected",
    "no_subgraph": "no subgraph",
    "operand_out_of_range": r"operator 0 \(NEG\) has tensor 77 as an input, and its subgraph has 2 tensors",
    "input_out_of_range": "input or output of its subgraph 'main'",
    "opcode_out_of_range": "operator in it has no operator code",
    "buffer_out_of_range": "tensor 'x' refers to a buffer that does not exist",
    "negative_dimension": r"tensor 'x' has a negative dimension in its shape \(2, -3\)",
    "huge_tensor": r"tensor 'x' has the shape \(2147483647, 2147483647\), which is no possible size",
    "signature_tensor_out_of_range": "signature 'serving_default' names a tensor that does not exist",
    "signature_subgraph_out_of_range": "signature 'serving_default' refers to a subgraph that does not exist",
}

REFUSED = zoo.models("refused", runs=False)
MALFORMED = zoo.models("malformed", runs=False)
# Whether a kernel takes the values is seen when it runs.
REFUSED_BY_A_RUN = {"unsupported_type"}


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


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_message_names_the_file(entry: ModelEntry) -> None:
    with pytest.raises(zl.Error) as caught:
        load_and_run(entry.path)
    assert str(entry.path) in str(caught.value)


@pytest.mark.parametrize("entry", [entry for entry in REFUSED if entry.name not in REFUSED_BY_A_RUN], ids=str)
def test_loading_refuses(entry: ModelEntry) -> None:
    """Not the first use: who gets a model can use it."""
    with pytest.raises(zl.Error, match=REASONS[entry.name]):
        zl.load(entry.path)


@pytest.mark.parametrize("entry", MALFORMED, ids=str)
def test_malformed_models_are_invalid(entry: ModelEntry) -> None:
    with pytest.raises(zl.InvalidModelError):
        zl.load(entry.path)


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


@pytest.mark.parametrize(
    "use",
    [
        "name",
        "size",
        "threads",
        "closed",
        "key",
        "dispatch",
        "inputs",
        "outputs",
        "signatures",
        "run()",
        "__call__(1)",
        "bind(x=zl.empty(1))",
        "resize(x=(1,))",
        "map([1])",
        "close()",
        "__exit__(None, None, None)",
    ],
)
def test_object_whose_loading_failed_refuses_any_use(use: str) -> None:
    """In a process of its own: what reads memory that was never set ends it."""
    program = f"""
import zerolite as zl

model = zl.CompiledModel.__new__(zl.CompiledModel)
try:
    model.__init__(b"no model")
except zl.InvalidModelError:
    print("not loaded")
try:
    model.{use}
except zl.Error as error:
    print(error)
"""
    assert answer_of(program) == "not loaded\nthis CompiledModel was not initialized: its loading failed\n"


def test_object_that_was_never_loaded_does_not_crash() -> None:
    program = """
import zerolite as zl

for kind in (zl.CompiledModel, zl.Signature, zl.Tensor):
    thing = kind.__new__(kind)
    for member in dir(kind):
        if member.startswith("__") or member == "run_async":  # which does nothing before it is awaited
            continue
        for arguments in ((), (0,), (b"",)):
            try:
                getattr(thing, member)(*arguments)
            except (AttributeError, TypeError, zl.Error):
                pass
    try:
        zl.CompiledModel(thing)
    except (TypeError, zl.Error):
        print("refused")
"""
    assert answer_of(program) == "refused\n" * 3
