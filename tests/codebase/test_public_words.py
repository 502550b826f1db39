"""A parameter's name means one thing in all public functions; old names work for one release, with a warning."""

from __future__ import annotations

import inspect
import re
import types
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo

MODEL = model_zoo.model_path("dense_2layer")
CNN = model_zoo.model_path("small_cnn")

# Written differently, and the same to whoever passes it: a narrower type for those that take or tell less.
SAME = {
    "Callable[[int, int | None], None]": "ProgressCallback",
    "Progress": "ProgressCallback",  # of a batch, whose size is known
    "RaiseOrSkip": "OnCorrupt",  # a conversion has nobody to tell of a skipped image
    "Preprocessing": "str",  # a conversion takes a function, too
    "ClassNames": "Sequence[str]",  # a conversion takes a file of them, too
    "Mapping[str, OptionValue]": "Mapping[str, str]",  # options of a delegate, which become text
    "Mapping[object, object]": "Mapping[str, str]",
    "MeanAndStd": "Normalization",  # a conversion takes its two parts as well
    "_Directory": "str | os.PathLike[str]",
}
# What means different things on purpose: the function that takes it says of what.
OF_THE_FUNCTION = {
    # How a model is verified before one gets it: the file, in one of several ways, or the conversion, which has one.
    "verify",
}
# `load`, `profile` and others make these.
MADE_BY_FUNCTIONS = (zl.CompiledModel, zl.Profile, zl.TensorMap, zl.Trace)


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Functions, constructors and methods of zerolite and its public modules; results are made by none but these."""
    for module in (zl, zl.vision, zl.metadata, zl.tasks, zl.compat, zl.serving, zl.integrations.ray):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value):
                yield from methods_of(value, f"{module.__name__}.{name}")
            elif isinstance(value, types.FunctionType):
                yield f"{module.__name__}.{name}", value


def methods_of(kind: type, name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    is_result = (
        kind in MADE_BY_FUNCTIONS
        or hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "_fields")
        or issubclass(kind, BaseException)
    )
    for attribute in dir(kind):
        value = inspect.getattr_static(kind, attribute)
        value = getattr(value, "__func__", value)
        made = attribute == "__init__" and not is_result
        if isinstance(value, types.FunctionType) and (made or attribute == "__call__" or attribute[0] != "_"):
            yield f"{name}.{attribute}", value


def meanings() -> dict[str, dict[str, list[str]]]:
    """Parameter -> type -> functions. What a function works on, its first parameter, is of its own type."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, function in public_functions():
        parameters = [one for one in inspect.signature(function).parameters.values() if one.name not in ("self", "cls")]
        for place, parameter in enumerate(parameters):
            subject = place == 0 and parameter.kind is not parameter.KEYWORD_ONLY
            several = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            if subject or several or parameter.kind is parameter.POSITIONAL_ONLY:
                continue
            kind = re.sub(r" \| None$", "", str(parameter.annotation))
            found[parameter.name][SAME.get(kind, kind)].append(name)
    return found


def test_a_parameter_means_one_thing_everywhere() -> None:
    found = meanings()
    assert {"threads", "rounds", "turns", "warmup", "warmup_s", "progress", "delegates"} <= found.keys()
    several = {name: dict(kinds) for name, kinds in found.items() if len(kinds) > 1 and name not in OF_THE_FUNCTION}
    assert several == {}
    assert {name for name in OF_THE_FUNCTION if len(found[name]) < 2} == set(), "no exceptions any more"


@pytest.mark.parametrize(("word", "kind"), [("rounds", "int"), ("warmup", "int"), ("turns", "int"), ("threads", "int")])
def test_words_of_the_measuring(word: str, kind: str) -> None:
    assert set(meanings()[word]) == {kind}
    assert "seconds" not in meanings()["warmup"]


# Old names


