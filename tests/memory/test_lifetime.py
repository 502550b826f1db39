"""What lives how long: models, their views, and the memory that callers lend them."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from tests.support.process_memory import growth, needs_proc
from tests.support.python_process import answer_of, run_python

MEBIBYTE = 2**20
DENSE = zoo.model_path("dense_2layer")

Lender = Callable[[zl.CompiledModel], object]


class Lent(np.ndarray):
    """An array that can be referred to weakly, which plain arrays can too, and that is told apart from them."""


def lent(shape: tuple[int, ...] = (1, 64)) -> np.ndarray:
    return zl.empty(shape).view(Lent)


def test_views_outlive_close() -> None:
    model = zl.load(DENSE)
    view = model.inputs[0].array
    result = model.outputs[0].array
    view[...] = 1
    model.run()
    expected = result.copy()
    model.close()
    gc.collect()
    np.testing.assert_array_equal(result, expected)
    view[...] = 2
    assert (view == 2).all()


def test_views_outlive_the_model() -> None:
    model = zl.load(DENSE)
    view, tensor = model.outputs[0].array, model.inputs[0]
    model.inputs[0].array[...] = 1
    model.run()
    expected = view.copy()
    del model
    gc.collect()
    others = [zl.load(DENSE) for _ in range(5)]  # which would take the memory if it was free
    for other in others:
        other(np.full((1, 64), 5, np.float32))
    np.testing.assert_array_equal(view, expected)
    assert tensor.shape == (1, 64)  # a tensor keeps its model


def test_views_outlive_a_resize() -> None:
    with zl.load(DENSE) as model:
        view = model.inputs[0].array
        view[...] = 3
        model.resize(features=(4, 64))
        assert view.shape == (1, 64)
        assert (view == 3).all()
        assert not np.shares_memory(view, model.inputs[0].array)
        view[...] = 4
        assert not model.inputs[0].array.any()


def test_slices_of_views_keep_the_memory() -> None:
    model = zl.load(DENSE)
    model.inputs[0].array[...] = np.arange(64)
    part = model.inputs[0].array[0, 10:20][::2]
    model.close()
    del model
    gc.collect()
    np.testing.assert_array_equal(part, [10, 12, 14, 16, 18])


def test_signatures_and_tensors_keep_their_model() -> None:
    signature = zl.load(DENSE).signatures["serving_default"]
    tensors = zl.load(DENSE).inputs
    gc.collect()
    assert signature(np.ones((1, 64), np.float32)).shape == (1, 10)
    assert tensors[0].array.shape == (1, 64)


def test_close_is_idempotent() -> None:
    model = zl.load(DENSE)
    assert not model.closed
    for _ in range(3):
        model.close()
        assert model.closed


def test_with_closes() -> None:
    with zl.load(DENSE) as model:
        closed_within = model.closed
    assert (closed_within, model.closed) == (False, True)
    with pytest.raises(KeyError, match="mine"), zl.load(DENSE) as model:
        raise KeyError("mine")
    assert model.closed


USES: dict[str, Callable[[zl.CompiledModel, zl.Signature, zl.Tensor], Any]] = {
    "call": lambda model, _, __: model(np.ones((1, 64), np.float32)),
    "call by name": lambda model, _, __: model(features=np.ones((1, 64), np.float32)),
    "call with out": lambda model, _, __: model(np.ones((1, 64), np.float32), out=np.empty((1, 10), np.float32)),
    "call with a list": lambda model, _, __: model([[1.0] * 64]),
    "run": lambda model, _, __: model.run(),
    "bind": lambda model, _, __: model.bind(features=zl.empty((1, 64))),
    "unbind": lambda model, _, __: model.bind(features=None),
    "resize": lambda model, _, __: model.resize(features=(2, 64)),
    "dispatch": lambda model, _, __: model.dispatch,
    "signature call": lambda _, signature, __: signature(np.ones((1, 64), np.float32)),
    "signature run": lambda _, signature, __: signature.run(),
    "signature resize": lambda _, signature, __: signature.resize(features=(2, 64)),
    "signature dispatch": lambda _, signature, __: signature.dispatch,
    "shape": lambda _, __, tensor: tensor.shape,
    "shape_signature": lambda _, __, tensor: tensor.shape_signature,
    "quantization": lambda _, __, tensor: tensor.quantization,
    "array": lambda _, __, tensor: tensor.array,
    "tensor bind": lambda _, __, tensor: tensor.bind(zl.empty((1, 64))),
    "tensor unbind": lambda _, __, tensor: tensor.unbind(),
}


@pytest.mark.parametrize("use", USES)
def test_use_after_close(use: str, capfd: pytest.CaptureFixture[str]) -> None:
    model = zl.load(DENSE)
    signature, tensor = model.signatures["serving_default"], model.inputs[0]
    model(np.ones((1, 64), np.float32))
    model.close()
    for _ in range(2):
        with pytest.raises(zl.Error, match=r"dense_2layer\.tflite.* is closed; load it again"):
            USES[use](model, signature, tensor)
    assert capfd.readouterr() == ("", "")


def test_what_a_closed_model_still_tells() -> None:
    model = zl.load(DENSE)
    tensors, signatures = model.inputs, model.signatures
    model.close()
    assert repr(model) == f"CompiledModel({str(DENSE)!r}, closed)"
    assert model.name == str(DENSE)
    assert list(tensors) == ["features"]
    assert (tensors[0].name, tensors[0].dtype) == ("features", np.dtype(np.float32))
    assert list(signatures) == ["serving_default"]
    for thing in (tensors[0], tensors, signatures["serving_default"]):
        assert "features" in repr(thing)  # no error: debuggers and logs show objects at any time


RELEASES: dict[str, Lender] = {
    "unbind": lambda model: model.bind(features=None),
    "rebind": lambda model: model.bind(features=zl.empty((1, 64))),
    "close": lambda model: model.close(),
    "resize": lambda model: model.resize(features=(2, 64)),
}


@pytest.mark.parametrize("release", RELEASES)
def test_bound_arrays_are_kept_and_let_go(release: str) -> None:
    model = zl.load(DENSE)
    array = lent()
    references = sys.getrefcount(array)
    model.bind(features=array)
    assert sys.getrefcount(array) > references
    model.run()
    assert sys.getrefcount(array) > references
    RELEASES[release](model)
    gc.collect()
    assert sys.getrefcount(array) == references


def test_bound_array_lives_until_it_is_let_go() -> None:
    model = zl.load(DENSE)
    array = lent()
    alive = weakref.ref(array)
    array[...] = 1
    model.bind(features=array)
    del array
    gc.collect()
    assert alive() is not None
    expected = zl.load(DENSE)(np.ones((1, 64), np.float32))
    model.run()
    np.testing.assert_array_equal(model.outputs[0].array, expected)
    model.bind(features=None)
    gc.collect()
    assert alive() is None


def test_bound_array_goes_with_the_model() -> None:
    model = zl.load(DENSE)
    array = lent()
    alive = weakref.ref(array)
    model.bind(features=array)
    del array, model
    gc.collect()
    assert alive() is None


def test_view_of_a_bound_tensor_keeps_the_callers_array() -> None:
    model = zl.load(DENSE)
    array = lent()
    alive = weakref.ref(array)
    model.bind(features=array)
    del array
    view = model.inputs[0].array
    model.close()
    del model
    gc.collect()
    view[...] = 6
    assert alive() is not None
    del view
    gc.collect()
    assert alive() is None


def test_refused_arrays_are_let_go() -> None:
    with zl.load(DENSE) as model:
        for wrong in (lent((2, 64)), lent((1, 65))[:, 1:]):
            references = sys.getrefcount(wrong)
            with pytest.raises(ValueError, match="features"):
                model.bind(features=wrong)
            gc.collect()
            assert sys.getrefcount(wrong) == references


@pytest.mark.parametrize(
    "release",
    [
        "model.close()",
        "model.resize(features=(2, 64))",
        "model.bind(features=None)",
        "model.bind(features=zl.empty((1, 64)))",
    ],
)
def test_letting_an_array_go_may_run_code_that_uses_the_model(release: str) -> None:
    program = f"""
