"""What the reference answers on the machine that records, to be compared with what another machine computes.

`python -m tests.arm.recorded_answers FILE` records every model that the reference runs, once, on random inputs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support import model_zoo as zoo
from tests.support.model_zoo import Array, ModelEntry
from tests.support.reference_model import ReferenceModel

SEED = 11
# A model of random numbers has no second answer, and that of a failing input is an error.
WITHOUT = ("random", "fails_on_some_inputs", "names")


@dataclass(frozen=True)
class RecordedAnswer:
    """One run of one signature: inputs and outputs by name."""

    model: str
    signature: str
    inputs: dict[str, Array]
    outputs: dict[str, Array]


def recordable() -> list[ModelEntry]:
    return zoo.models(without=WITHOUT)


def record(path: Path) -> None:
    """Run the reference on every model and write inputs and outputs to a .npz file."""
    arrays: dict[str, Array] = {}
    for entry in recordable():
        for answer in answers(entry):
            for side, values in (("input", answer.inputs), ("output", answer.outputs)):
                for name, value in values.items():
                    arrays["\n".join((answer.model, answer.signature, side, name))] = _as_plain(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def answers(entry: ModelEntry) -> Iterator[RecordedAnswer]:
    native = zoo.reference_interpreter(entry.path)
    for key, names in (native.get_signature_list() or {"": {}}).items():
        # A model of its own for each, so that no signature sees another's state.
        reference = ReferenceModel(entry.path)
        details = native.get_input_details(), native.get_output_details()
        inputs_of, outputs_of = ([str(detail["name"]) for detail in side] for side in details)
        if key:
            inputs_of, outputs_of = names["inputs"], names["outputs"]
        rng = np.random.default_rng(SEED)
        inputs = zoo.random_inputs(
            reference.inputs(key, inputs_of), rng, ranges=entry.input_ranges, choices=entry.input_choices
        )
        yield RecordedAnswer(entry.name, key, inputs, reference.run(key, inputs, outputs_of))


def load(path: Path) -> dict[str, list[RecordedAnswer]]:
    """The recorded answers by the model's name."""
    found: dict[tuple[str, str], RecordedAnswer] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for label in arrays.files:
            model, signature, side, name = label.split("\n")
            answer = found.setdefault((model, signature), RecordedAnswer(model, signature, {}, {}))
            (answer.inputs if side == "input" else answer.outputs)[name] = _as_strings(arrays[label])
    by_model: dict[str, list[RecordedAnswer]] = {}
    for answer in found.values():
        by_model.setdefault(answer.model, []).append(answer)
    return by_model


def _as_plain(value: Array) -> Array:
    """Strings as NumPy's fixed-width bytes, which need no pickle."""
    return value.astype(np.bytes_) if value.dtype == object else value


def _as_strings(value: Array) -> Array:
    return value.astype(object) if value.dtype.kind == "S" else value


if __name__ == "__main__":
    record(Path(sys.argv[1]))