def refusal_of(call: Callable[[], Any]) -> str:
    with pytest.raises(ValueError, match="file") as refusal:
        call()
    return str(refusal.value)


def calls(folder: Path) -> dict[str, tuple[Callable[[], Any], Callable[[], Any], str]]:
    """What calls by the old name, by the new one, and the new name."""
    scores = np.array([0.1, 0.9])
    short: dict[str, Any] = {"seconds": 0.001, "processes": 0}
    steps: list[str] = []
    digits = [f"digit {number}" for number in range(10)]
    labelled = zl.metadata.annotate(CNN, class_names=digits)
    quick: dict[str, Any] = {"quantize": "dynamic", "verify": False}
    return {
        "rounds": (
            lambda: zl.benchmark(MODEL, rounds=2, warmup_s=0.0, **short).settings["turns"],  # type: ignore[call-arg]
            lambda: zl.benchmark(MODEL, turns=2, warmup_s=0.0, **short).settings["turns"],
            "turns",
        ),
        "warmup": (
            lambda: zl.benchmark(MODEL, turns=1, warmup=0.0, **short).settings["warmup_s"],  # type: ignore[call-arg]
            lambda: zl.benchmark(MODEL, turns=1, warmup_s=0.0, **short).settings["warmup_s"],
            "warmup_s",
        ),
        "labels": (
            lambda: zl.vision.top(scores, labels=["a", "b"])[0].label,  # type: ignore[call-arg]
            lambda: zl.vision.top(scores, class_names=["a", "b"])[0].label,
            "class_names",
        ),
        "labels of metadata": (
            lambda: zl.metadata.annotate(CNN, labels=digits),  # type: ignore[call-arg]
            lambda: zl.metadata.annotate(CNN, class_names=digits),
            "class_names",
        ),
        "labels of a conversion": (
            lambda: zl.convert(CNN, labels=digits, **quick).content,  # type: ignore[call-arg]
            lambda: zl.convert(CNN, class_names=digits, **quick).content,
            "class_names",
        ),
        "output": (
            lambda: zl.metadata.read_labels(labelled, output=0),  # type: ignore[call-arg]
            lambda: zl.metadata.read_labels(labelled, output_index=0),
            "output_index",
        ),
        "out": (
            lambda: zl.convert(CNN, out=folder / "old.tflite", **quick).size,  # type: ignore[call-arg]
            lambda: zl.convert(CNN, path=folder / "new.tflite", **quick).size,
            "path",
        ),
        "inputs": (
            lambda: refusal_of(lambda: zl.convert(CNN, inputs={"x": (1,)}, **quick)),  # type: ignore[call-arg]
            lambda: refusal_of(lambda: zl.convert(CNN, input_shapes={"x": (1,)}, **quick)),
            "input_shapes",
        ),
        "progress": (
            lambda: zl.convert(CNN, progress=steps.append, **quick).size,  # type: ignore[call-arg]
            lambda: zl.convert(CNN, on_step=steps.append, **quick).size,
            "on_step",
        ),
    }


CONVERSIONS = ("progress", "out", "inputs", "labels of a conversion")


@pytest.mark.parametrize("case", ["rounds", "warmup", "labels", "labels of metadata", "output", *CONVERSIONS])
def test_old_names_work_with_a_warning(case: str, tmp_path: Path) -> None:
    old = case.partition(" ")[0]
    if case in CONVERSIONS:
        pytest.importorskip("litert_quantizer", reason="needs the extra quantize")
    by_old, by_new, new = calls(tmp_path)[case]
    with pytest.warns(DeprecationWarning, match=rf"\({old}=\.\.\.\) is called {new} now.*write {new}=") as told:
        before = by_old()
    assert Path(told[0].filename) == Path(__file__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert by_new() == before


def test_both_names_are_refused() -> None:
    with pytest.raises(TypeError, match="pass turns only"):
        zl.benchmark(MODEL, turns=2, rounds=2)  # type: ignore[call-arg]