import faulthandler
import sys

import numpy as np
import zerolite as zl

faulthandler.dump_traceback_later(5, exit=True)  # a deadlock ends the process

class Owner(np.ndarray):
    def __del__(self):
        try:
            model.run()
        except zl.Error:
            pass
        print("let go")

model = zl.load(sys.argv[1])
model.bind(features=zl.empty((1, 64)).view(Owner))
{release}
print("done")
"""
    process = run_python(program, str(DENSE))
    assert process.stdout.split("\n")[:2] == ["let go", "done"], process.stderr


def test_models_are_collected() -> None:
    class Watched(zl.CompiledModel):
        """Python subclasses can be referred to weakly."""

    model = Watched(DENSE)
    alive = weakref.ref(model)
    _ = (model.signatures, model.inputs, model.outputs, model.dispatch)
    model(np.ones((1, 64), np.float32))
    del _
    del model
    assert alive() is None  # at once: there is no reference cycle to wait for


@needs_proc
@pytest.mark.parametrize("close", [True, False], ids=["closed", "dropped"])
def test_loading_does_not_leak(close: bool) -> None:
    content = zoo.model_path("small_mobilenet").read_bytes()
    values = np.ones((1, 16, 16, 3), np.float32)

    def load() -> None:
        model = zl.load(content)
        model(values)
        model.resize(image=(2, 16, 16, 3))
        model.run()
        if close:
            model.close()

    assert growth(load, warm_up=50, times=300) < 3 * MEBIBYTE


@needs_proc
def test_refused_loads_do_not_leak() -> None:
    contents = [entry.path.read_bytes() for entry in zoo.models("malformed", runs=False)]

    def load() -> None:
        for content in contents:
            with pytest.raises(zl.Error):
                zl.load(content)(1)

    assert growth(load, warm_up=20, times=100) < 3 * MEBIBYTE


def test_process_may_end_with_models_open() -> None:
    answer = answer_of(
        """
import sys
import threading
import numpy as np
import zerolite as zl

model = zl.load(sys.argv[1], threads=2)
view = model.inputs[0].array
array = zl.empty((1, 64))
model.bind(features=array)
model.run()
signature = model.signatures["serving_default"]
cycle = [model, view]
cycle.append(cycle)
sys.keep = (signature, model.inputs[0])
print("end")
""",
        str(DENSE),
    )
    assert answer == "end\n"
