"""The test models and the reference implementation to compare with.

`models("int8")` selects models by tag, `random_inputs` makes inputs for them, and `reference_run` says what
`ai_edge_litert.interpreter.Interpreter` answers. `python tests/model_zoo.py NAME` describes one model.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
from ai_edge_litert import interpreter as litert
from numpy.typing import NDArray

MODELS = Path(__file__).parents[1] / "models"

Array: TypeAlias = NDArray[Any]
Detail: TypeAlias = Mapping[str, Any]
Ranges: TypeAlias = Mapping[str, tuple[float, float]]
Choices: TypeAlias = Mapping[str, Sequence[str]]

_WORDS = ("", "a", "zero", "lite", "Grüße", "日本語", "two words", "x" * 40)


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model of the manifest.

    `runs` says whether the reference interpreter runs it on random inputs, `error` what it said if not.
    `input_ranges` holds the smallest and largest allowed value by the input's name in the signature and by
    its tensor's name; inputs that it does not mention may have any value. `input_choices` does for strings.
    """

    name: str
    purpose: str
    tags: frozenset[str]
    runs: bool
    error: str | None
    input_ranges: Ranges = field(default_factory=dict)
    input_choices: Choices = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return MODELS / f"{self.name}.tflite"

    def __str__(self) -> str:
        return self.name


def load_manifest() -> dict[str, ModelEntry]:
    """Every model by name, in the manifest's order."""
    content = json.loads((MODELS / "manifest.json").read_text(encoding="utf-8"))
    return {
        name: ModelEntry(
            name=name,
            purpose=value["purpose"],
            tags=frozenset(value["tags"]),
            runs=value["reference"]["runs"],
            error=value["reference"].get("error"),
            input_ranges={key: (low, high) for key, (low, high) in value.get("input_ranges", {}).items()},
            input_choices=value.get("input_choices", {}),
        )
        for name, value in content["models"].items()
    }


def model_path(name: str) -> Path:
    """The path of a model; a KeyError if the manifest has none of that name."""
    return load_manifest()[name].path


def models(*tags: str, without: Sequence[str] = (), runs: bool | None = True) -> list[ModelEntry]:
    """The models that have all of `tags` and none of `without`.

    By default only those that the reference runs; `runs=False` gives those that it refuses, None both. A tag
    that no model has is a ValueError: a misspelt tag would otherwise make a test that checks nothing.
    """
    manifest = load_manifest()
    known = frozenset().union(*(entry.tags for entry in manifest.values()))
    for tag in (*tags, *without):
        if tag not in known:
            raise ValueError(f"no model has the tag {tag!r}; the tags are {sorted(known)}")
    return [
        entry
        for entry in manifest.values()
        if entry.tags.issuperset(tags) and not entry.tags.intersection(without) and (runs is None or entry.runs == runs)
    ]


def reference_interpreter(model: str | os.PathLike[str] | bytes, **options: Any) -> Any:
    """A reference interpreter; its details, tensors and runners are those of tf.lite."""
    if isinstance(model, bytes):
        return litert.Interpreter(model_content=model, **options)
    return litert.Interpreter(model_path=os.fspath(model), **options)


def input_details(
    model: str | os.PathLike[str] | bytes, *, signature: str | None = None
) -> list[dict[str, Any]] | dict[str, dict[str, Any]]:
    """The reference's input details: by position, or by name where a signature is given."""
    interpreter = reference_interpreter(model)
    if signature is None:
        details: list[dict[str, Any]] = interpreter.get_input_details()
        return details
    named: dict[str, dict[str, Any]] = interpreter.get_signature_runner(signature).get_input_details()
    return named


@overload
def random_inputs(
    details: Sequence[Detail],
    rng: np.random.Generator,
    *,
    ranges: Ranges | None = ...,
    choices: Choices | None = ...,
    dynamic_size: int | None = ...,
) -> list[Array]: ...
@overload
def random_inputs(
    details: Mapping[str, Detail],
    rng: np.random.Generator,
    *,
    ranges: Ranges | None = ...,
    choices: Choices | None = ...,
    dynamic_size: int | None = ...,
) -> dict[str, Array]: ...
def random_inputs(
    details: Sequence[Detail] | Mapping[str, Detail],
    rng: np.random.Generator,
    *,
    ranges: Ranges | None = None,
    choices: Choices | None = None,
    dynamic_size: int | None = None,
) -> list[Array] | dict[str, Array]:
    """Inputs for the given details, the same for the same state of `rng`.

    `details` is what the reference's get_input_details() returns, for a model (a list) or for a signature (a
    mapping by name). `ranges` and `choices` are those of the manifest's entry. Where the signature leaves a
    dimension open, it gets `dynamic_size`, or the size that the file gives when that is None.
    """
    limits, words = ranges or {}, choices or {}
    if isinstance(details, Mapping):
        return {
            name: _random_array(detail, rng, limits.get(name), words.get(name, _WORDS), dynamic_size)
            for name, detail in details.items()
        }
    return [
        _random_array(detail, rng, limits.get(detail["name"]), words.get(detail["name"], _WORDS), dynamic_size)
        for detail in details
    ]


