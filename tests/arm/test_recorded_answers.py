"""One model, two processors, one answer.

The reference's answers come from the file that `ZEROLITE_RECORDED_ANSWERS` names, which is recorded on x86-64 for a run
on ARM; without it the reference of this machine is asked, so that the test itself is tested everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import zerolite as zl
from tests.arm import recorded_answers
from tests.arm.recorded_answers import RecordedAnswer
from tests.arm.same_answer import assert_same_answer, largest
from tests.support.bit_equality import as_tensor_dtype
from tests.support.model_zoo import ModelEntry


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[RecordedAnswer]]:
    path = Path(os.environ.get("ZEROLITE_RECORDED_ANSWERS") or tmp_path_factory.mktemp("answers") / "answers.npz")
    if not path.exists():
        recorded_answers.record(path)
    return recorded_answers.load(path)


@pytest.mark.parametrize("entry", recorded_answers.recordable(), ids=str)
def test_same_answer_as_where_it_was_recorded(entry: ModelEntry, recorded: dict[str, list[RecordedAnswer]]) -> None:
    assert recorded[entry.name]
    for answer in recorded[entry.name]:
        # A model of its own for each signature, as where it was recorded.
        with zl.load(entry.path) as model:
            signature = model.signatures[answer.signature] if answer.signature else model
            inputs, expected = answer.inputs, answer.outputs
            if not answer.signature:
                # Then the names in the file need not be distinct; the order is the same.
                inputs = dict(zip(signature.inputs, inputs.values(), strict=True))
                expected = dict(zip(signature.outputs, expected.values(), strict=True))
            own = {name: as_tensor_dtype(value, signature.inputs[name].dtype) for name, value in inputs.items()}
            result = signature(own)
            outputs = result if isinstance(result, dict) else dict.fromkeys(signature.outputs, result)
            assert set(outputs) == set(expected)
            # Terms as large as the inputs may cancel out, and leave their rounding errors.
            scale = max(map(largest, (*inputs.values(), *expected.values())), default=0.0)
            for name, value in expected.items():
                assert_same_answer(outputs[name], value, scale, f"{answer.signature} {name}")