def _random_array(
    detail: Detail,
    rng: np.random.Generator,
    limits: tuple[float, float] | None,
    words: Sequence[str],
    dynamic_size: int | None,
) -> Array:
    shape = tuple(int(size) for size in detail["shape"])
    signature = tuple(int(size) for size in detail["shape_signature"])
    if dynamic_size is not None and len(signature) == len(shape):
        shape = tuple(dynamic_size if fixed < 0 else size for size, fixed in zip(shape, signature, strict=True))
    dtype: np.dtype[Any] = np.dtype(detail["dtype"])
    if dtype.kind in "SUO":
        strings = np.array([word.encode() for word in words], dtype=object)
        return np.asarray(strings[rng.integers(len(strings), size=shape)], dtype=object).reshape(shape)
    if dtype.kind == "b":
        return np.asarray(rng.integers(2, size=shape), dtype=dtype)
    if dtype.kind in "iu":
        low, high = limits or (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return np.asarray(rng.integers(int(low), int(high), size=shape, dtype=dtype, endpoint=True))
    if dtype.kind == "c":
        return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape), dtype=dtype)
    if limits is not None:
        return np.asarray(rng.uniform(*limits, size=shape), dtype=dtype)
    return np.asarray(rng.standard_normal(shape), dtype=dtype)


@overload
def reference_run(
    model: str | os.PathLike[str] | bytes,
    inputs: Sequence[Array],
    signature: str | None = ...,
    *,
    runs: int = ...,
    options: Mapping[str, Any] | None = ...,
) -> list[Array]: ...
@overload
def reference_run(
    model: str | os.PathLike[str] | bytes,
    inputs: Mapping[str, Array],
    signature: str | None = ...,
    *,
    runs: int = ...,
    options: Mapping[str, Any] | None = ...,
) -> dict[str, Array]: ...
def reference_run(
    model: str | os.PathLike[str] | bytes,
    inputs: Sequence[Array] | Mapping[str, Array],
    signature: str | None = None,
    *,
    runs: int = 1,
    options: Mapping[str, Any] | None = None,
) -> list[Array] | dict[str, Array]:
    """What the reference interpreter answers.

    Inputs by position are the model's own, in the order of its subgraph, and give a list of outputs. Inputs
    by name are those of a signature (by default the only one, or "serving_default") and give a mapping; in a
    model without signatures the names are those of the tensors. Inputs of another shape than the model's
    resize it. `runs` invokes the model several times on the same inputs and returns the last answer, for
    models with state; `options` go to the reference's constructor.
    """
    interpreter = reference_interpreter(model, **(options or {}))
    if isinstance(inputs, Mapping):
        signatures = interpreter.get_signature_list()
        if signatures:
            runner = interpreter.get_signature_runner(signature or _default_signature(signatures))
            answer: dict[str, Array] = {}
            for _ in range(runs):
                answer = runner(**inputs)
            return {name: np.copy(value) for name, value in answer.items()}
        by_name = {detail["name"]: detail for detail in interpreter.get_input_details()}
        placed = [(by_name[name], value) for name, value in inputs.items()]
        outputs = _run_placed(interpreter, placed, runs)
        names = [detail["name"] for detail in interpreter.get_output_details()]
        return dict(zip(names, outputs, strict=True))
    if signature is not None:
        raise ValueError("inputs of a signature are given by name: the reference knows no order of them")
    return _run_placed(interpreter, list(zip(interpreter.get_input_details(), inputs, strict=True)), runs)


def _default_signature(signatures: Mapping[str, Any]) -> str:
    return next(iter(signatures)) if len(signatures) == 1 else "serving_default"


def _run_placed(interpreter: Any, placed: Sequence[tuple[Detail, Array]], runs: int) -> list[Array]:
    for detail, value in placed:
        if tuple(detail["shape"]) != value.shape:
            interpreter.resize_tensor_input(detail["index"], value.shape)
    interpreter.allocate_tensors()
    for detail, value in placed:
        # The reference refuses a list of no strings, but it also has nothing to copy then.
        if value.size > 0 or value.dtype.kind not in "SUO":
            interpreter.set_tensor(detail["index"], value)
    for _ in range(runs):
        interpreter.invoke()
    return [np.copy(interpreter.get_tensor(detail["index"])) for detail in interpreter.get_output_details()]


def describe(model: str | os.PathLike[str] | bytes, ranges: Ranges, choices: Choices) -> dict[str, Any]:
    """Run a model on the reference, through its inputs and each of its signatures, and say what it is."""
    summary: dict[str, Any] = {"runs": False}
    try:
        interpreter = reference_interpreter(model)
        details = interpreter.get_input_details()
        summary["signatures"] = interpreter.get_signature_list()
        interpreter.allocate_tensors()
        rng = np.random.default_rng(0)
        reference_run(model, random_inputs(details, rng, ranges=ranges, choices=choices))
        for key in summary["signatures"]:
            named = interpreter.get_signature_runner(key).get_input_details()
            reference_run(model, random_inputs(named, rng, ranges=ranges, choices=choices), key)
        native = interpreter._interpreter
        summary["delegated_partitions"] = sum(native.NodeName(node) == "DELEGATE" for node in range(native.NumNodes()))
        summary["inputs"] = [_summarize(detail) for detail in details]
        summary["outputs"] = [_summarize(detail) for detail in interpreter.get_output_details()]
    except (ValueError, RuntimeError, TypeError) as error:
        return {"runs": False, "error": " ".join(str(error).split())}
    return summary | {"runs": True}


def _summarize(detail: Detail) -> str:
    signature = detail["shape_signature"]
    sizes = signature if len(signature) == len(detail["shape"]) else detail["shape"]
    return f"{np.dtype(detail['dtype']).name}[{', '.join(str(int(size)) for size in sizes)}]"


def main() -> None:
    """Print as JSON the description of a model of the manifest, or of the file in a request on stdin."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tests/model_zoo.py NAME, or - with a request of the generator on stdin")
    if sys.argv[1] == "-":
        request = json.load(sys.stdin)
        summary = describe(request["path"], request["input_ranges"], request["input_choices"])
    else:
        entry = load_manifest()[sys.argv[1]]
        summary = describe(entry.path, entry.input_ranges, entry.input_choices)
    print(json.dumps(summary, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
